"""Zhu et al. 2023, "Denoising Diffusion Models for Plug-and-Play Image Restoration", algorithm 1: the estimate between
data and prior, its noise computed from it and in part renewed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def diffpir(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    *,
    noise_std: float,
    prior_weight: float,
    zeta: float,
    prior_std: float = 1.0,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, of standard deviation ``prior_std``, and the state after each level.

    Eq. (13): rho = prior_weight noise_std^2 / t^2 at the level t = beta / alpha. Levels fall in noise and end with the
    clean image (1, 0).
    """
    N = len(alpha) - 1
    sign = -1 if error == "sign" else 1
    heat = np.sqrt(0.5) if error == "scale" else 1
    adjoint = AH  # of the system, which has to stay positive
    if error == "conjugate":
        AH = lambda r: adjoint(r.conj()).conj()  # noqa: E731 - the transpose

    def clean(x: Array, k: int) -> Array:
        label = min(k + 1, N - 1) if error == "level" else k
        return (x + beta[k] ** 2 * sign * score(x, alpha[label], beta[label])) / alpha[k]

    def guided(x_0: Array, k: int) -> Array:
        rho = prior_weight * noise_std**2 / (beta[k] / alpha[k]) ** 2
        b = AH(y) + rho * x_0
        v = np.zeros_like(b)
        r = p = b
        for _ in range(2000):
            if np.linalg.norm(r) <= 1e-12 * np.linalg.norm(b):
                break
            q = adjoint(A(p)) + rho * p
            rr = np.vdot(r, r).real
            step = rr / np.vdot(p, q).real
            v, r = v + step * p, r - step * q
            p = r + np.vdot(r, r).real / rr * p
        return v

    x = prior_std * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        x_0 = clean(x, k)
        eps = (x - alpha[k] * x_0) / beta[k]
        x_0 = guided(x_0, k)
        if error != "order":
            eps = (x - alpha[k] * x_0) / beta[k]
        x = alpha[k + 1] * x_0
        if k < N - 1:
            h = np.sqrt(zeta) * beta[k + 1]
            x = x + np.sqrt(beta[k + 1] ** 2 - h**2) * eps + heat * h * z()
        iterates.append(x)
    return iterates
