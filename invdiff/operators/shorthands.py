"""The operators of the usual problems, each in one call."""

from invdiff.errors import InputError
from invdiff.operators.arrays import Array, as_tensor
from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.basis import Basis
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


def subspace(mask: Array, maps: Array, basis: Array) -> LinearOperator:
    """P(Λ) Φ F S: multi-coil frames of which each has a mask of its own, and all lie in the span of a basis (Tamir,
    Magnetic Resonance in Medicine 77, 2017). Its images are the K coefficient images ``(K, *image)``; ``Basis(basis,
    image)`` makes frames of them.

    It measures the k-space ``(T, coils, *image)`` of all frames where it was sampled: ``A.factors[0](kspace)``. Both
    the operator and its gram transform K images for each coil, and not T.

    Args:
        mask: boolean ``(T, *image)``, the same for every coil.
        maps: complex ``(coils, *image)`` or ``(sets, coils, *image)``.
        basis: Φ, real or complex ``(T, K)``.

    Raises:
        InputError: mask and maps differ in the image's shape, or mask and basis in the number of frames.
    """
    mask, maps, basis = (as_tensor(array, "subspace") for array in (mask, maps, basis))
    image = tuple(mask.shape[1:])
    if not image or tuple(maps.shape[-len(image) :]) != image:
        raise InputError(
            f"The mask (frames, *image) has shape {tuple(mask.shape)} but the coil maps have {tuple(maps.shape)}; they "
            "must end alike."
        )
    if len(basis) != len(mask):
        raise InputError(
            f"The mask is of {len(mask)} frames but the basis has {len(basis)} rows; it is (frames, coefficients)."
        )
    sensitivities = Sensitivities(maps, image_dims=len(image))
    coils = sensitivities.codomain_shape
    sampled = mask.unsqueeze(1).expand(len(mask), *coils)
    return Subsample(sampled) @ Basis(basis, coils) @ Fourier(image) @ sensitivities


def inpainting(mask: Array) -> LinearOperator:
    """P(Λ): the pixels at which the boolean mask is true."""
    return Subsample(as_tensor(mask, "inpainting"))


def denoising(shape: Shape) -> LinearOperator:
    """I: the image itself, with noise."""
    return Identity(tuple(shape))
