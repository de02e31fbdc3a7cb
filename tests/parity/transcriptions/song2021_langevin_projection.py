"""Song, Shen, Xing & Ermon 2021, the variant "ALD + Ours" of their comparison: annealed Langevin dynamics of fixed step
sizes, one merge with freshly noised measurements a level; in the end a denoising and a clean merge."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def song2021_langevin_projection(
    y: Array,
    A: Callable[[Array], Array],
    B: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    lam: float,
    snr: float,
    inner_steps: int,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, the state after each level, the finished image.

    ``B`` is the adjoint of ``A`` or its pseudo-inverse; a real image takes the real part of what comes back. The last
    merge has the length ``lam`` of the others. ``sigma`` falls from sigma_max to sigma_min, then 0.
    """
    N = len(sigma) - 1
    if error == "conjugate":
        y = y.conj()
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2

    def merge(x: Array, target: Array) -> Array:
        step = lam * B(target - A(x))
        return x + (step if np.iscomplexobj(x) else step.real)

    x = sigma[0] * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]
        if error != "order":
            x = merge(x, y + label * A(z()))
        e = 2 * (snr * sigma[k]) ** 2
        for _ in range(inner_steps):
            x = x + e * sign * score(x, 1.0, label) + np.sqrt(twice * e) * z()
        if error == "order":
            x = merge(x, y + label * A(z()))
        iterates.append(x)

    x = x + sigma[N - 1] ** 2 * sign * score(x, 1.0, sigma[N - 1])
    iterates.append(merge(x, y))
    return iterates
