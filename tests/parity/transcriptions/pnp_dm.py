"""Wu et al. 2024, "Principled Probabilistic Imaging using Diffusion Models as Plug-and-Play Priors", algorithm 1: a
likelihood step, drawn exactly, and a prior step by the reverse SDE, by turns, with a falling coupling rho."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def pnp_dm(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    rho: Sequence[float],
    *,
    noise_std: float,
    draw_steps: int,
    held_back: float,
    last: float = 0.02,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The z of the first likelihood step, about zeros, and those after each level; the last iterate is the x of the
    last prior step.

    The prior step starts at z, taken for a noisy image of level rho, and visits ``draw_steps`` levels even in the
    seventh root from rho to last rho, with fresh noise of the ancestral variance. The noise of the data is at least
    held_back rho. ``noise(k)(of_data=True)`` has the data's shape. ``rho`` falls, then 0.
    """
    N = len(rho) - 1
    sign = -1 if error == "sign" else 1
    heat = np.sqrt(0.5) if error == "scale" else 1
    adjoint = AH  # of the system, which has to stay positive
    if error == "conjugate":
        AH = lambda r: adjoint(r.conj()).conj()  # noqa: E731 - the transpose

    def likelihood_step(x: Array, t: float, n: Callable[..., Array]) -> Array:
        s = max(noise_std, held_back * t)
        n_1 = n()
        n_2 = n(of_data=True)
        b = AH(y + heat * s * n_2) / s**2 + (x + heat * t * n_1) / t**2
        z = np.zeros_like(b)
        r = p = b
        for _ in range(500):
            if np.linalg.norm(r) <= 1e-11 * np.linalg.norm(b):
                break
            q = adjoint(A(p)) / s**2 + p / t**2
            rr = np.vdot(r, r).real
            step = rr / np.vdot(p, q).real
            z, r = z + step * p, r - step * q
            p = r + np.vdot(r, r).real / rr * p
        return z

    def prior_step(z: Array, label: float, n: Callable[..., Array]) -> Array:
        x, i = z, np.arange(draw_steps)
        levels = [*(label * (1 + i / (draw_steps - 1) * (last ** (1 / 7) - 1)) ** 7), 0.0]
        for s, t in pairwise(levels):
            x = x + (s**2 - t**2) * sign * score(x, 1.0, s)
            if t > 0:
                x = x + heat * np.sqrt(t**2 * (s**2 - t**2) / s**2) * n()
        return x

    x = np.zeros_like(AH(y))
    z = likelihood_step(x, rho[0], noise(0))
    iterates = [z]
    for k in range(N):
        n = noise(k + 1)
        label = rho[min(k + 1, N - 1)] if error == "level" else rho[k]
        if error == "order" and k < N - 1:
            z = prior_step(likelihood_step(z, rho[k + 1], n), label, n)
            iterates.append(z)
            continue
        x = prior_step(z, label, n)
        z = x if k == N - 1 else likelihood_step(x, rho[k + 1], n)
        iterates.append(z)
    return iterates
