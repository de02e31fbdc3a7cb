"""Song, Shen, Xing & Ermon 2021, their baseline "Langevin" after Jalal 2021: annealed Langevin dynamics of fixed step
sizes on the score plus the gradient of an annealed likelihood; in the end a denoising by the prior alone."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def song2021_langevin(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    snr: float,
    rho: float,
    inner_steps: int,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, the state after each level, the finished image.

    A real image takes the real part of the likelihood's gradient. ``sigma`` falls from sigma_max to sigma_min, then 0.
    """
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    def likelihood_score(x: Array, t: float) -> Array:
        g = sign * AH(y - A(x)) / (rho * t) ** 2
        return g if np.iscomplexobj(x) else g.real

    x = sigma[0] * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]
        e = 2 * (snr * sigma[k]) ** 2
        for _ in range(inner_steps):
            w = np.sqrt(twice * e) * z()
            if error == "order":
                x = x + w
                x = x + e * (score(x, 1.0, label) + likelihood_score(x, label))
            else:
                x = x + e * (score(x, 1.0, label) + likelihood_score(x, label)) + w
        iterates.append(x)

    iterates.append(x + sigma[N - 1] ** 2 * score(x, 1.0, sigma[N - 1]))
    return iterates
