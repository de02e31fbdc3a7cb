"""Chung et al. 2023, "Diffusion Posterior Sampling for General Noisy Inverse Problems", algorithm 1: DDPM, and after
each step one down the gradient of the residual's norm."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def dps(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    *,
    zeta: float,
    prior_std: float = 1.0,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, of standard deviation ``prior_std``, and the state after each level.

    Noise is of the posterior variance. The gradient is at the state before the step. Levels fall in noise and end with
    the clean image (1, 0).
    """
    N = len(alpha) - 1
    sign = -1 if error == "sign" else 1
    heat = np.sqrt(0.5) if error == "scale" else 1
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    def clean(x: Array, k: int) -> Array:
        label = min(k + 1, N - 1) if error == "level" else k
        return (x + beta[k] ** 2 * sign * score(x, alpha[label], beta[label])) / alpha[k]

    def derivative(v: Array, k: int) -> Array:
        """J v, the same as Jᴴ v: the clean image of a Gaussian prior is affine, with a symmetric matrix."""
        return clean(v, k) - clean(np.zeros_like(v), k)

    def gradient(x: Array, k: int) -> Array:
        residual = y - A(clean(x, k))
        back = AH(residual) if np.iscomplexobj(x) else AH(residual).real
        return -derivative(back, k) / np.linalg.norm(residual)

    x = prior_std * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        r = alpha[k] / alpha[k + 1]
        v = beta[k] ** 2 - (r * beta[k + 1]) ** 2
        x_0 = clean(x, k)
        moved = (r * beta[k + 1] ** 2 * x + alpha[k + 1] * v * x_0) / beta[k] ** 2
        if k < N - 1:
            moved = moved + heat * np.sqrt(v) * beta[k + 1] / beta[k] * z()
        x = moved - zeta * gradient(moved if error == "order" else x, k)
        iterates.append(x)
    return iterates
