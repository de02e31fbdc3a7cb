"""The operators of the usual problems, each in one call."""

from invdiff.errors import InputError
from invdiff.operators.arrays import Array, as_tensor
from invdiff.operators.base import LinearOperator, Shape
from invdiff.operators.basis import Basis
from invdiff.operators.fourier import Fourier
from invdiff.operators.identity import Identity
from invdiff.operators.non_uniform_fourier import NonUniformFourier
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


def non_cartesian_sense(points: Array, maps: Array, *, eps: float = 1e-12) -> LinearOperator:
    """F(k) S: multi-coil MRI along any trajectory (Pruessmann et al., Magnetic Resonance in Medicine 46, 2001).

    Args:
        points: real ``(*frames, samples, dimensions)`` in cycles per pixel, as `NonUniformFourier` takes them.
        maps: complex ``(coils, *image)`` or ``(sets, coils, *image)``, the same for every frame.
        eps: relative error of a transform.

    Returns:
        The operator from ``(*frames, *image)``, or ``(sets, *frames, *image)``, to ``(coils, *frames, samples)``.

    Raises:
        InputError: points or maps are not as they should be.
    """
    points, maps = as_tensor(points, "non_cartesian_sense"), as_tensor(maps, "non_cartesian_sense")
    dimensions, frames = int(points.shape[-1]) if points.ndim else 0, tuple(points.shape[:-2])
    if maps.ndim not in (dimensions + 1, dimensions + 2):
        raise InputError(
            f"Coil maps for points of {dimensions} dimensions have the shape (coils, *image) or (sets, coils, *image), "
            f"but these have {tuple(maps.shape)}."
        )
    image, before = tuple(maps.shape[-dimensions:]), tuple(maps.shape[:-dimensions])
    of_frames = maps.reshape(*before, *[1] * len(frames), *image).expand(*before, *frames, *image)
    return NonUniformFourier(points, image, eps) @ Sensitivities(of_frames, image_dims=len(frames) + dimensions)


def inpainting(mask: Array) -> LinearOperator:
    """P(Λ): the pixels at which the boolean mask is true."""
    return Subsample(as_tensor(mask, "inpainting"))


def denoising(shape: Shape) -> LinearOperator:
    """I: the image itself, with noise."""
    return Identity(tuple(shape))
