"""The largest singular value."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from invdiff.operators.base import LinearOperator, size


def norm(operator: LinearOperator) -> float:
    """See `LinearOperator.norm`."""
    if operator.is_isometry or operator.is_co_isometry:
        return 1.0
    gram = operator.gram.spectral_part
    if gram is not None:
        return math.sqrt(float(gram.spectrum.abs().max()))
    return math.sqrt(max(0.0, _largest_eigenvalue(operator.to("cpu").gram)))


def _largest_eigenvalue(gram: LinearOperator) -> float:
    """Lanczos on the real coordinates of a positive operator, from a fixed start."""
    from scipy.sparse.linalg import LinearOperator as ScipyOperator
    from scipy.sparse.linalg import eigsh

    shape, is_real = gram.domain_shape, gram.real_domain
    count = size(shape) * (1 if is_real else 2)

    def apply(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        x = torch.from_numpy(np.ascontiguousarray(vector, dtype=np.float64).reshape(-1))
        if is_real:
            return gram.forward(x.reshape(shape)).flatten().numpy()
        return torch.view_as_real(gram.forward(torch.view_as_complex(x.reshape(*shape, 2)))).flatten().numpy()

    if count <= 8:
        return float(np.linalg.eigvalsh(np.stack([apply(unit) for unit in np.eye(count)]))[-1])
    start = np.random.default_rng(0).standard_normal(count)
    if not apply(start).any():  # the zero operator, which Lanczos can't start on
        return 0.0
    matrix = ScipyOperator((count, count), matvec=apply, dtype=np.float64)
    return float(eigsh(matrix, k=1, v0=start, tol=1e-6, return_eigenvectors=False)[0])
