"""The contract of linear operators."""

import copy
import pickle
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from invdiff.operators import Identity, LinearOperator, Shape
from invdiff.operators.base import size
from invdiff.testing.arrays import close, largest, length, normal, refused, shaped

_QUESTIONS = (
    "is_isometry",
    "is_co_isometry",
    "is_unitary",
    "is_self_adjoint",
    "is_positive",
    "is_projection",
    "is_diagonal",
)


def dot_test(
    A: LinearOperator,
    *,
    dtype: torch.dtype = torch.complex128,
    seed: int = 0,
    tol: float | None = None,
) -> None:
    """Check the adjoint of A: <A x, y> = <x, Aᴴ y> for random x and y, Re<u, v> where A is linear over the reals only.

    Args:
        A: the operator, of any size: it is applied once, and its adjoint once.
        dtype: of ``x``; its real counterpart where A takes real arrays. ``y`` is of the kind that A makes of ``x``.
        seed: of the random numbers.
        tol: largest difference, relative to norm(A x) norm(y) + norm(x) norm(Aᴴ y); by default 1e-12 in double and 1e-5
            in single precision.

    Raises:
        AssertionError: the inner products differ; it names both.
    """
    generator = torch.Generator().manual_seed(seed)
    x = normal(A.domain_shape, _kind(dtype, A.real_domain), generator)
    image = A(x)
    y = normal(A.codomain_shape, image.dtype, generator)
    back = A.H(y)
    left, right = _inner(image, y), _inner(x, back)
    if not A.is_complex_linear:
        left, right = left.real, right.real
    tol = tol if tol is not None else (1e-12 if torch.finfo(dtype).bits == 64 else 1e-5)
    bound = tol * (length(image) * length(y) + length(x) * length(back))
    if not abs(left - right) <= bound:
        over = "" if A.is_complex_linear else " (real parts)"
        raise AssertionError(
            f"<A x, y> is {left:.10g} but <x, Aᴴ y> is {right:.10g}{over}: the adjoint of {A!r} is wrong."
        )


def dense(A: LinearOperator, dtype: torch.dtype = torch.complex128) -> Tensor:
    """The matrix of A in real coordinates, by applying A to every unit vector: for small operators.

    Args:
        A: the operator.
        dtype: of the arrays that A is given; its real counterpart where A takes real arrays.

    Returns:
        Real ``(rows, columns)``. A real array of n numbers has n coordinates; a complex one 2n, each number's real part
        followed by its imaginary part. The matrix of Aᴴ is the transpose.
    """
    return _coordinates(A(_units(A.domain_shape, _kind(dtype, A.real_domain))), A.codomain_shape).T


