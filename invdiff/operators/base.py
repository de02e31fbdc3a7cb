"""The contract of every linear operator, and the arithmetic that follows from it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.notebook import card
from invdiff.operators.arrays import Array, as_tensor
from invdiff.operators.remembered import remembered
from invdiff.operators.structure import Structure

if TYPE_CHECKING:
    from invdiff.operators.conjugate_gradient import Solution
    from invdiff.operators.spectral import Spectral

Shape = tuple[int, ...]
"""Sizes of an array's axes, without those of a batch."""

NoiseSource = Callable[[Shape], Tensor]
"""Standard normal numbers of a shape."""

Report = Callable[["Solution"], None]


class LinearOperator(ABC):
    """A linear map from arrays ``(*batch, *domain_shape)`` to arrays ``(*batch, *codomain_shape)``.

    A subclass gives `domain_shape`, `codomain_shape`, `forward` and `adjoint`, and where it knows more, `structure` and
    what stands beside it. It never changes once it is made, as a frozen dataclass: two of one type whose attributes are
    equal are taken for the same map. All else follows: ``A(x)``, ``A.H``, ``A @ B``, ``A + B``, ``a * A``, ``A.gram``,
    ``A.pinv(y)``. Simplifications are rows of the tables in `invdiff.operators.rules`.

    The adjoint is exact under <u, v> = sum conj(u) v; for maps that are linear over the real numbers only, under Re<u,
    v>. Single or double precision, any device, any batch, an empty one too; a result has the precision of the input,
    whatever that of the operator's own numbers. NumPy arrays are taken where tensors are, and give tensors.
    """

    symbol: str = "A"
    """How `repr` prints it."""

    @property
    @abstractmethod
    def domain_shape(self) -> Shape:
        """Shape of what goes in, without batch dimensions."""

    @property
    @abstractmethod
    def codomain_shape(self) -> Shape:
        """Shape of what comes out, without batch dimensions."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """A x, unchecked: ``x`` is ``(*batch, *domain_shape)``."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """Aᴴ y, unchecked: ``y`` is ``(*batch, *codomain_shape)``."""

    def __call__(self, x: Array) -> Tensor:
        """A x for ``x`` of shape ``(*batch, *domain_shape)``.

        Raises:
            InputError: the shape does not end in `domain_shape`, the numbers are integers or of half precision, or a
                complex array meets a real domain.
        """
        return self.forward(self._check(x, self.domain_shape, "takes", real=self.real_domain))

    def _check(self, x: Array, shape: Shape, verb: str, *, real: bool) -> Tensor:
        x = as_tensor(x, self)
        if tuple(x.shape[x.ndim - len(shape) :]) != shape or x.ndim < len(shape):
            raise InputError(f"{self!r} {verb} arrays of shape (..., {_listed(shape)}) but got {tuple(x.shape)}.")
        if not (x.is_floating_point() or x.is_complex()):
            raise InputError(
                f"{self!r} {verb} floating-point numbers but got {x.dtype}; convert them first: x.float()."
            )
        if real and x.is_complex():
            raise InputError(
                f"{self!r} {verb} real arrays of shape (..., {_listed(shape)}) but got {x.dtype}; give the real part."
            )
        return x

    # What is known of it: a subclass answers with an attribute, or with a property where that depends on its parts

    @property
    def structure(self) -> Structure:
        """What is known of Aᴴ A, of A Aᴴ and of A itself."""
        return Structure.NONE

    @property
    def real_domain(self) -> bool:
        """Inputs are real by definition (as of ``RealPart.H``)."""
        return False

    @property
    def real_codomain(self) -> bool:
        """Outputs are real by definition (as of ``RealPart``)."""
        return False

    @property
    def preserves_reals(self) -> bool:
        """Real inputs give real outputs, for A and for Aᴴ (so not of ``RealPart``, whose adjoint makes real arrays
        complex)."""
        return False

    @property
    def is_complex_linear(self) -> bool:
        """A(c x) = c A(x) for complex c; ``RealPart`` is linear over the reals only."""
        return True

    # Structure, as questions

    @property
    def is_isometry(self) -> bool:
        """Whether Aᴴ A = I is known."""
        return Structure.ISOMETRY in self.structure

    @property
    def is_co_isometry(self) -> bool:
        """Whether A Aᴴ = I is known."""
        return Structure.CO_ISOMETRY in self.structure

    @property
    def is_unitary(self) -> bool:
        """Whether Aᴴ A = A Aᴴ = I is known."""
        return Structure.UNITARY in self.structure

    @property
    def is_self_adjoint(self) -> bool:
        """Whether Aᴴ = A is known."""
        return Structure.SELF_ADJOINT in self.structure

    @property
    def is_positive(self) -> bool:
        """Whether A is known to be positive semidefinite."""
        return Structure.POSITIVE in self.structure

    @property
    def is_positive_definite(self) -> bool:
        """Whether A is known to be positive and invertible."""
        return False

    @property
    def is_projection(self) -> bool:
        """Whether A is known to be an orthogonal projection."""
        return Structure.PROJECTION in self.structure

    @property
    def is_diagonal(self) -> bool:
        """Whether A is known to act element by element."""
        return Structure.DIAGONAL in self.structure

    # Arithmetic

    @property
    def H(self) -> "LinearOperator":
        """The adjoint, as an operator."""
        from invdiff.operators.adjoint import Adjoint

        return self if self.is_self_adjoint else Adjoint(self)

    def __matmul__(self, other: "LinearOperator") -> "LinearOperator":
        """A after B. The shorter of the meeting shapes is a suffix of the longer; its operator is lifted over the
        rest."""
        from invdiff.operators.product import product

        return product(self, other) if isinstance(other, LinearOperator) else NotImplemented

    def __add__(self, other: "LinearOperator") -> "LinearOperator":
        """x -> A x + B x; the shapes agree."""
        from invdiff.operators.sum import add

        return add(self, other) if isinstance(other, LinearOperator) else NotImplemented

    def __sub__(self, other: "LinearOperator") -> "LinearOperator":
        """x -> A x - B x."""
        return self + (-other)

    def __neg__(self) -> "LinearOperator":
        return -1.0 * self

    def __rmul__(self, scale: complex) -> "LinearOperator":
        """x -> a A x for a number a."""
        from invdiff.operators.scaled import scaled

        return scaled(scale, self) if isinstance(scale, int | float | complex) else NotImplemented

    def pullback(self, middle: "LinearOperator") -> "LinearOperator":
        """Aᴴ M A, in the fastest form known (table PULLBACK)."""
        from invdiff.operators.pullback import pullback

        return pullback(self, middle)

    @remembered
    def gram(self) -> "LinearOperator":
        """Aᴴ A, in the fastest form known. It solves and samples: see `solve` and `sample`."""
        from invdiff.operators.gram import gram

        return gram(self)

    # Inverse problems

    @remembered
    def preconditioner(self) -> "LinearOperator | None":
        """The inverse of `nearest_circulant`, with which conjugate gradients on a positive definite A converge sooner
        (Chan, SIAM Journal on Scientific and Statistical Computing 9, 1988); None where A is not known to be positive
        definite, or that operator not known."""
        nearest = self.nearest_circulant() if self.is_positive_definite else None
        known = None if nearest is None else nearest.spectral_part
        return None if known is None else known.map_spectrum(torch.reciprocal)

    def nearest_circulant(self) -> "LinearOperator | None":
        """The circular convolution whose value at each frequency is that of A, <f, A f> for the Fourier mode f; None
        where that takes more than A's own numbers."""
        return None

    def solve(
        self,
        b: Array,
        *,
        initial: Array | None = None,
        tol: float | Tensor | None = None,
        max_iter: int | None = None,
        preconditioner: "LinearOperator | None" = None,
        report: Report | None = None,
    ) -> Tensor:
        """x with A x = b, for positive A: closed form where there is one, else conjugate gradients.

        Args:
            b: right-hand side ``(*batch, *domain_shape)``; in the range of A where A is singular. Real ones have a
                complex solution where A makes real arrays complex.
            initial: where to start from (zero).
            tol: stop a batch item when its residual has fallen to ``tol * norm(b)``; by default 1e-6 in single and
                1e-12 in double precision; a number for each item, where it is an array of the batch's shape.
            max_iter: stop then, silently. Without it, 1000 iterations and a `ConvergenceWarning` where they do not
                suffice.
            preconditioner: a positive operator near the inverse of A, such as `preconditioner`; only where A is
                positive definite.
            report: told what conjugate gradients came to; a closed form tells nothing.

        Raises:
            InputError: A is not known to be positive, or the arrays are not of its domain.
        """
        b = self._check(b, self.domain_shape, "solves for", real=self.real_domain)
        return self._solve(b, initial=initial, tol=tol, max_iter=max_iter, preconditioner=preconditioner, report=report)

    def _solve(self, b: Tensor, *, initial: Array | None = None, **options: Any) -> Tensor:
        """`solve` for a right-hand side that is checked, by conjugate gradients with these options."""
        from invdiff.operators.conjugate_gradient import conjugate_gradient

        if not self.is_positive:
            raise InputError(
                f"{self!r} is not known to be positive, so it can't be solved; use pinv, or solve with its gram."
            )
        if not (b.is_complex() or self.real_domain or self.preserves_reals):
            b = b.to(self.forward(b.new_zeros(self.domain_shape)).dtype)  # the kind of number that its images have
        if initial is not None:
            initial = self._check(initial, self.domain_shape, "starts from", real=self.real_domain)
        return conjugate_gradient(self, b, initial=initial, **options)

    def sample(self, noise: NoiseSource) -> Tensor:
        """A draw from N(0, A^-1), for positive A of the form a I + b Bᴴ B.

        Args:
            noise: ``noise(shape)`` gives new standard normal numbers (complex: each part) of ``(*batch, *shape)``,
                always of the kind (real, complex) that the draw is to have.

        Raises:
            InputError: no square root of A is known.
        """
        raise InputError(
            f"No square root of {self!r} is known, so it can't be sampled; build it as a * I + b * A.gram."
        )

    def pinv(self, y: Array, *, tol: float | Tensor | None = None, max_iter: int | None = None) -> Tensor:
        """A⁺ y, the least-squares solution of least norm: closed form where known, else conjugate gradients on Aᴴ A x
        = Aᴴ y.

        ``tol`` and ``max_iter`` as in `solve`; closed forms do not use them.
        """
        y = self._check(y, self.codomain_shape, "has a pseudo-inverse that takes", real=self.real_codomain)
        if self.is_isometry or self.is_co_isometry:
            return self.adjoint(y)
        gram = self.gram.spectral_part
        if gram is not None:
            return gram.pinv(self.adjoint(y))
        return self._pinv(y, tol=tol, max_iter=max_iter)

    def _pinv(self, y: Tensor, *, tol: float | Tensor | None, max_iter: int | None) -> Tensor:
        return self.gram.solve(self.adjoint(y), tol=tol, max_iter=max_iter)

    def project(self, x: Array, y: Array, *, tol: float | None = None, max_iter: int | None = None) -> Tensor:
        """The point nearest to ``x`` with A x = y (with A x = A A⁺ y where y is out of range): x + A⁺(y - A x).

        ``tol`` is relative to y, so that a point which meets the data to that accuracy stays where it is.
        """
        from invdiff.operators.conjugate_gradient import default_tolerance

        x = self._check(x, self.domain_shape, "takes", real=self.real_domain)
        y = self._check(y, self.codomain_shape, "makes", real=self.real_codomain)
        residual = y - self.forward(x)
        event = len(self.domain_shape)
        whole, left = (self.adjoint(each).abs() for each in (y, residual))
        whole, left = (each.flatten(each.ndim - event).square().sum(-1).sqrt() for each in (whole, left))
        of_residual = whole / torch.where(left > 0, left, 1)
        tolerance = (default_tolerance(y.dtype) if tol is None else tol) * of_residual.clamp(min=1)
        return x + self.pinv(residual, tol=tolerance, max_iter=max_iter)

    @remembered
    def row_projection(self) -> "LinearOperator":
        """A⁺ A, the orthogonal projection onto what A can see: closed form where known, else with conjugate
        gradients."""
        from invdiff.operators.row_projection import row_projection

        return row_projection(self)

    def norm(self) -> float:
        """The largest singular value: closed form where known, else Lanczos (ARPACK, to 1e-6)."""
        from invdiff.operators.norm import norm

        return norm(self)

    def norm_bound(self) -> float:
        """A number that the largest singular value does not exceed: of products and sums that which follows from their
        parts, else `norm`."""
        return self._norm

    @remembered
    def _norm(self) -> float:
        return self.norm()

    def evenness(self) -> float:
        """The root of |Aᴴ A|² / (tr Aᴴ A |A|²), Frobenius norm over trace and spectral norm, of its transform: the
        singular value by which what is measured is weighed as a rule, over the largest, up to one. Samples on a grid
        are weighed alike, and what is not known to be uneven is taken for even."""
        return 1.0

    # Looking inside

    @property
    def factors(self) -> "tuple[LinearOperator, ...]":
        """The operators whose product this is, leftmost first."""
        return (self,)

    @property
    def spectral_part(self) -> "Spectral | None":
        """The operator itself where it is spectral, seen through its lift; else None."""
        return None

    def _lifted(self, prefix: Shape) -> "LinearOperator | None":
        """What `lift` over ``prefix``, which is not empty, makes of it; None where that is a `Lift`."""
        return None

    def _unlifted(self, prefix: Shape) -> "LinearOperator | None":
        """The operator whose lift over ``prefix`` this is; None where it is none."""
        return None

    def peel(self, kind: "type[LinearOperator]") -> "tuple[LinearOperator, LinearOperator]":
        """Take the factor of the given kind off the right end: ``(rest, part)`` with A = rest @ part.

        A scale stays with the rest.

        Raises:
            InputError: the rightmost factor is of another kind.
        """
        from invdiff.operators.product import peel

        return peel(self, kind)

    def to(self, device: torch.device | str) -> Self:
        """This operator with its tensors on another device."""
        moved = object.__new__(type(self))
        for name, value in _attributes(self).items():
            object.__setattr__(moved, name, _moved(value, device))
        return moved

    def __repr__(self) -> str:
        return self.symbol

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        facts = [name.lower() for name, fact in Structure.__members__.items() if fact and fact in self.structure]
        rows = {"takes": f"(..., {_listed(self.domain_shape)})", "makes": f"(..., {_listed(self.codomain_shape)})"}
        return card(repr(self), {**rows, "known to be": ", ".join(facts).replace("_", "-") or "linear"})


