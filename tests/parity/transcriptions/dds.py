"""Chung, Lee & Ye 2024, "Decomposed Diffusion Sampler for Accelerating Large-Scale Inverse Problems": a DDIM whose
clean estimate takes a few conjugate-gradient steps towards the data, its noise that of the network."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def dds(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    *,
    gamma: float,
    cg_steps: int,
    eta: float,
    prior_std: float = 1.0,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """The start, of standard deviation ``prior_std``, and the state after each level.

    gamma weighs the data, min gamma |y - A v|^2 + |v - x_0|^2; infinite, it leaves |y - A v|^2 alone, from x_0. Levels
    fall in noise and end with the clean image (1, 0).
    """
    N = len(alpha) - 1
    sign = -1 if error == "sign" else 1
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    def inner(u: Array, v: Array) -> Any:
        return np.sum(u.conj() * v).real

    def towards_data(x_0: Array) -> Array:
        if np.isinf(gamma):
            b, M = AH(y), lambda v: AH(A(v))
        else:
            b, M = x_0 + gamma * AH(y), lambda v: v + gamma * AH(A(v))
        v = x_0
        r = b - M(v)
        solved = 1e-14 * (np.linalg.norm(b) + np.linalg.norm(r))
        p, rr = r, inner(r, r)
        for _ in range(cg_steps):
            if np.linalg.norm(r) <= solved:
                break
            q = M(p)
            step = rr / inner(p, q)
            v, r = v + step * p, r - step * q
            rr, previous = inner(r, r), rr
            p = r + rr / previous * p
        return v

    x = prior_std * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        label = min(k + 1, N - 1) if error == "level" else k
        x_0 = (x + beta[k] ** 2 * sign * score(x, alpha[label], beta[label])) / alpha[k]
        eps = (x - alpha[k] * x_0) / beta[k]
        x_0 = towards_data(x_0)
        if error == "order":
            eps = (x - alpha[k] * x_0) / beta[k]
        fresh = eta * (np.sqrt(0.5) if error == "scale" else 1)
        x = alpha[k + 1] * x_0
        if k < N - 1:
            x = x + beta[k + 1] * (np.sqrt(1 - eta**2) * eps + fresh * z())
        iterates.append(x)
    return iterates
