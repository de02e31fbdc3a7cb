"""Virtual coils whose noise is uncorrelated and of one level."""

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError

Complex = NDArray[np.complex64]


def whitening(covariance: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The matrix W ``(coils, coils)`` that makes noise white and keeps its mean variance.

    W is the inverse of the covariance's Cholesky factor, times the root of the mean variance.

    Raises:
        InputError: the covariance is not positive definite.
    """
    level = float(np.trace(covariance).real / len(covariance))
    try:
        factor = np.linalg.cholesky(covariance / level)
    except np.linalg.LinAlgError as error:
        raise InputError(
            f"The noise covariance of {len(covariance)} coils is not positive definite: a coil has no noise, or two "
            "are the same."
        ) from error
    return np.asarray(np.linalg.inv(factor), np.complex128)


def prewhiten(array: Complex, covariance: NDArray[np.complex128]) -> Complex:
    """Virtual coils whose noise is uncorrelated, each of the covariance's mean variance.

    Apply it to k-space before maps are estimated; maps that are already there need the same.

    Args:
        array: ``(..., coils, H, W)``, k-space, coil images or maps.
        covariance: ``(coils, coils)``, as of `invdiff.data.Noise`.

    Raises:
        InputError: shapes do not agree, or the covariance is not positive definite.
    """
    coils = array.shape[-3]
    if covariance.shape != (coils, coils):
        raise InputError(
            f"The noise covariance has shape {covariance.shape}, but there are {coils} coils in {array.shape}."
        )
    white: Complex = np.einsum("dc,...chw->...dhw", whitening(covariance).astype(np.complex64), array, optimize=True)
    return white


def normalised_before_whitening(maps: Complex, covariance: NDArray[np.complex128]) -> Complex:
    """Maps of virtual coils, rescaled so that those of the coils themselves, W⁻¹ S, have a sum of squares of one.

    An image seen through them then has the intensities that the scan's own coils give it, whatever their noise.

    Args:
        maps: complex64 ``(..., coils, H, W)`` of the virtual coils that `prewhiten` makes; zero stays zero.
        covariance: ``(coils, coils)``, as given to `prewhiten`.
    """
    own = np.einsum("dc,...chw->...dhw", np.linalg.inv(whitening(covariance)), maps, optimize=True)
    size = np.sqrt((np.abs(own) ** 2).sum(axis=-3, keepdims=True))
    return (maps / np.where(size > 0, size, 1)).astype(np.complex64)
