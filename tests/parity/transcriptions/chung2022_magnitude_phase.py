"""The loop of Chung & Ye 2022, algorithm 3, with a heuristic estimate in place of its score: magnitude and phase of a
complex image are each denoised as a real image."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def chung2022_magnitude_phase(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    denoise: Callable[[Array, float], Array],
    sigma: Sequence[float],
    *,
    lam: float,
    snr: float,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, the state after each level; the last is the projected mean.

    ``denoise(image, sigma)`` is that of real images of unit scale; the phase reaches it in turns, from 0 to 1.
    ``sigma`` falls from sigma_max to sigma_min, then 0.
    """
    N = len(sigma) - 1
    twice = 1 if error == "scale" else 2
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    def P(x: Array) -> Array:
        return x + lam * AH(y - A(x))

    def s(x: Array, t: float) -> Array:
        magnitude = denoise(np.abs(x), t)
        turns = denoise(np.angle(x) / (2 * np.pi) + 0.5, t) - 0.5
        phase = -turns if error == "sign" else turns
        return (magnitude * np.exp(2j * np.pi * phase) - x) / t**2

    x = P(sigma[0] * noise(0)())
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]

        def correct(x: Array, t: float = label, z: Callable[[], Array] = z) -> Array:
            g, w = s(x, t), z()
            e = 2 * (snr * np.linalg.norm(w) / np.linalg.norm(g)) ** 2
            return P(x + e * g + np.sqrt(twice * e) * w)

        def predict(x: Array, k: int = k, t: float = label, z: Callable[[], Array] = z) -> Array:
            G2 = sigma[k] ** 2 - sigma[k + 1] ** 2
            mean = x + G2 * s(x, t)
            return P(mean) if k == N - 1 else P(mean + np.sqrt(G2) * z())

        x = correct(predict(x)) if error == "order" else predict(correct(x))
        iterates.append(x)
    return iterates
