"""Blumenthal et al. 2025, "Fast and Robust Diffusion Posterior Sampling for MR Image Reconstruction Using the
Preconditioned Unadjusted Langevin Algorithm": Langevin steps of the diffused prior with the exact likelihood, their
preconditioner that of the data and of the level."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def pula(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    noise_std: float,
    g: float,
    inner_steps: int,
    held_back: float,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, drawn from the data's likelihood and the first level, and the state after each level.

    ``A`` and ``y`` are divided by the noise, at least held_back of the level, so that M_t = (AᴴA + sigma_t^-2)^-1; its
    root is drawn by perturbation. ``noise(k)(of_data=True)`` has the data's shape. ``sigma`` falls, then 0, where
    nothing is done.
    """
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2
    adjoint = AH  # of the system, which has to stay positive
    if error == "conjugate":
        AH = lambda r: adjoint(r.conj()).conj()  # noqa: E731 - the transpose

    def precondition(b: Array, t: float, s: float) -> Array:
        x = np.zeros_like(b)
        r = p = b
        for _ in range(500):
            if np.linalg.norm(r) <= 1e-11 * np.linalg.norm(b):
                break
            q = adjoint(A(p)) / s**2 + p / t**2
            rr = np.vdot(r, r).real
            step = rr / np.vdot(p, q).real
            x, r = x + step * p, r - step * q
            p = r + np.vdot(r, r).real / rr * p
        return x

    def root(t: float, s: float, z: Callable[..., Array]) -> Array:
        """What M^(1/2) z is M of."""
        of_image = z() / t
        return of_image + AH(z(of_data=True)) / s

    s = max(noise_std, held_back * sigma[0])
    x = precondition(AH(y) / s**2 + np.sqrt(twice / 2) * root(sigma[0], s, noise(0)), sigma[0], s)
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        t = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]
        s = max(noise_std, held_back * t)
        for _ in range(inner_steps):
            if error == "order":
                x = x + np.sqrt(twice * g) * precondition(root(t, s, z), t, s)
            drift = sign * score(x, 1.0, t) + AH(y - A(x)) / s**2
            if error == "order":
                x = x + g * precondition(drift, t, s)
            else:
                x = x + precondition(g * drift + np.sqrt(twice * g) * root(t, s, z), t, s)
        iterates.append(x)
    return iterates
