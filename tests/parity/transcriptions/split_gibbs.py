"""Vono, Dobigeon & Chainais 2019, "Split-and-Augmented Gibbs Sampler", at levels that fall: a clean image of the prior
about the denoised one, and a noisy image between it and the data, over-relaxed (Adler 1981)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def split_gibbs(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    noise_std: float,
    prior_std: float,
    g: float,
    held_back: float,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, drawn from the data's likelihood and the first level, and the state after each level; the last is the
    clean image.

    The clean image is N(E[x_0 | x], v t^2 / (v + t^2)), v = prior_std^2 in each real number. The noise of the data is
    at least held_back t. ``noise(k)(of_data=True)`` has the data's shape. ``sigma`` falls, then 0.
    """
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    heat = np.sqrt(0.5) if error == "scale" else 1
    adjoint = AH  # of the system, which has to stay positive
    if error == "conjugate":
        AH = lambda r: adjoint(r.conj()).conj()  # noqa: E731 - the transpose

    def solve(c: float, b: Array) -> Array:
        """(AᴴA + c) x = b, by conjugate gradients to the end."""
        x = np.zeros_like(b)
        r = p = b
        for _ in range(500):
            if not np.linalg.norm(r) > 1e-11 * np.linalg.norm(b):
                break
            q = adjoint(A(p)) + c * p
            rr = np.vdot(r, r).real
            step = rr / np.vdot(p, q).real
            x, r = x + step * p, r - step * q
            p = r + np.vdot(r, r).real / rr * p
        return x

    def move(x: Array, clean: Array, t: float, g: float, z: Callable[..., Array]) -> Array:
        s = max(noise_std, held_back * t)
        h = heat * np.sqrt(2 * g - g**2)
        of_image = g * clean + h * t * z()
        of_data = g * AH(y) + h * s * AH(z(of_data=True))
        return (1 - g) * x + solve((s / t) ** 2, of_data + (s / t) ** 2 * of_image)

    def draw(x: Array, t: float, z: Callable[..., Array]) -> Array:
        v = prior_std**2
        return x + t**2 * sign * score(x, 1.0, t) + heat * np.sqrt(v * t**2 / (v + t**2)) * z()

    zeros = np.zeros_like(AH(y))
    x = move(zeros, zeros, sigma[0], 1.0, noise(0))
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]
        if k == N - 1:
            x = draw(x, label, z)
        elif error == "order":
            x = draw(move(x, x, sigma[k + 1], g, z), label, z)
        else:
            x = move(x, draw(x, label, z), sigma[k + 1], g, z)
        iterates.append(x)
    return iterates
