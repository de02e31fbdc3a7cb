"""The operators of the usual problems, each in one call."""

from invdiff.errors import InputError
from invdiff.operators.arrays import Array, as_tensor
from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.fourier import Fourier
from invdiff.operators.identity import Identity
from invdiff.operators.sensitivities import Sensitivities
from invdiff.operators.subsample import Subsample


def fourier(mask: Array) -> LinearOperator:
    """P(Λ) F: single-coil MRI with the boolean k-space mask of the image's shape, centre at n // 2."""
    mask = as_tensor(mask, "fourier")
    return Subsample(mask) @ Fourier(tuple(mask.shape))


def sense(mask: Array, maps: Array) -> LinearOperator:
    """P(Λ) F S: multi-coil MRI (Pruessmann 1999).

    Args:
        mask: boolean, of the image's shape, the same for every coil.
        maps: complex ``(coils, *image)`` or ``(sets, coils, *image)``.

    Raises:
        InputError: mask and maps differ in the image's shape.
    """
    mask, maps = as_tensor(mask, "sense"), as_tensor(maps, "sense")
    image = tuple(mask.shape)
    if tuple(maps.shape[-len(image) :]) != image:
        raise InputError(f"The mask has shape {image} but the coil maps have {tuple(maps.shape)}; they must end alike.")
    return Subsample(mask) @ Fourier(image) @ Sensitivities(maps, image_dims=len(image))


def inpainting(mask: Array) -> LinearOperator:
    """P(Λ): the pixels at which the boolean mask is true."""
    return Subsample(as_tensor(mask, "inpainting"))


def denoising(shape: Shape) -> LinearOperator:
    """I: the image itself, with noise."""
    return Identity(tuple(shape))
