"""Song et al. 2020, "Score-Based Generative Modeling through Stochastic Differential Equations": the
predictor-corrector sampler for VE, VP and sub-VP, told of measurements by a likelihood (appendix I, as Song 2021
baselined it) or by replacement of what is known (appendix I.2).

Levels are alpha and beta, N of them with falling noise, then the clean image (1, 0).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Move = Callable[[Array, Array, int], tuple[Array, float]]
"""(x, score, k) -> the predictor's mean and the standard deviation of its noise."""
Size = Callable[[Array, Array, int], float]
"""(noise, score, k) -> the corrector's step size."""


def reverse_diffusion(sde: str, alpha: Sequence[float], beta: Sequence[float]) -> Move:
    """Eq. (46), with the discretisations of appendices E and F; sub-VP alike, by its transition kernel."""

    def move(x: Array, s: Array, k: int) -> tuple[Array, float]:
        if sde == "VE":
            G2 = beta[k] ** 2 - beta[k + 1] ** 2
            return x + G2 * s, np.sqrt(G2)
        if sde == "VP":
            b = 1 - (alpha[k] / alpha[k + 1]) ** 2
            return (2 - np.sqrt(1 - b)) * x + b * s, np.sqrt(b)
        shrink = alpha[k] / alpha[k + 1]
        added = beta[k] ** 2 - shrink**2 * beta[k + 1] ** 2
        return x - (shrink - 1) * x + added * s, np.sqrt(added)

    return move


def ancestral(sde: str, alpha: Sequence[float], beta: Sequence[float]) -> Move:
    """Eq. (47) for VE, eq. (4) for VP."""

    def move(x: Array, s: Array, k: int) -> tuple[Array, float]:
        if sde == "VE":
            high, low = beta[k] ** 2, beta[k + 1] ** 2
            return x + (high - low) * s, np.sqrt(low * (high - low) / high)
        b = 1 - (alpha[k] / alpha[k + 1]) ** 2
        return (x + b * s) / np.sqrt(1 - b), np.sqrt(b)

    return move


def euler_maruyama(drift: Sequence[float], diffusion: Sequence[float]) -> Move:
    """Steps of 1/N on dx = [f x - g^2 s] dt + g dw, f and g at the time of each level."""

    def move(x: Array, s: Array, k: int) -> tuple[Array, float]:
        f, g, dt = drift[k], diffusion[k], 1 / len(drift)
        return x - (f * x - g**2 * s) * dt, g * np.sqrt(dt)

    return move


def langevin(snr: float, alpha: Sequence[float]) -> Size:
    """Algorithms 4 and 5: 2 a (snr |z| / |s|)^2, a = 1 for VE and the chain's alpha_i for VP."""

    def size(z: Array, s: Array, k: int) -> float:
        a = (alpha[k] / alpha[k + 1]) ** 2
        return float(2 * a * (snr * np.linalg.norm(z) / np.linalg.norm(s)) ** 2)

    return size


def annealed_langevin(snr: float, alpha: Sequence[float], beta: Sequence[float]) -> Size:
    """The public code's other corrector: 2 a (snr std(t))^2."""

    def size(z: Array, s: Array, k: int) -> float:
        return 2 * (alpha[k] / alpha[k + 1]) ** 2 * (snr * beta[k]) ** 2

    return size


def score_sde(
    y: Array,
    A: Callable[[Array], Array],
    AH: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    predictor: Move,
    corrector: Size,
    *,
    rho: float,
    prior_std: float,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """Corrector, then predictor, both with the score plus that of N(y_t; A x, (rho beta)^2), y_t = alpha y + beta A z
    for fresh z.

    Returns the start, of standard deviation ``prior_std`` (sigma_max for VE, 1 for VP and sub-VP), and the state after
    each level; the last is the predictor's mean. A real state takes the real part of ``AH``.
    """
    N = len(alpha) - 1
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2
    if error == "conjugate":
        adjoint, AH = AH, lambda r: adjoint(r.conj()).conj()  # the transpose

    x = prior_std * noise(0)()
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        t = min(k + 1, N - 1) if error == "level" else k

        def gradient(x: Array, t: int = t, z: Callable[[], Array] = z) -> Array:
            y_t = alpha[t] * y + beta[t] * A(z())
            likelihood = sign * AH(y_t - A(x)) / (rho * beta[t]) ** 2
            return score(x, alpha[t], beta[t]) + (likelihood if np.iscomplexobj(x) else likelihood.real)

        def correct(x: Array, k: int = k, z: Callable[[], Array] = z, gradient: Any = gradient) -> Array:
            g = gradient(x)
            w = z()
            e = corrector(w, g, k)
            return x + e * g + np.sqrt(twice * e) * w

        def predict(x: Array, k: int = k, z: Callable[[], Array] = z, gradient: Any = gradient) -> Array:
            mean, std = predictor(x, gradient(x), k)
            return mean if k == N - 1 else mean + std * z()

        x = correct(predict(x)) if error == "order" else predict(correct(x))
        iterates.append(x)
    return iterates


def score_sde_replacement(
    y: Array,
    A: Callable[[Array], Array],
    B: Callable[[Array], Array],
    score: Callable[[Array, float, float], Array],
    alpha: Sequence[float],
    beta: Sequence[float],
    predictor: Move,
    corrector: Size,
    *,
    prior_std: float,
    known_at_start: float = 1.0,
    noise: Callable[[int], Callable[[], Array]],
    error: str | None = None,
) -> list[Array]:
    """Corrector, then predictor, and after each what is known is replaced by data noised to the level that the state
    has reached: that of the corrector, and the next one after the predictor.

    (The public code noises to the old level both times.) Returns the start, whose known part is ``known_at_start`` y (y
    itself in the public code; alpha[0] y is what its level leaves of it), and the state after each level; the last is
    the predictor's mean with clean data. ``B`` is the pseudo-inverse of ``A``: that of a mask, or of a mask on a
    unitary transform, is the adjoint.
    """
    N = len(alpha) - 1
    if error == "conjugate":
        y = y.conj()
    sign = -1 if error == "sign" else 1
    twice = 1 if error == "scale" else 2

    def replace(x: Array, target: Array) -> Array:
        step = B(target - A(x))
        return x + (step if np.iscomplexobj(x) else step.real)

    x = replace(prior_std * noise(0)(), known_at_start * y)
    iterates = [x]
    for k in range(N):
        z = noise(k + 1)
        t = min(k + 1, N - 1) if error == "level" else k

        def replace_at(x: Array, t: int, z: Callable[[], Array] = z) -> Array:
            return replace(x, alpha[t] * y + (beta[t] * A(z()) if beta[t] > 0 else 0))

        if error == "order":
            x = replace_at(x, k)
        g = sign * score(x, alpha[t], beta[t])
        w = z()
        e = corrector(w, g, k)
        x = x + e * g + np.sqrt(twice * e) * w
        x = replace_at(x, k)

        mean, std = predictor(x, sign * score(x, alpha[t], beta[t]), k)
        x = mean if k == N - 1 else mean + std * z()
        if error != "order":
            x = replace_at(x, k + 1)
        iterates.append(x)
    return iterates
