"""Chung & Ye 2022, "Score-based diffusion models for accelerated MRI", algorithm 4 (SSOS): each coil image on its own,
real and imaginary part through the score of real images; predictor, corrector, after each of them the sampled
frequencies put back, never noised; in the end the root of the sum of squares."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def chung2022_soss(
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
    """The start, the coil images after each level, the combined magnitude image.

    ``A`` and ``AH`` act on one coil's image; ``y`` and the states are (coils, ...). ``score`` is that of real images;
    one step size serves both parts of a coil's image. The corrector sees the label of the predictor. The last state is
    the corrector's projected mean. ``sigma`` falls from sigma_max to sigma_min, then 0.
    """
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    def P(x: Array, c: int) -> Array:
        return x + lam * AH(y[c] - A(x))

    def s(x: Array, t: float) -> Array:
        return sign * (score(x.real, 1.0, t) + 1j * score(x.imag, 1.0, t))

    x = sigma[0] * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]
        drawn = {"predict": z(), "correct": z()}
        x = x.copy()
        for c in range(len(x)):
            for move in ("correct", "predict") if error == "order" else ("predict", "correct"):
                w, g = drawn[move][c], s(x[c], label)
                if move == "predict":
                    e = sigma[k] ** 2 - sigma[k + 1] ** 2
                    mean, fresh = x[c] + e * g, np.sqrt(e) * w
                else:
                    e = 2 * (snr * np.linalg.norm(w) / np.linalg.norm(g)) ** 2
                    mean, fresh = x[c] + e * g, np.sqrt(twice * e) * w
                last = k == N - 1 and move == "correct"
                x[c] = P(mean if last else mean + fresh, c)
        iterates.append(x)
    iterates.append(np.sqrt(np.sum(np.abs(x) ** 2, axis=0)))
    return iterates
