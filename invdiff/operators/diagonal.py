"""Element-by-element multiplication."""

from torch import Tensor

from invdiff.operators.arrays import as_tensor
from invdiff.operators.base import LinearOperator, Shape, in_precision_of
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.remembered import remembered
from invdiff.operators.rules import PRODUCT, PULLBACK, SUM
from invdiff.operators.scaled import ScaledIdentity
from invdiff.operators.spectral import Map, Spectral, squared_magnitude
from invdiff.operators.structure import Structure


class Diagonal(Spectral, Frozen):
    """x -> d x, for an array ``values`` d of real or complex numbers that has the shape of the domain."""

    values: Tensor
    symbol = "D"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", as_tensor(self.values, self))

    @property
    def domain_shape(self) -> Shape:
        return tuple(self.values.shape)

    @remembered
    def structure(self) -> Structure:
        found = Structure.DIAGONAL
        values = self.spectrum
        if bool((values.abs() == 1).all()):
            found |= Structure.UNITARY
        if not values.is_complex():
            found |= Structure.SELF_ADJOINT
            if bool((values >= 0).all()):
                found |= Structure.POSITIVE
            if bool(((values == 0) | (values == 1)).all()):
                found |= Structure.PROJECTION
        return found

    @property
    def preserves_reals(self) -> bool:
        return not self.values.is_complex()

    @property
    def H(self) -> LinearOperator:
        return Diagonal(self.values.conj().resolve_conj()) if self.values.is_complex() else self

    def forward(self, x: Tensor) -> Tensor:
        return in_precision_of(x, self.values) * x

    def adjoint(self, y: Tensor) -> Tensor:
        return in_precision_of(y, self.values).conj() * y

    def nearest_circulant(self) -> LinearOperator:
        return self.spectrum.mean().item() * Identity(self.domain_shape)

    @property
    def spectrum(self) -> Tensor:
        return self.values if self.values.is_floating_point() or self.values.is_complex() else self.values.double()

    def map_spectrum(self, function: Map) -> "Diagonal":
        return Diagonal(function(self.spectrum))


def narrowed(values: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The values with length one along each of the axes on which they are constant."""
    for axis in axes:
        first = values.narrow(axis, 0, 1)
        values = first if bool((values == first).all()) else values
    return values


@PRODUCT.rule(Diagonal, Diagonal, "D₁ D₂ = D, their product")
def _(left: Diagonal, right: Diagonal) -> LinearOperator:
    return Diagonal(left.spectrum * right.spectrum)


@PULLBACK.rule(Diagonal, Identity, "Dᴴ I D = abs(D)²")
def _(operator: Diagonal, identity: Identity) -> LinearOperator:
    return Diagonal(squared_magnitude(operator.spectrum))


@PULLBACK.rule(Diagonal, Diagonal, "D₁ᴴ D₂ D₁ = abs(D₁)² D₂")
def _(operator: Diagonal, middle: Diagonal) -> LinearOperator:
    return Diagonal(squared_magnitude(operator.spectrum) * middle.spectrum)


@SUM.rule(Diagonal, Diagonal, "D₁ + D₂ = D, their sum")
def _(left: Diagonal, right: Diagonal) -> LinearOperator:
    return Diagonal(left.spectrum + right.spectrum)


@SUM.rule(ScaledIdentity, Diagonal, "a I + D = D, shifted by a")
def _(left: ScaledIdentity, right: Diagonal) -> LinearOperator:
    return right.map_spectrum(lambda spectrum: left.scale + spectrum)