class OperatorContract(ABC):
    """What every linear operator promises, as tests to inherit. Give `operator`, small: it is compared with its matrix.

    Attributes:
        dtype: of the arrays it is given, in double precision; real for an operator that keeps real arrays real.
        tolerance: largest relative error of what is exact but for rounding.
        solver_tolerance: largest relative error of what conjugate gradients may compute: `pinv`, `project`, `solve`,
            `sample`.
    """

    dtype: torch.dtype = torch.complex128
    tolerance: float = 1e-10
    solver_tolerance: float = 1e-6

    @abstractmethod
    def operator(self) -> LinearOperator:
        """The operator to test; called once by every test."""

    def test_shapes(self) -> None:
        """Arrays of the stated shape, and no others, go in; arrays of the stated shape come out."""
        A, x, y = self._drawn()
        shaped(A(x), A.codomain_shape, f"{A!r} of an array of shape {A.domain_shape}")
        shaped(A.H(y), A.domain_shape, f"The adjoint of {A!r} of an array of shape {A.codomain_shape}")
        refused(lambda: A(_longer(x)), _listed(A.domain_shape))
        refused(lambda: A.H(_longer(y)), _listed(A.codomain_shape))

    def test_adjoint(self) -> None:
        """<A x, y> = <x, Aᴴ y>, and so for Aᴴ."""
        A = self.operator()
        dot_test(A, dtype=self.dtype)
        dot_test(A.H, dtype=self.dtype)
        close(
            dense(A.H.H, self._kind(A)), dense(A, self._kind(A)), self.tolerance, f"The adjoint of the adjoint of {A!r}"
        )

    def test_linear(self) -> None:
        """A(a x + b z) = a A x + b A z, for complex a and b where A is complex-linear."""
        A, x, _ = self._drawn()
        z = self._draw(A.domain_shape, x.dtype, seed=1)
        complex_too = A.is_complex_linear and x.is_complex()
        a, b = (0.6 - 1.1j, -0.7 + 0.4j) if complex_too else (0.6, -0.7)
        parts = a * A(x), b * A(z)
        close(A(a * x + b * z), parts[0] + parts[1], self.tolerance, f"{A!r} of a sum", scale=largest(*parts))

    def test_batches(self) -> None:
        """Any leading dimensions: every item gives what it gives alone."""
        A = self.operator()
        for B in (A, A.H):
            x = self._draw((2, 3, *B.domain_shape), self._kind(B))
            alone = torch.stack([torch.stack([B(item) for item in row]) for row in x])
            shaped(B(x), (2, 3, *B.codomain_shape), f"{B!r} of a batch of (2, 3)")
            close(B(x), alone, self.tolerance, f"{B!r} of a batch")

    def test_empty_batches(self) -> None:
        """Of no item no item is made."""
        A, x, y = self._drawn()
        no_x, no_y = x.new_zeros(0, *x.shape), y.new_zeros(0, *y.shape)
        shaped(A(no_x), (0, *A.codomain_shape), f"{A!r} of an empty batch")
        for how, made in {
            "adjoint": A.H(no_y),
            "gram": A.gram(no_x),
            "pseudo-inverse": A.pinv(no_y),
            "projection": A.project(no_x, no_y),
            "solution": self._precision(A).solve(no_x),
        }.items():
            shaped(made, (0, *A.domain_shape), f"The {how} of an empty batch by {A!r}")

    def test_kinds_of_number(self) -> None:
        """Real arrays where they are promised, complex ones refused where real ones are taken."""
        A, x, y = self._drawn()
        for B, given in ((A, x), (A.H, y)):
            if given.is_complex():
                assert B(given).is_complex() != B.real_codomain, f"{B!r} makes {B(given).dtype} of {given.dtype}."
            if B.real_domain:
                refused(lambda B=B, given=given: B(given + 0j), _listed(B.domain_shape))  # type: ignore[misc] # mypy infers no lambda with defaults
            if B.preserves_reals:
                real = self._draw(B.domain_shape, self.dtype.to_real())
                assert not B(real).is_complex(), f"{B!r} claims to keep real arrays real but made {B(real).dtype}."

    def test_real_arrays(self) -> None:
        """Real arrays give what the same numbers give as complex ones, where those are taken."""
        A, x, y = self._drawn()
        for how, call, given in (
            ("image", A, x),
            ("adjoint", A.H, y),
            ("gram", A.gram, x),
            ("pseudo-inverse", A.pinv, y),
            ("projection", lambda x: A.project(x, y), x),
            ("solution", self._precision(A).solve, x),
        ):
            if given.is_complex():
                made, expected = call(given.real.clone()), call(given.real + 0j)
                close(made + 0j, expected + 0j, self.solver_tolerance, f"The {how} of a real array by {A!r}")

    def test_numpy_arrays(self) -> None:
        """NumPy arrays are taken where tensors are."""
        A, x, y = self._drawn()
        for how, made, expected in (
            ("image", A(x.numpy()), A(x)),
            ("adjoint", A.H(y.numpy()), A.H(y)),
            ("pseudo-inverse", A.pinv(y.numpy()), A.pinv(y)),
            ("projection", A.project(x.numpy(), y.numpy()), A.project(x, y)),
            ("solution", self._precision(A).solve(x.numpy()), self._precision(A).solve(x)),
        ):
            assert torch.equal(made, expected), f"The {how} of a NumPy array by {A!r} is not that of a tensor."

    def test_half_precision_is_refused(self) -> None:
        """Half precision is refused by name."""
        A = self.operator()
        for B in (A, A.H):
            for kind in (torch.float16, torch.bfloat16):
                half = torch.zeros(B.domain_shape, dtype=kind)
                refused(lambda B=B, half=half: B(half), str(kind))  # type: ignore[misc] # mypy infers no lambda with defaults

    def test_gram(self) -> None:
        """`gram` is Aᴴ A."""
        A = self.operator()
        kind, matrix = self._kind(A), self._matrix(A)
        shaped(A.gram(self._draw(A.domain_shape, kind)), A.domain_shape, f"The gram of {A!r}")
        close(dense(A.gram, kind), matrix.T @ matrix, self.tolerance, f"The gram of {A!r}", scale=length(matrix) ** 2)

    def test_structure(self) -> None:
        """What the operator claims to be, it is."""
        A = self.operator()
        matrix = self._matrix(A)
        inner, outer = matrix.T @ matrix, matrix @ matrix.T
        claims = {
            "is_isometry": (inner, torch.eye(len(inner), dtype=matrix.dtype)),
            "is_co_isometry": (outer, torch.eye(len(outer), dtype=matrix.dtype)),
        }
        if len(inner) == len(outer):
            claims["is_unitary"] = (inner + outer) / 2, torch.eye(len(inner), dtype=matrix.dtype)
        if len(inner) == len(outer) and A.domain_shape == A.codomain_shape:
            claims |= {
                "is_self_adjoint": (matrix, matrix.T),
                "is_positive": (matrix, _positive_part(matrix)),
                "is_projection": (matrix, inner),
                "is_diagonal": (matrix, matrix * _diagonal_blocks(A, matrix)),
            }
        for claim in _QUESTIONS:
            if getattr(A, claim):
                assert claim in claims, f"{A!r} claims {claim} but maps {A.domain_shape} to {A.codomain_shape}."
                close(*claims[claim], self.tolerance, f"{A!r} claims {claim}, but its matrix", scale=1 + length(matrix))

    def test_pinv(self) -> None:
        """The four Moore-Penrose conditions."""
        A = self.operator()
        matrix, tol = self._matrix(A), self.solver_tolerance
        units = _units(A.codomain_shape, self._image_kind(A))
        pinv = _coordinates(A.pinv(units), A.domain_shape).T
        seen, kept = matrix @ pinv, pinv @ matrix
        close(seen @ matrix, matrix, tol, f"A A⁺ A of {A!r}")
        close(kept @ pinv, pinv, tol, f"A⁺ A A⁺ of {A!r}")
        close(seen, seen.T, tol, f"(A A⁺)ᴴ of {A!r}")
        close(kept, kept.T, tol, f"(A⁺ A)ᴴ of {A!r}")

    def test_project(self) -> None:
        """`project` meets the data, leaves what meets it alone, and moves nothing that A does not see."""
        A, x, _ = self._drawn()
        tol, scale = self.solver_tolerance, length(x)
        y = A(self._draw(A.domain_shape, x.dtype, seed=1))
        projected = A.project(x, y)
        close(A(projected), y, tol, f"The data of a projection onto {A!r} x = y", scale=length(y) + length(A(x)))
        close(A.project(projected, y), projected, tol, f"The projection of a projection onto {A!r} x = y", scale=scale)
        move = _coordinates((projected - x)[None], A.domain_shape)[0]
        seen = torch.linalg.pinv(self._matrix(A), rtol=1e-9) @ (self._matrix(A) @ move)
        close(move, seen, tol, f"The projection onto {A!r} x = y is not the nearest point: its move", scale=scale)

    def test_norm(self) -> None:
        """`norm` is the largest singular value."""
        A = self.operator()
        largest = float(torch.linalg.matrix_norm(self._matrix(A), 2))
        assert abs(A.norm() - largest) <= 1e-5 * largest, f"The norm of {A!r} is {largest:.8g}, not {A.norm():.8g}."

    def test_solve(self) -> None:
        """2 I + 3 Aᴴ A is inverted by `solve`."""
        A, x, _ = self._drawn()
        precision = self._precision(A)
        close(precision.solve(precision(x)), x, self.solver_tolerance, f"The solution of {precision!r} x = b")

    def test_sample(self) -> None:
        """2 I + 3 Aᴴ A is sampled with the inverse as covariance: exactly, since a draw is linear in its noise."""
        A = self.operator()
        precision = self._precision(A)
        root = _noise_matrix(precision, self._kind(A))
        covariance = torch.linalg.inv(dense(precision, self._kind(A)))
        close(root @ root.T, covariance, self.solver_tolerance, f"The covariance of samples of {precision!r}")

    def test_single_precision(self) -> None:
        """Single precision in, single precision out, and the same numbers."""
        A = self.operator()
        for B in (A, A.H, A.gram):
            x = self._draw(B.domain_shape, self._kind(B))
            single = torch.complex64 if x.is_complex() else torch.float32
            made, expected = B(x.to(single)), B(x)
            assert made.dtype in (torch.float32, torch.complex64), f"{B!r} makes {made.dtype} of {single}."
            close(made.to(expected.dtype), expected, 1e-4, f"{B!r} in single precision", scale=self._bound(B, x))

    def test_input_is_not_changed(self) -> None:
        """Nothing is written into the arrays given."""
        A, x, y = self._drawn()
        kept_x, kept_y = x.clone(), y.clone()
        A(x), A.H(y), A.gram(x), A.pinv(y), A.project(x, y)
        self._precision(A).solve(x, initial=x)
        for array, kept in ((x, kept_x), (y, kept_y)):
            assert torch.equal(array, kept), f"{A!r} changes the arrays that it is given."

    def test_copies(self) -> None:
        """A pickled, a copied, and a moved operator are the same map, before all that it can do was asked of it and
        after."""
        A, x, y = self._drawn()
        adjoint = A.H
        for when in ("before it is used", "after it is used"):
            for B, given in ((A, x), (adjoint, y)):
                for how, copied in {
                    "pickled": pickle.loads(pickle.dumps(B)),
                    "copied": copy.deepcopy(B),
                    "moved": B.to("cpu"),
                }.items():
                    assert torch.equal(copied(given), B(given)), f"{B!r} is another map once {how} {when}."
            self._use(A, x, y)

    def _use(self, A: LinearOperator, x: Tensor, y: Tensor) -> None:
        """Ask all that an operator can do, so that it has cached what it caches."""
        repr(A), A.structure, A.factors, A.row_projection, A.norm()
        A(x), A.H(y), A.gram(x), A.pinv(y, max_iter=1), A.project(x, y, max_iter=1)
        precision = self._precision(A)
        precision.solve(x, max_iter=1), precision.sample(lambda shape: torch.zeros(shape, dtype=x.dtype))

    def _kind(self, A: LinearOperator) -> torch.dtype:
        return _kind(self.dtype, A.real_domain)

    def _image_kind(self, A: LinearOperator) -> torch.dtype:
        return A(torch.zeros(A.domain_shape, dtype=self._kind(A))).dtype

    def _draw(self, shape: Shape, dtype: torch.dtype, seed: int = 0) -> Tensor:
        return normal(shape, dtype, torch.Generator().manual_seed(seed))

    def _drawn(self) -> tuple[LinearOperator, Tensor, Tensor]:
        """The operator, an array for it and one for its adjoint."""
        A = self.operator()
        y = self._draw(A.codomain_shape, self._image_kind(A), seed=2)
        return A, self._draw(A.domain_shape, self._kind(A)), y

    def _matrix(self, A: LinearOperator) -> Tensor:
        return dense(A, self.dtype)

    def _bound(self, A: LinearOperator, x: Tensor) -> float:
        return length(self._matrix(A)) * length(x)

    def _precision(self, A: LinearOperator) -> LinearOperator:
        return 2 * Identity(A.domain_shape) + 3 * A.gram


