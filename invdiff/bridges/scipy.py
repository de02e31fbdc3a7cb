"""Between this package and SciPy's linear operators, which PyLops has as well."""

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike

from invdiff.bridges.channels import between_reals
from invdiff.bridges.numpy_operator import Arrays, NumpyOperator, tensor_dtype
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, Shape
from invdiff.operators.base import size
from invdiff.operators.frozen import Frozen


class ScipyOperator(NumpyOperator, Frozen):
    """A ``scipy.sparse.linalg.LinearOperator`` on arrays. Build it by `from_scipy`, which checks it.

    Args:
        linear_operator: on vectors.
    """

    linear_operator: Any

    def arrays(self, items: Arrays) -> Arrays:
        return _of_columns(self.linear_operator.matmat, items, self.codomain)

    def arrays_by_adjoint(self, items: Arrays) -> Arrays:
        return _of_columns(self.linear_operator.rmatmat, items, self.domain)

    def __repr__(self) -> str:
        return type(self.linear_operator).__name__


def from_scipy(
    linear_operator: Any, domain_shape: Shape, codomain_shape: Shape, *, dtype: DTypeLike | None = None
) -> LinearOperator:
    """A linear operator of SciPy or PyLops, or a matrix, sparse or dense, as an operator on arrays.

    It computes in the declared precision, in memory; arrays of any precision and device go there and back, and
    gradients by the adjoint.

    Args:
        linear_operator: what ``scipy.sparse.linalg.aslinearoperator`` takes: of shape (m, n), with an adjoint.
        domain_shape: of n numbers, in C order.
        codomain_shape: of m numbers, in C order.
        dtype: of the arrays that it is to be given; ``None``: its own. One that makes real arrays of real ones takes
            complex ones as well; one that makes complex arrays of real ones, such as a real-to-complex FFT, is an
            operator of real arrays where real numbers are declared.

    Raises:
        InputError: it is no such operator, the shapes hold other numbers of elements, there are no tensors of that
            dtype, it is not linear, or its adjoint is missing or not one.
    """
    from scipy.sparse import issparse
    from scipy.sparse.linalg import aslinearoperator

    name = type(linear_operator).__name__
    if isinstance(linear_operator, np.ndarray) or issparse(linear_operator):
        linear_operator = linear_operator.copy()  # what is done to the matrix later does not change the operator
    try:
        linear_operator = aslinearoperator(linear_operator)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"from_scipy takes what scipy.sparse.linalg.aslinearoperator takes; {name} is none ({error})."
        ) from error
    if tuple(linear_operator.shape) != (size(codomain_shape), size(domain_shape)):
        rows, columns = linear_operator.shape
        raise InputError(
            f"{name} makes {rows} numbers of {columns}, but the domain {tuple(domain_shape)} has {size(domain_shape)} "
            f"and the codomain {tuple(codomain_shape)} {size(codomain_shape)}."
        )
    declared = linear_operator.dtype if dtype is None else dtype
    kind = tensor_dtype(np.float64 if declared is None else declared, name)
    return ScipyOperator(tuple(domain_shape), tuple(codomain_shape), kind, kind, False, linear_operator).checked(
        name, "mend its rmatvec, or declare the dtype that it computes in"
    )


def to_scipy(A: LinearOperator, *, dtype: DTypeLike | None = None) -> Any:
    """An operator as a ``scipy.sparse.linalg.LinearOperator`` on vectors, for SciPy's and PyLops's solvers.

    The vectors are the arrays in C order. Where A is linear over the real numbers only, they are real: of each complex
    array the real part and then the imaginary part, as of `Channels`, so that the adjoint is the transpose.

    Args:
        A: an operator, in memory.
        dtype: in which it computes whatever it is given; ``None``: double precision, real where A keeps real arrays
            real.

    Raises:
        InputError: real numbers are declared of an operator that makes complex ones of them.
    """
    from scipy.sparse.linalg import LinearOperator as ScipyLinearOperator

    B = A if A.is_complex_linear else between_reals(A)
    is_real = B.preserves_reals or (B.real_domain and B.real_codomain)
    kind = np.dtype((np.float64 if is_real else np.complex128) if dtype is None else dtype)
    if kind.kind == "f" and not is_real:
        raise InputError(f"{A!r} makes complex arrays, so its vectors can't be of {kind}; declare complex numbers.")

    forward, back = partial(_of_vectors, B, kind), partial(_of_vectors, B.H, kind)
    shape = (size(B.codomain_shape), size(B.domain_shape))
    return ScipyLinearOperator(shape, forward, back, forward, kind, back)


def _of_vectors(A: LinearOperator, dtype: np.dtype[Any], columns: Arrays) -> Arrays:
    """A of one vector, or of several that are columns, in the precision of a dtype."""
    vectors = columns.reshape(len(columns), -1).T
    kind = np.result_type(dtype, np.complex64) if np.iscomplexobj(vectors) else dtype
    with torch.no_grad():
        made = A(torch.from_numpy(np.ascontiguousarray(vectors, kind)).reshape(-1, *A.domain_shape))
    found: Arrays = made.reshape(len(made), -1).numpy().T
    return found.reshape(-1, *columns.shape[1:])


def _of_columns(function: Any, items: Arrays, made: Shape) -> Arrays:
    columns: Arrays = function(items.reshape(len(items), -1).T)
    return columns.T.reshape(-1, *made)
