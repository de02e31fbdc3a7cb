"""Boys et al. 2024, "Tweedie Moment Projected Diffusions for Inverse Problems", with the diagonal of row sums in the
place of the covariance of the clean image given the noisy one, within DDIM under the score of the posterior."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def tmpd(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    *,
    noise_std: float,
    held_back: float,
    eta: float,
    prior_std: float = 1.0,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, of standard deviation ``prior_std``, and the state after each level.

    A row sum below zero is taken for zero. The noise of the data is at least held_back t at the level t = beta / alpha.
    Levels fall in noise and end with the clean image (1, 0).
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
        variance = max(noise_std, held_back * beta[k] / alpha[k]) ** 2
        sums = beta[k] ** 2 / alpha[k] * sign * derivative(np.full_like(x_0, 1 + 1j), k)

        def C(v: Array) -> Array:
            """Each real number of an image times its own variance."""
            return np.maximum(sums.real, 0) * v.real + 1j * np.maximum(sums.imag, 0) * v.imag

        b = y - A(x_0)
        v = np.zeros_like(b)
        r = p = b
        for _ in range(500):
            if np.linalg.norm(r) <= 1e-11 * np.linalg.norm(b):
                break
            q = A(C(adjoint(p))) + variance * p
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