def _attributes(operator: LinearOperator) -> dict[str, Any]:
    """What an operator is made of, whether a dataclass or not: its attributes but for what it has computed of them."""
    state = object.__getstate__(operator)
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    held, kind = {**(attributes or {}), **(slots or {})}, type(operator)
    return {name: value for name, value in held.items() if not isinstance(getattr(kind, name, None), cached_property)}


def _moved(value: Any, device: torch.device | str) -> Any:
    match value:
        case Tensor() | LinearOperator():
            return value.to(device)
        case tuple():
            return tuple(_moved(v, device) for v in value)
        case list():
            return [_moved(v, device) for v in value]
        case dict():
            return {key: _moved(v, device) for key, v in value.items()}
        case _:
            return value


def _listed(shape: Sequence[int]) -> str:
    return ", ".join(map(str, shape))


def in_precision_of(x: Tensor, values: Tensor) -> Tensor:
    """An operator's own numbers in the precision of its input and where it is, so that a result has both."""
    if values.dtype == torch.bool:
        return values.to(x.device)
    return values.to(x.device, x.dtype.to_complex() if values.is_complex() else x.dtype.to_real())


def size(shape: Shape) -> int:
    """How many numbers an array of this shape holds."""
    return math.prod(shape)


def same(a: Any, b: Any) -> bool:
    """Whether two operators (or their parts) are equal by value: same type, same attributes, equal tensors."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
    if isinstance(a, LinearOperator):
        return same(_attributes(a), _attributes(b))
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    equal = a == b
    return isinstance(equal, bool) and equal  # what answers otherwise, as NumPy arrays do, is not known to be the same
