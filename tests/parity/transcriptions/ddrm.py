"""Kawar et al. 2022, "Denoising Diffusion Restoration Models", of every coil's image by itself: the singular
vectors are the frequencies, their values one where there are samples and zero elsewhere; in the end the root of the sum
of squares."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def ddrm(
    y: Array,
    mask: Array,
    F: Callable[[Array], Array],
    FH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    *,
    noise_std: float,
    eta: float,
    eta_b: float,
    prior_std: float = 1.0,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, of standard deviation ``prior_std``, the coil images after each level, the combined magnitude image.

    States are those of a variance that explodes, times alpha. Levels fall in noise and end with the clean image (1, 0).
    """
    N = len(alpha) - 1
    sign = -1 if error == "sign" else 1
    heat = np.sqrt(0.5) if error == "scale" else 1
    if error == "conjugate":
        y = y.conj()
    x = prior_std * noise(0)() / alpha[0]
    iterates = [alpha[0] * x]
    for k in range(N):
        z, t, after = F(noise(k + 1)()), beta[k] / alpha[k], beta[k + 1] / alpha[k + 1]
        label = min(k + 1, N - 1) if error == "level" else k
        if error == "order":
            x = FH(mask * y + (1 - mask) * F(x))
        parts = alpha[k] * x.real, alpha[k] * x.imag
        clean = [(u + beta[k] ** 2 * sign * _each(score, u, alpha[label], beta[label])) / alpha[k] for u in parts]
        theta, seen = F(clean[0] + 1j * clean[1]), F(x)
        kept = np.sqrt(1 - eta**2) * after
        unknown = theta + kept * (seen - theta) / t + heat * eta * after * z
        if after < noise_std:
            known = theta + kept * (y - theta) / noise_std + heat * eta * after * z
        else:
            known = (1 - eta_b) * theta + eta_b * y + heat * np.sqrt(after**2 - noise_std**2 * eta_b**2) * z
        x = FH(mask * known + (1 - mask) * unknown)
        iterates.append(alpha[k + 1] * x)
    iterates.append(np.sqrt(np.sum(np.abs(x) ** 2, axis=0)))
    return iterates


def _each(score: Callable[[Array, float, float], Array], images: Array, alpha: float, beta: float) -> Array:
    return np.stack([score(image, alpha, beta) for image in images])
