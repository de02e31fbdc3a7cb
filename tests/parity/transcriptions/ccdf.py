"""Chung, Sim & Ye 2022, "Come-Closer-Diffuse-Faster": one forward diffusion of the zero-filled image to the time t_0,
then the levels of the whole grid that are left, corrector and predictor each followed by a non-expansive data step."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def ccdf(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    times: Sequence[float],
    *,
    start_time: float,
    lam: float,
    snr: float,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, the state after each level that is visited; the last is the projected mean.

    The run begins at the first level whose time is at most ``start_time``; noise keeps the numbers that iterations have
    on the whole grid. A real state (of real noise) takes the real part of ``AH``. ``sigma`` falls from sigma_max to
    sigma_min, then 0; ``times`` are those of the first N.
    """
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    def like(image: Array, x: Array) -> Array:
        return image if np.iscomplexobj(x) else image.real

    def P(x: Array) -> Array:
        return x + lam * like(AH(y - A(x)), x)

    first = min(k for k in range(N) if times[k] <= start_time)
    w = noise(0)()
    x = like(AH(y), w) + sigma[first] * w
    iterates = [x]
    for k in range(first, N):
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
