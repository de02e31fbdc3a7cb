"""Song, Shen, Xing & Ermon 2021, "Solving Inverse Problems in Medical Imaging with Score-Based Generative Models",
algorithm 2 on the predictor-corrector sampler, as its public code runs it: before the corrector and before the
predictor, a merge with freshly noised measurements; in the end a denoising and a clean merge."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def song2021(
    y: Array,
    A: Callable[[Array], Array],
    B: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    lam: float,
    snr: float,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, the state after each level, the finished image.

    ``B`` is the adjoint of ``A`` or its pseudo-inverse; a real image takes the real part of what comes back, as the
    public code does. ``sigma`` falls from sigma_max to sigma_min, then 0.
    """
    N = len(sigma) - 1
    if error == "conjugate":
        y = y.conj()
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2

    def merge(x: Array, lam: float, target: Array) -> Array:
        step = lam * B(target - A(x))
        return x + (step if np.iscomplexobj(x) else step.real)

    x = sigma[0] * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]

        def merge_noised(x: Array, t: float = label, z: Callable[[], Array] = z) -> Array:
            return merge(x, lam, y + t * A(z()))

        if error != "order":
            x = merge_noised(x)
        g = sign * score(x, 1.0, label)
        w = z()
        e = 2 * (snr * np.linalg.norm(w) / np.linalg.norm(g)) ** 2
        x = x + e * g + np.sqrt(twice * e) * w

        x = merge_noised(x)
        G2 = sigma[k] ** 2 - sigma[k + 1] ** 2
        x = x + G2 * sign * score(x, 1.0, label) + np.sqrt(G2) * z()
        if error == "order":
            x = merge_noised(x)
        iterates.append(x)

    x = x + sigma[N - 1] ** 2 * sign * score(x, 1.0, sigma[N - 1])
    iterates.append(merge(x, 1.0, y))
    return iterates
