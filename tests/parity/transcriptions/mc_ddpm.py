"""Xie & Li 2022, "Measurement-conditioned Denoising Diffusion Probabilistic Model for Under-sampled Medical Image
Reconstruction": the frequencies that were not sampled are diffused, and the network sees the image they make together
with the measurements.

Levels are alpha-bar and beta-bar, N of them with falling noise, then (1, 0).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Network = Callable[[Array, Array, float, float], Array]
"""(image, zero-filled image, alpha-bar, beta-bar) -> the noise it sees, as an image."""


def _reverse(
    y: Array,
    mask: Array,
    F: Callable[[Array], Array],
    FH: Callable[[Array], Array],
    network: Network,
    alpha: Sequence[float],
    beta: Sequence[float],
    move: Callable[[Array, Array, Array, int], tuple[Array, Array | float]],
    prior_std: float,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None,
) -> list[Array]:
    """``move(k, k_0, eps, t)`` gives the mean of the next state and the standard deviation of its noise."""
    N = len(alpha) - 1
    if error == "conjugate":
        y = y.conj()
    sign = -1 if error == "sign" else 1
    missing = 1 - mask
    zero_filled = FH(y)

    state = prior_std * missing * noise(0)()
    iterates = [state]
    for t in range(N):
        draw = noise(t + 1)
        label = min(t + 1, N - 1) if error == "level" else t
        eps = sign * missing * F(network(FH(state + y), zero_filled, alpha[label], beta[label]))
        k_0 = (state - beta[t] * eps) / alpha[t]
        mean, std = move(state, k_0, eps, t)
        if t < N - 1:
            z = draw() * (np.sqrt(0.5) if error == "scale" else 1)
            mean = move(state + std * z, k_0, eps, t)[0] if error == "order" else mean + std * z
        state = missing * mean
        iterates.append(state)
    iterates.append(FH(state + y))
    return iterates


def mc_ddpm(
    y: Array,
    mask: Array,
    F: Callable[[Array], Array],
    FH: Callable[[Array], Array],
    network: Network,
    alpha: Sequence[float],
    beta: Sequence[float],
    *,
    prior_std: float = 0.5,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The paper's ancestral sampling, its noise of the forward variance b_t^2.

    Returns the start, the unsampled frequencies after each level (zero where sampled), the image.
    """

    def move(k: Array, k_0: Array, eps: Array, t: int) -> tuple[Array, float]:
        a = alpha[t] / alpha[t + 1]
        b2 = beta[t] ** 2 - a**2 * beta[t + 1] ** 2
        return (alpha[t + 1] * b2 * k_0 + a * beta[t + 1] ** 2 * k) / beta[t] ** 2, np.sqrt(b2)

    return _reverse(y, mask, F, FH, network, alpha, beta, move, prior_std, noise, error)


def mc_ddpm_ddim(
    y: Array,
    mask: Array,
    F: Callable[[Array], Array],
    FH: Callable[[Array], Array],
    network: Network,
    alpha: Sequence[float],
    beta: Sequence[float],
    *,
    eta: float,
    prior_std: float = 0.5,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """DDIM(eta) on the same chain, its noise summing up to the next level's beta-bar (the public code's does not)."""

    def move(k: Array, k_0: Array, eps: Array, t: int) -> tuple[Array, float]:
        if error == "order":
            eps = (k - alpha[t] * k_0) / beta[t]
        a = alpha[t] / alpha[t + 1]
        h = eta * beta[t + 1] / beta[t] * np.sqrt(beta[t] ** 2 - a**2 * beta[t + 1] ** 2)
        return alpha[t + 1] * k_0 + np.sqrt(beta[t + 1] ** 2 - h**2) * eps, h

    return _reverse(y, mask, F, FH, network, alpha, beta, move, prior_std, noise, error)
