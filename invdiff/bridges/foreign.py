"""Operators of other libraries, seen as ours: any batch, any precision, either kind of number."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor

from invdiff.bridges.probes import is_complex_linear, normal, refuse_nonlinear, refuse_wrong_adjoint
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, Shape
from invdiff.operators.arrays import PRECISIONS
from invdiff.operators.base import in_precision_of
from invdiff.operators.frozen import Frozen


class Foreign(LinearOperator, Frozen):
    """A base for operators of other libraries, which are shown batches with one axis, in the kind of number and the
    precision that was declared, whatever an array has; `checked` makes one that can be used.

    What makes real arrays of real ones takes complex ones as well, part by part.

    Args:
        domain: shape of an array that it takes.
        codomain: shape of one that it makes.
        dtype: of arrays that it takes.
        codomain_dtype: of arrays that it makes.
        complex_linear: A(c x) = c A(x) for complex c.
    """

    domain: Shape
    codomain: Shape
    dtype: torch.dtype
    codomain_dtype: torch.dtype
    complex_linear: bool

    @abstractmethod
    def made(self, items: Tensor) -> Tensor:
        """What the library makes of ``items`` ``(count, *domain)``."""

    @abstractmethod
    def made_by_adjoint(self, items: Tensor) -> Tensor:
        """What the library's adjoint makes of ``items`` ``(count, *codomain)``."""

    @property
    def device(self) -> torch.device:
        """Where the library computes."""
        return torch.device("cpu")

    @property
    def domain_shape(self) -> Shape:
        return self.domain

    @property
    def codomain_shape(self) -> Shape:
        return self.codomain

    @property
    def real_domain(self) -> bool:
        return not self.dtype.is_complex and self.codomain_dtype.is_complex

    @property
    def real_codomain(self) -> bool:
        return self.dtype.is_complex and not self.codomain_dtype.is_complex

    @property
    def is_complex_linear(self) -> bool:
        return self.complex_linear

    @property
    def preserves_reals(self) -> bool:
        return not (self.dtype.is_complex or self.codomain_dtype.is_complex)

    def forward(self, x: Tensor) -> Tensor:
        return self._of_batch(self.made, x, (self.domain, self.dtype), (self.codomain, self.codomain_dtype))

    def adjoint(self, y: Tensor) -> Tensor:
        return self._of_batch(self.made_by_adjoint, y, (self.codomain, self.codomain_dtype), (self.domain, self.dtype))

    def _of_batch(
        self,
        function: Callable[[Tensor], Tensor],
        x: Tensor,
        taken: tuple[Shape, torch.dtype],
        made: tuple[Shape, torch.dtype],
    ) -> Tensor:
        batch = x.shape[: x.ndim - len(taken[0])]
        in_parts = self.preserves_reals and x.is_complex()
        if 0 in batch:
            return in_precision_of(x, x.new_zeros(*batch, *made[0], dtype=x.dtype if in_parts else made[1]))
        items = x.reshape(-1, *taken[0])
        items = torch.cat([items.real, items.imag]) if in_parts else items
        result = function(items.to(taken[1]))
        result = result.real if result.is_complex() and not made[1].is_complex else result
        result = torch.complex(*result.chunk(2)) if in_parts else result.to(made[1])
        return in_precision_of(x, result).reshape(*batch, *made[0])

    def checked(self, name: str, advice: str) -> Self:
        """The same, with the shape and the kind of what it makes as found by trial, once it is known to be linear and
        to have its adjoint.

        Args:
            name: of it, for messages.
            advice: what to do about a wrong adjoint, for messages.

        Raises:
            InputError: the library does not take such arrays, or makes no array of each; it is not linear; its adjoint
                is missing or not one.
        """
        if self.dtype not in PRECISIONS:
            raise InputError(f"{name} is of {self.dtype}; declare single or double precision, such as complex64.")
        like = torch.zeros((), dtype=self.dtype, device=self.device)
        what = (
            f"{name} can't be applied to arrays of {self.dtype} and shape (batch, {', '.join(map(str, self.domain))})"
        )
        found = _tried(self.made, normal((2, *self.domain), like, torch.Generator().manual_seed(0)), what)
        dtype = self.dtype.to_complex() if found.is_complex() else self.dtype.to_real()
        kinds = (self.dtype.is_complex, dtype.is_complex)
        A = replace(self, codomain=tuple(found.shape[1:]), codomain_dtype=dtype, complex_linear=not any(kinds))
        refuse_nonlinear(A, like, name)
        if all(kinds):
            A = replace(A, complex_linear=is_complex_linear(A, like))
        back = _tried(A.made_by_adjoint, torch.zeros_like(found, dtype=dtype), f"{name} has no adjoint; {advice}")
        if tuple(back.shape[1:]) != A.domain:
            raise InputError(
                f"{name}'s adjoint makes arrays of shape {tuple(back.shape[1:])}, not {A.domain}; {advice}."
            )
        refuse_wrong_adjoint(A, like, name, advice)
        return A


def _tried(function: Callable[[Tensor], Tensor], items: Tensor, what: str) -> Tensor:
    """What a function makes of arrays, an array of each, of floating-point numbers."""
    try:
        with torch.no_grad():
            made = function(items)
    except Exception as error:  # libraries refuse arrays in many ways
        cause = error.__cause__ or error
        said = " ".join(f"{type(cause).__name__}: {cause}".split())
        raise InputError(f"{what} ({said}).") from error
    is_of_each = isinstance(made, Tensor) and made.shape[:1] == items.shape[:1]
    if not is_of_each or not (made.is_floating_point() or made.is_complex()):
        kind = f"{made.dtype} of shape {tuple(made.shape)}" if isinstance(made, Tensor) else type(made).__name__
        raise InputError(f"{what}: an array of each is asked for, but {kind} is made.")
    return made
