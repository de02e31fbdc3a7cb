"""Chung & Ye 2022, "Score-based diffusion models for accelerated MRI", algorithm 5 (hybrid): as their algorithm 4, and
in every m-th iteration a step of the coil images towards a SENSE image that fits the measurements.

The step is the gradient of the SENSE residual spread over the coils by their maps, x_c + lam S_c d: the public code
applies the operator to each coil image instead, which is not the SENSE model.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def chung2022_hybrid(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    maps: Array,
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    lam: float,
    snr: float,
    m: int,
    lam_first: float,
    lam_last: float,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, the coil images after each level, the combined magnitude image.

    ``A`` and ``AH`` act on one coil's image; ``y``, ``maps`` and the states are (coils, ...). ``score`` is that of real
    images; one step size serves both parts of a coil's image. The SENSE step comes last in iterations 0, m, 2m, ..,
    its length going from ``lam_first`` towards ``lam_last`` over the N levels. The last state is made of the
    corrector's mean. ``sigma`` falls from sigma_max to sigma_min, then 0.
    """
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2
    weights = maps if error == "conjugate" else maps.conj()

    def s(x: Array, t: float) -> Array:
        return score(x.real, 1.0, t) + 1j * score(x.imag, 1.0, t)

    def P(x: Array) -> Array:
        return np.stack([x_c + lam * AH(y_c - A(x_c)) for x_c, y_c in zip(x, y, strict=True)])

    def sense(x: Array, k: int) -> Array:
        combined = np.sum(weights * x, axis=0)
        residual = [y_c - A(S_c * combined) for S_c, y_c in zip(maps, y, strict=True)]
        d = np.sum([w_c * AH(r_c) for w_c, r_c in zip(weights, residual, strict=True)], axis=0)
        lam_k = lam_first + (lam_last - lam_first) * k / N
        return x + sign * lam_k * maps * d

    x = sigma[0] * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]
        if error == "order" and k % m == 0:
            x = sense(x, k)

        G2 = sigma[k] ** 2 - sigma[k + 1] ** 2
        w = z()
        x = P(np.stack([x_c + G2 * s(x_c, label) + np.sqrt(G2) * w_c for x_c, w_c in zip(x, w, strict=True)]))

        w = z()
        moved = []
        for x_c, w_c in zip(x, w, strict=True):
            g = s(x_c, label)
            e = 2 * (snr * np.linalg.norm(w_c) / np.linalg.norm(g)) ** 2
            mean = x_c + e * g
            moved.append(mean if k == N - 1 else mean + np.sqrt(twice * e) * w_c)
        x = P(np.stack(moved))

        if error != "order" and k % m == 0:
            x = sense(x, k)
        iterates.append(x)
    iterates.append(np.sqrt(np.sum(np.abs(x) ** 2, axis=0)))
    return iterates
