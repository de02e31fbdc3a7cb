"""Song et al. 2023, "Pseudoinverse-Guided Diffusion Models for Inverse Problems", within DDIM:
the score of the posterior, of an image that is N(x_0, r^2) given the noisy one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def pigdm(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    *,
    noise_std: float,
    data_std: float,
    held_back: float,
    eta: float,
    prior_std: float = 1.0,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, of standard deviation ``prior_std``, and the state after each level.

    r^2 = t^2 s^2 / (t^2 + s^2) at the level t = beta / alpha, for images of standard deviation s; the noise of the data
    is at least held_back r. Levels fall in noise and end with the clean image (1, 0).
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

    def derivative(v: Array, k: int) -> Array:
        """J v, the same as Jᴴ v: the clean image of a Gaussian prior is affine, with a symmetric matrix."""
        return clean(v, k) - clean(np.zeros_like(v), k)

    def guided(x_0: Array, k: int) -> Array:
        t = beta[k] / alpha[k]
        r2 = t**2 * data_std**2 / (t**2 + data_std**2)
        variance = max(noise_std**2, held_back**2 * r2)
        b = y - A(x_0)
        v = np.zeros_like(b)
        r = p = b
        for _ in range(500):
            if np.linalg.norm(r) <= 1e-11 * np.linalg.norm(b):
                break
            q = r2 * A(adjoint(p)) + variance * p
            rr = np.vdot(r, r).real
            step = rr / np.vdot(p, q).real
            v, r = v + step * p, r - step * q
            p = r + np.vdot(r, r).real / rr * p
        return x_0 + beta[k] ** 2 / alpha[k] * derivative(AH(v), k)

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
            h = eta * beta[k + 1] / beta[k] * np.sqrt(beta[k] ** 2 - (alpha[k] / alpha[k + 1]) ** 2 * beta[k + 1] ** 2)
            x = x + np.sqrt(beta[k + 1] ** 2 - h**2) * eps + heat * h * z()
        iterates.append(x)
    return iterates
