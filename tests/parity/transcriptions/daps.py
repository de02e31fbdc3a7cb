"""Zhang et al. 2025, "Improving Diffusion Inverse Problem Solving with Decoupled Noise Annealing", algorithm 1: the
probability flow to a clean image, a draw about it given the data, noise of the next level. The draw, by Langevin
dynamics there, is from the normal law that these have for a linear operator."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def daps(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    sigma: Sequence[float],
    *,
    noise_std: float,
    flow_steps: int,
    held_back: float,
    last: float = 0.02,
    noise: Callable[[int], Callable[..., Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, noise of the first level, and the state after each.

    The flow takes ``flow_steps`` steps of Euler's method at levels even in the seventh root from sigma to last sigma,
    and then 0. The noise of the data is at least held_back sigma. ``noise(k)(of_data=True)`` has the data's shape.
    ``sigma`` falls, then 0.
    """
    N = len(sigma) - 1
    sign = -1 if error == "sign" else 1
    heat = np.sqrt(0.5) if error == "scale" else 1
    adjoint = AH  # of the system, which has to stay positive
    if error == "conjugate":
        AH = lambda r: adjoint(r.conj()).conj()  # noqa: E731 - the transpose

    def flow(x: Array, t: float) -> Array:
        i = np.arange(flow_steps)
        levels = [*(t * (1 + i / (flow_steps - 1) * (last ** (1 / 7) - 1)) ** 7), 0.0]
        for s, after in zip(levels[:-1], levels[1:], strict=True):  # noqa: RUF007
            x = x - (after - s) * s * sign * score(x, 1.0, s)
        return x

    def given_data(x_0: Array, t: float, z: Callable[..., Array]) -> Array:
        s = max(noise_std, held_back * t)
        n_1 = heat * z()
        n_2 = heat * z(of_data=True)
        b = AH(y + s * n_2) / s**2 + (x_0 + t * n_1) / t**2
        u = np.zeros_like(b)
        r = p = b
        for _ in range(500):
            if np.linalg.norm(r) <= 1e-11 * np.linalg.norm(b):
                break
            q = adjoint(A(p)) / s**2 + p / t**2
            rr = np.vdot(r, r).real
            step = rr / np.vdot(p, q).real
            u, r = u + step * p, r - step * q
            p = r + np.vdot(r, r).real / rr * p
        return u

    x = sigma[0] * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = sigma[min(k + 1, N - 1)] if error == "level" else sigma[k]
        x_0 = flow(x, label)
        if error == "order" and k < N - 1:
            x_0 = x_0 + sigma[k + 1] * z()
        x = given_data(x_0, label, z)
        if error != "order" and k < N - 1:
            x = x + heat * sigma[k + 1] * z()
        iterates.append(x)
    return iterates
