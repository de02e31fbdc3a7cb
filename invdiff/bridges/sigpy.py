"""Between this package and SigPy's linear operators."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from invdiff.bridges.channels import between_reals
from invdiff.bridges.numpy_operator import Arrays, NumpyOperator, tensor_dtype
from invdiff.errors import InputError
from invdiff.operators import LinearOperator
from invdiff.operators.frozen import Frozen

if TYPE_CHECKING:
    from invdiff.bridges.sigpy_linop import OperatorLinop


class SigpyOperator(NumpyOperator, Frozen):
    """A ``sigpy.linop.Linop`` on arrays. Build it by `from_sigpy`, which checks it.

    Args:
        linop: SigPy's, on the CPU.
    """

    linop: Any

    def arrays(self, items: Arrays) -> Arrays:
        return np.stack([self.linop(item) for item in items])

    def arrays_by_adjoint(self, items: Arrays) -> Arrays:
        return np.stack([self.linop.H(item) for item in items])

    def __repr__(self) -> str:
        return str(self.linop.repr_str)


def from_sigpy(linop: Any, *, dtype: DTypeLike = np.complex64) -> LinearOperator:
    """A ``sigpy.linop.Linop`` as an operator on arrays of its ``ishape``.

    It computes in the declared precision, on the CPU, one item of a batch after the other; arrays of any precision and
    device go there and back, and gradients by the adjoint.

    Args:
        linop: SigPy's: sensitivities, (non-uniform) Fourier transforms, wavelets, finite differences, ...
        dtype: of the arrays that it is to be given. Where one makes real arrays of real ones and real numbers are
            declared, it takes complex ones as well, part by part.

    Raises:
        InputError: it is no Linop, there are no tensors of that dtype, it is not linear, or its adjoint is not one.
    """
    from sigpy.linop import Linop

    if not isinstance(linop, Linop):
        raise InputError(f"from_sigpy takes a sigpy.linop.Linop; {type(linop).__name__} is none.")
    kind, name = tensor_dtype(dtype, linop.repr_str), str(linop.repr_str)
    A = SigpyOperator(tuple(linop.ishape), tuple(linop.oshape), kind, kind, False, linop)
    return A.checked(name, "mend its _adjoint_linop, or declare the dtype that it computes in")


def to_sigpy(A: LinearOperator) -> "OperatorLinop":
    """An operator as a ``sigpy.linop.Linop``, for SigPy's algorithms and apps: NumPy arrays in and out, in their
    precision.

    Where A is linear over the real numbers only, the arrays are real ones, ``(2, *shape)`` in the place of complex
    ones, as of `Channels`. The normal operator, ``.N``, is the gram in the fastest form known.

    Args:
        A: an operator, in memory.
    """
    from invdiff.bridges.sigpy_linop import OperatorLinop

    return OperatorLinop(A if A.is_complex_linear else between_reals(A))
