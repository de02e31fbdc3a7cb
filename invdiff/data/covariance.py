"""The covariance of coils from samples of their noise, as well as so many samples tell it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def shrunk_covariance(samples: NDArray[np.complexfloating[Any, Any]]) -> NDArray[np.complex128]:
    """Half of E[n nᴴ], drawn towards a multiple of one by how little the samples tell.

    Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices (Journal of Multivariate
    Analysis 88, 2004), lemma 3.3 and the estimators after it, which hold for complex samples as they stand. The mean
    variance is kept.

    Args:
        samples: ``(coils, n)`` of zero mean.

    Returns:
        complex128 ``(coils, coils)``, Hermitian, in the square of the samples' units.
    """
    n = samples.astype(np.complex128)
    coils, count = n.shape
    sample = n @ n.conj().T / count
    target = np.trace(sample).real / coils * np.eye(coils)
    spread = (np.abs(sample - target) ** 2).sum()
    error = (((np.abs(n) ** 2).sum(axis=0) ** 2).mean() - (np.abs(sample) ** 2).sum()) / count
    weight = min(1.0, error / spread) if spread > 0 else 1.0
    shrunk = weight * target + (1 - weight) * sample
    half: NDArray[np.complex128] = (
        shrunk + shrunk.conj().T
    ) / 4  # half of it, and Hermitian: some matrix products are so to rounding only
    return half
