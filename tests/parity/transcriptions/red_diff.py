"""Mardani et al. 2024, "A Variational Perspective on Solving Inverse Problems with Diffusion Models", algorithm 1: Adam
on an image, its regulariser the noise that the network sees less the noise that was drawn."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def red_diff(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    start: Array,
    *,
    rate: float,
    weight: float,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """alpha mu at each level, from mu = ``start``. Levels fall in noise and end with the clean image (1, 0)."""
    N = len(alpha) - 1
    sign = -1 if error == "sign" else 1
    heat = np.sqrt(0.5) if error == "scale" else 1
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose
    mu = start
    parts = (np.real, np.imag) if np.iscomplexobj(mu) else (np.real,)
    first = second = np.zeros((len(parts), *mu.shape))
    iterates = [alpha[0] * mu]
    for k in range(N):
        z = heat * noise(k + 1)()
        label = min(k + 1, N - 1) if error == "level" else k
        x_t = alpha[k] * mu + beta[k] * z
        eps = -beta[k] * sign * score(x_t, alpha[label], beta[label])
        gradient = AH(A(mu) - y) + weight * beta[k] / alpha[k] * (eps - z)
        g = np.stack([part(gradient) for part in parts])
        if error != "order":
            first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g**2
        n = k + 1
        step = first / (1 - 0.9**n) / (np.sqrt(second / (1 - 0.99**n)) + 1e-8)
        if error == "order":
            first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g**2
        mu = mu - rate * (step[0] + 1j * step[1] if len(parts) == 2 else step[0])
        iterates.append(alpha[k + 1] * mu)
    return iterates
