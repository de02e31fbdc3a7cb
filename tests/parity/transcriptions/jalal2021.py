"""Jalal, Arvinte, Daras, Price, Dimakis & Tamir 2021, "Robust Compressed Sensing MRI with Deep Generative Priors":
annealed Langevin dynamics on the posterior, with the likelihood's weight of the paper, and with that of the released
code."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[Any]


def _annealed_langevin(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    likelihood: Callable[[Array, Array, int], Array],
    epsilon: float,
    inner_steps: int,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None,
) -> list[Array]:
    """``likelihood(score, AH(A(x) - y), c)`` is what the score loses to the data at level c."""
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    z = noise(0)()
    x = ndtr(z.real) + 1j * ndtr(z.imag)  # uniform in [0, 1], each part
    iterates = [x]
    for c in range(N):
        draw = noise(c + 1)
        label = sigma[min(c + 1, N - 1)] if error == "level" else sigma[c]
        eta = epsilon * (sigma[c] / sigma[N - 1]) ** 2
        for _ in range(inner_steps):
            z = np.sqrt(twice * eta) * draw()
            if error == "order":
                x, z = x + z, 0 * z
            g = score(x, 1.0, label)
            x = x + eta * (g - sign * likelihood(g, AH(A(x) - y), c)) + z
        iterates.append(x)
    return iterates


def jalal2021(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    noise_std: float,
    rho: float,
    epsilon: float,
    inner_steps: int,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The paper's update, the likelihood's variance gamma_c^2 + noise_std^2 with gamma_c = rho sigma_c; variances are
    those of one real number.

    Returns the start and the complex state after each level; there is no last denoising. ``sigma`` falls from its
    largest to its smallest, then 0.
    """

    def likelihood(g: Array, h: Array, c: int) -> Array:
        return h / ((rho * sigma[c]) ** 2 + noise_std**2)

    return _annealed_langevin(y, A, AH, score, sigma, likelihood, epsilon, inner_steps, noise, error)


def jalal2021_released(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    mse: float,
    epsilon: float,
    inner_steps: int,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The released code's update, the likelihood's gradient scaled to ``mse`` times the norm of the score."""

    def likelihood(g: Array, h: Array, c: int) -> Array:
        return mse * np.linalg.norm(g) / np.linalg.norm(h) * h

    return _annealed_langevin(y, A, AH, score, sigma, likelihood, epsilon, inner_steps, noise, error)
