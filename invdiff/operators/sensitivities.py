"""S: an image seen through each receive coil."""

import math

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import as_tensor
from invdiff.operators.base import LinearOperator, Shape, in_precision_of
from invdiff.operators.circulant import Circulant
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift
from invdiff.operators.remembered import remembered
from invdiff.operators.rules import PULLBACK
from invdiff.operators.sense_gram import SenseGram
from invdiff.operators.spectral import squared_magnitude
from invdiff.operators.structure import Structure
from invdiff.operators.toeplitz import Toeplitz


class Sensitivities(LinearOperator, Frozen):
    """x -> S_c x for every coil c: one set of maps, or several that add up (soft SENSE, Uecker 2014).

    Args:
        maps: complex ``(coils, *image)``, which sees an image; or ``(sets, coils, *image)``, which sees ``(sets,
            *image)``.
        image_dims: how many trailing dimensions of ``maps`` are the image's (2; 3 for volumes).

    Raises:
        InputError: the maps have neither one nor two dimensions before the image's, or hold NaN or infinity.
    """

    maps: Tensor
    image_dims: int = 2
    symbol = "S"

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", as_tensor(self.maps, self))
        if self.maps.ndim not in (self.image_dims + 1, self.image_dims + 2):
            raise InputError(
                f"Coil maps of a {self.image_dims}-D image have the shape (coils, *image) or (sets, coils, *image), "
                f"but these have {tuple(self.maps.shape)}."
            )
        if not bool(torch.isfinite(torch.view_as_real(self.maps) if self.maps.is_complex() else self.maps).all()):
            raise InputError("The coil maps hold NaN or infinity; set them to zero where they are unknown.")

    @property
    def has_sets(self) -> bool:
        """Whether there are several map sets."""
        return self.maps.ndim == self.image_dims + 2

    @property
    def image_shape(self) -> Shape:
        """The image's shape, without sets."""
        return tuple(self.maps.shape[-self.image_dims :])

    @property
    def domain_shape(self) -> Shape:
        return (*self.maps.shape[: 1 if self.has_sets else 0], *self.image_shape)

    @property
    def codomain_shape(self) -> Shape:
        return (self.maps.shape[-self.image_dims - 1], *self.image_shape)

    @remembered
    def structure(self) -> Structure:
        if self.has_sets:
            return Structure.NONE
        excess = (self.power - 1).abs().max()
        return Structure.ISOMETRY if bool(excess <= 16 * torch.finfo(self.power.dtype).eps) else Structure.NONE

    @remembered
    def power(self) -> Tensor:
        """sum_c abs(S_c)^2 of a single set, real ``image_shape``."""
        return (self.maps.conj() * self.maps).real.sum(0)

    def norm_bound(self) -> float:
        """The norm itself: the largest singular value of a pixel's matrix, coils by sets."""
        if not self.has_sets:
            return math.sqrt(float(self.power.max()))
        pixels = self.maps.flatten(2).permute(2, 1, 0)
        return math.sqrt(float(torch.linalg.eigvalsh(pixels.mH @ pixels).max()))

    def forward(self, x: Tensor) -> Tensor:
        seen = in_precision_of(x, self.maps) * x.unsqueeze(-self.image_dims - 1)
        return seen.sum(-self.image_dims - 2) if self.has_sets else seen

    def adjoint(self, y: Tensor) -> Tensor:
        if self.has_sets:
            y = y.unsqueeze(-self.image_dims - 2)
        return (in_precision_of(y, self.maps).conj() * y).sum(-self.image_dims - 1)


@PULLBACK.rule(Sensitivities, Identity, "Sᴴ I S = sum over coils of abs(S_c)²")
def _(operator: Sensitivities, middle: Identity) -> LinearOperator | None:
    return None if operator.has_sets or operator.is_isometry else Diagonal(operator.power)


@PULLBACK.rule(Sensitivities, Lift, "Sᴴ D S = D sum over coils of abs(S_c)², for D the same in every coil")
def _(operator: Sensitivities, middle: Lift) -> LinearOperator | None:
    image = middle.operator
    if operator.has_sets or middle.prefix != operator.codomain_shape[:1] or not isinstance(image, Diagonal):
        return None
    return Diagonal(image.spectrum * operator.power)


@PULLBACK.rule(Sensitivities, Lift, "Sᴴ (Fᴴ D F) S = the SENSE gram, shifts and scales folded into D")
@PULLBACK.rule(Sensitivities, Lift, "Sᴴ (C Fᴴ D F Cᴴ) S = the SENSE gram, one for each parity of frequencies, summed")
def _(operator: Sensitivities, middle: Lift) -> LinearOperator | None:
    convolution, coils, slices = middle.operator, middle.prefix[:1], middle.prefix[1:]
    seen = coils == operator.codomain_shape[:1]
    if seen and isinstance(convolution, Circulant | Toeplitz) and not convolution.real_domain:
        return SenseGram(operator.maps, convolution.over(slices), operator.image_dims)
    return None


@PULLBACK.rule(Sensitivities, Diagonal, "Sᴴ D_c S = sum over coils of D_c abs(S_c)², for a D_c of each coil")
def _(operator: Sensitivities, middle: Diagonal) -> LinearOperator | None:
    return None if operator.has_sets else Diagonal((middle.spectrum * squared_magnitude(operator.maps)).sum(0))


@PULLBACK.rule(Sensitivities, Circulant, "Sᴴ C S = the SENSE gram, for a convolution C that is the same in every coil")
def _(operator: Sensitivities, middle: Circulant) -> LinearOperator | None:
    in_image = all(axis >= -operator.image_dims for axis in middle.axes)
    if type(middle) is Circulant and in_image and middle.multiplier.shape[0] == 1:
        alike = Circulant(operator.image_shape, middle.multiplier.squeeze(0), middle.axes)
        return SenseGram(operator.maps, alike, operator.image_dims)
    return None
