"""Chung & Ye 2022, "Score-based diffusion models for accelerated MRI", algorithm 2: a real image; corrector, predictor,
and after each of them the sampled frequencies put back, never noised."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def chung2022_real(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    lam: float,
    snr: float,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, the state after each level; the last is the projected mean. ``sigma`` falls from sigma_max to
    sigma_min, then 0."""
    N = len(sigma) - 1
    if error == "conjugate":
        y = y.conj()
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2

    def P(x: Array) -> Array:
        return x + lam * AH(y - A(x)).real

    x = P(sigma[0] * noise(0)())
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]

        def correct(x: Array, t: float = label, z: Callable[[], Array] = z) -> Array:
            g, w = sign * score(x, 1.0, t), z()
            e = 2 * (snr * np.linalg.norm(w) / np.linalg.norm(g)) ** 2
            return P(x + e * g + np.sqrt(twice * e) * w)

        def predict(x: Array, k: int = k, t: float = label, z: Callable[[], Array] = z) -> Array:
            G2 = sigma[k] ** 2 - sigma[k + 1] ** 2
            mean = x + G2 * sign * score(x, 1.0, t)
            return P(mean) if k == N - 1 else P(mean + np.sqrt(G2) * z())

        x = correct(predict(x)) if error == "order" else predict(correct(x))
        iterates.append(x)
    return iterates
