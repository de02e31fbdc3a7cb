"""Song, Shen, Xing & Ermon 2021, their baseline "Score SDE" after Song 2020: corrector and predictor, both with the
score plus the gradient of an annealed likelihood of freshly noised measurements; in the end a denoising by the prior
alone."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def song2021_baseline(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    snr: float,
    rho: float,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, the state after each level, the finished image.

    A real image takes the real part of the likelihood's gradient. The corrector's step is matched to the norm of the
    whole gradient. ``sigma`` falls from sigma_max to sigma_min, then 0.
    """
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    def gradient(x: Array, t: float, z: Callable[[], Array]) -> Array:
        likelihood = sign * AH(y + t * A(z()) - A(x)) / (rho * t) ** 2
        return score(x, 1.0, t) + (likelihood if np.iscomplexobj(x) else likelihood.real)

    x = sigma[0] * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]

        def correct(x: Array, t: float = label, z: Callable[[], Array] = z) -> Array:
            g = gradient(x, t, z)
            w = z()
            e = 2 * (snr * np.linalg.norm(w) / np.linalg.norm(g)) ** 2
            return x + e * g + np.sqrt(twice * e) * w

        def predict(x: Array, k: int = k, t: float = label, z: Callable[[], Array] = z) -> Array:
            G2 = sigma[k] ** 2 - sigma[k + 1] ** 2
            return x + G2 * gradient(x, t, z) + np.sqrt(G2) * z()

        x = correct(predict(x)) if error == "order" else predict(correct(x))
        iterates.append(x)

    iterates.append(x + sigma[N - 1] ** 2 * score(x, 1.0, sigma[N - 1]))
    return iterates