def _kind(dtype: torch.dtype, real: bool) -> torch.dtype:
    return dtype.to_real() if real else dtype


def _inner(u: Tensor, v: Tensor) -> complex:
    kind = torch.promote_types(u.dtype, v.dtype)
    return complex(torch.vdot(u.flatten().to(kind), v.flatten().to(kind)).item())


def _coordinates(x: Tensor, shape: Shape) -> Tensor:
    """Arrays ``(count, *shape)`` as rows of real numbers."""
    real = torch.view_as_real(x.resolve_conj()) if x.is_complex() else x
    return real.reshape(*x.shape[: x.ndim - len(shape)], -1)


def _units(shape: Shape, dtype: torch.dtype) -> Tensor:
    """The arrays ``(count, *shape)`` of which one real coordinate is 1."""
    count = size(shape) * (2 if dtype.is_complex else 1)
    return _from_coordinates(torch.eye(count, dtype=dtype.to_real()), shape, dtype)


def _from_coordinates(rows: Tensor, shape: Shape, dtype: torch.dtype) -> Tensor:
    if dtype.is_complex:
        return torch.view_as_complex(rows.reshape(-1, *shape, 2).contiguous())
    return rows.reshape(-1, *shape)


def _noise_matrix(precision: LinearOperator, dtype: torch.dtype) -> Tensor:
    """The matrix from all noise that `sample` asks for to the draw."""
    shapes: list[Shape] = []

    def nothing(shape: Shape) -> Tensor:
        shapes.append(shape)
        return torch.zeros(shape, dtype=dtype)

    precision.sample(nothing)
    counts = [size(shape) * (2 if dtype.is_complex else 1) for shape in shapes]
    blocks = iter(torch.eye(sum(counts), dtype=dtype.to_real()).split(counts, dim=1))
    return _coordinates(
        precision.sample(lambda shape: _from_coordinates(next(blocks), shape, dtype)), precision.domain_shape
    ).T


def _positive_part(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    return torch.einsum("ik,k,jk->ij", vectors, values.clamp(min=0), vectors)


def _diagonal_blocks(A: LinearOperator, matrix: Tensor) -> Tensor:
    """One where a coordinate of a number meets a coordinate of the same number."""
    count = size(A.domain_shape)
    rows, columns = (torch.arange(length) // (length // count) for length in matrix.shape)
    return rows[:, None] == columns


def _longer(x: Tensor) -> Tensor:
    return torch.cat([x, x], dim=-1)


def _listed(shape: Shape) -> str:
    return ", ".join(map(str, shape))
