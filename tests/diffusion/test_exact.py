"""Samplers under a Gaussian prior, against the published updates written once more in plain NumPy.

Every step of fixed size is affine in the state and in the noise, so a run's mean and covariance are exact. One side is
read off the sampler by feeding it unit vectors as noise; the other is the papers' recursion, on real coordinates (real
part, imaginary part of each pixel), with the papers' own levels and a dense operator built from ``numpy.fft``.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    VE,
    VP,
    Ancestral,
    Converged,
    DiffPIRWeight,
    DiscreteVP,
    DPMSolver2M,
    DPMSolver2MSDE,
    EulerMaruyama,
    Geometric,
    GradientConsistency,
    HalfQuadratic,
    Karras,
    PosteriorVariance,
    ProbabilityFlow,
    Problem,
    ProjectionConsistency,
    Proximal,
    RealImage,
    Renoise,
    ReverseDiffusion,
    Sampler,
    Signal,
    SplitComplex,
    SplittingWeight,
    Step,
    SubVP,
    Tweedie,
    TwoChannel,
    Uniform,
)
from invdiff.diffusion.guidance import Guidance
from invdiff.operators import LinearOperator, fourier, sense
from invdiff.priors import GaussianPrior

Array = NDArray[np.float64]
HEIGHT, WIDTH, COILS = 3, 2, 2
PIXELS = HEIGHT * WIDTH
NOISE_STD = 0.3
STEPS = 5
TOLERANCE = 1e-9


# The papers' side: nothing of the package


@dataclass(frozen=True)
class Affine:
    """constant + root z, for all standard normal numbers z drawn so far."""

    constant: Array
    root: Array

    def __add__(self, other: "Affine | Array") -> "Affine":
        if isinstance(other, np.ndarray):
            return Affine(self.constant + other, self.root)
        columns = max(self.root.shape[1], other.root.shape[1])
        return Affine(self.constant + other.constant, _widened(self.root, columns) + _widened(other.root, columns))

    def __mul__(self, scale: float) -> "Affine":
        return Affine(scale * self.constant, scale * self.root)

    __rmul__ = __mul__

    def __sub__(self, other: "Affine | Array") -> "Affine":
        return self + (-1) * other

    def __truediv__(self, scale: float) -> "Affine":
        return self * (1 / scale)

    def through(self, matrix: Array) -> "Affine":
        return Affine(matrix @ self.constant, matrix @ self.root)


def _widened(root: Array, columns: int) -> Array:
    return np.pad(root, ((0, 0), (0, columns - root.shape[1])))


@dataclass
class Paper:
    """What a recursion speaks of: the prior N(mean, covariance), the data y = A x + n, and noise."""

    mean: Array
    covariance: Array
    A: Array
    y: Array
    noise_std: float = NOISE_STD
    noise_scale: float = 1.0
    score_sign: float = 1.0
    late: bool = False
    drawn: int = field(default=0)

    def z(self) -> Affine:
        size = len(self.mean)
        root = np.zeros((size, self.drawn + size))
        root[:, self.drawn :] = self.noise_scale * np.eye(size)
        self.drawn += size
        return Affine(np.zeros(size), root)

    def score(self, x: Affine, alpha: float, beta: float) -> Affine:
        """Of N(alpha mean, alpha^2 C + beta^2)."""
        precision = np.linalg.inv(alpha**2 * self.covariance + beta**2 * np.eye(len(self.mean)))
        return (x - alpha * self.mean).through(-self.score_sign * precision)

    def clean(self, x: Affine, alpha: float, beta: float) -> Affine:
        """Tweedie."""
        return (x + beta**2 * self.score(x, alpha, beta)) / alpha

    def levels(self, values: Sequence[float]) -> list[float]:
        """Noise levels or times as the paper has them; if ``late``, one of them half an index too late."""
        listed = [float(v) for v in values]
        return [listed[0], (listed[1] + listed[2]) / 2, *listed[2:]] if self.late else listed


def ve_sigmas(paper: Paper, smallest: float = 0.1, largest: float = 4.0) -> list[float]:
    """sigma_N, .., sigma_1, 0 (Song 2020, app. F)."""
    ratio = (smallest / largest) ** (1 / (STEPS - 1))
    return [*paper.levels([largest * ratio**i for i in range(STEPS)]), 0.0]


B_FIRST, B_LAST, CHAIN = 0.02, 0.4, 20


def vp_betas(paper: Paper) -> list[float]:
    """b_N, .., b_1 of a chain that is walked whole."""
    return paper.levels(np.linspace(B_FIRST, B_LAST, STEPS)[::-1])


def vp_products(betas: Sequence[float]) -> list[float]:
    """prod_{j <= i} (1 - b_j) for i = N, .., 1, and 1 for the clean image."""
    return [math.prod(1 - b for b in betas[k:]) for k in range(STEPS)] + [1.0]


def dds_products(paper: Paper) -> list[float]:
    """abar at the times range(0, T, T // N), reversed."""
    products = np.cumprod(1 - np.linspace(B_FIRST, B_LAST, CHAIN))
    return [*paper.levels([products[t] for t in reversed(range(0, CHAIN, CHAIN // STEPS))]), 1.0]


def edm_sigmas(paper: Paper, smallest: float = 0.05, largest: float = 3.0, rho: float = 7.0) -> list[float]:
    a, b = largest ** (1 / rho), smallest ** (1 / rho)
    return [*paper.levels([(a + i / (STEPS - 1) * (b - a)) ** rho for i in range(STEPS)]), 0.0]


def reverse_diffusion_ve(paper: Paper) -> Affine:
    sigmas = ve_sigmas(paper)
    x = sigmas[0] * paper.z()
    for i in range(STEPS):
        squared = sigmas[i] ** 2 - sigmas[i + 1] ** 2
        x = x + squared * paper.score(x, 1, sigmas[i])
        if i < STEPS - 1:
            x = x + math.sqrt(squared) * paper.z()
    return x


def reverse_diffusion_vp(paper: Paper) -> Affine:
    betas = vp_betas(paper)
    bars = vp_products(betas)
    x = math.sqrt(1 - bars[0]) * paper.z()
    for i, b in enumerate(betas):
        x = (2 - math.sqrt(1 - b)) * x + b * paper.score(x, math.sqrt(bars[i]), math.sqrt(1 - bars[i]))
        if i < STEPS - 1:
            x = x + math.sqrt(b) * paper.z()
    return x


def ancestral_ve(paper: Paper) -> Affine:
    sigmas = ve_sigmas(paper)
    x = sigmas[0] * paper.z()
    for i in range(STEPS):
        high, low = sigmas[i] ** 2, sigmas[i + 1] ** 2
        x = x + (high - low) * paper.score(x, 1, sigmas[i])
        if i < STEPS - 1:
            x = x + math.sqrt(low * (high - low) / high) * paper.z()
    return x


def ancestral_vp(paper: Paper) -> Affine:
    betas = vp_betas(paper)
    bars = vp_products(betas)
    x = math.sqrt(1 - bars[0]) * paper.z()
    for i, b in enumerate(betas):
        x = (x + b * paper.score(x, math.sqrt(bars[i]), math.sqrt(1 - bars[i]))) / math.sqrt(1 - b)
        if i < STEPS - 1:
            x = x + math.sqrt(b) * paper.z()
    return x


def euler_maruyama(
    marginal: Callable[[float], tuple[float, float]],
    f: Callable[[float], float],
    g: Callable[[float], float],
    end: float,
) -> Callable[[Paper], Affine]:
    def recursion(paper: Paper) -> Affine:
        times = paper.levels([1 + i / (STEPS - 1) * (end - 1) for i in range(STEPS)])
        x = marginal(times[0])[1] * paper.z()
        for i, t in enumerate(times):
            x = x - (f(t) * x - g(t) ** 2 * paper.score(x, *marginal(t))) / STEPS
            if i < STEPS - 1:
                x = x + g(t) / math.sqrt(STEPS) * paper.z()
        return x

    return recursion


B0, B1 = 0.2, 5.0


def half_log(t: float) -> float:
    return -(t**2) * (B1 - B0) / 4 - t * B0 / 2


def vp_rate(t: float) -> float:
    return B0 + t * (B1 - B0)


em_ve = euler_maruyama(
    lambda t: (1, 0.1 * 40**t), lambda t: 0.0, lambda t: 0.1 * 40**t * math.sqrt(2 * math.log(40)), 1e-5
)
em_vp = euler_maruyama(
    lambda t: (math.exp(half_log(t)), math.sqrt(1 - math.exp(2 * half_log(t)))),
    lambda t: -vp_rate(t) / 2,
    lambda t: math.sqrt(vp_rate(t)),
    1e-3,
)
em_sub_vp = euler_maruyama(
    lambda t: (math.exp(half_log(t)), 1 - math.exp(2 * half_log(t))),
    lambda t: -vp_rate(t) / 2,
    lambda t: math.sqrt(vp_rate(t) * (1 - math.exp(4 * half_log(t)))),
    1e-3,
)


def heun(paper: Paper) -> Affine:
    """EDM, algorithm 1."""
    sigmas = edm_sigmas(paper)
    x = sigmas[0] * paper.z()
    for s, t in pairwise(sigmas):
        d = (x - paper.clean(x, 1, s)) / s
        moved = x + (t - s) * d
        if t > 0:
            d = (d + (moved - paper.clean(moved, 1, t)) / t) / 2
            moved = x + (t - s) * d
        x = moved
    return x


def heun_vp(paper: Paper) -> Affine:
    """The same ODE (DDIM, eq. 14): d(x / sqrt(abar)) = eps d(sqrt((1 - abar) / abar))."""
    bars = dds_products(paper)
    x = math.sqrt(1 - bars[0]) * paper.z()
    for a, b in pairwise(bars):
        scaled, length = x / math.sqrt(a), math.sqrt((1 - b) / b) - math.sqrt((1 - a) / a)
        eps = -math.sqrt(1 - a) * paper.score(x, math.sqrt(a), math.sqrt(1 - a))
        x = math.sqrt(b) * (scaled + length * eps)
        if b < 1:
            eps = 0.5 * (eps + -math.sqrt(1 - b) * paper.score(x, math.sqrt(b), math.sqrt(1 - b)))
            x = math.sqrt(b) * (scaled + length * eps)
    return x


def ddim(eta: float) -> Callable[[Paper], Affine]:
    """DDIM, eq. 12 and 16, in its own symbols: a is alpha-bar."""

    def recursion(paper: Paper) -> Affine:
        bars = dds_products(paper)
        x = math.sqrt(1 - bars[0]) * paper.z()
        for a, b in pairwise(bars):
            x0 = paper.clean(x, math.sqrt(a), math.sqrt(1 - a))
            eps = (x - math.sqrt(a) * x0) / math.sqrt(1 - a)
            h = eta * math.sqrt((1 - b) / (1 - a)) * math.sqrt(1 - a / b)
            x = math.sqrt(b) * x0 + math.sqrt(1 - b - h**2) * eps
            if h > 0:
                x = x + h * paper.z()
        return x

    return recursion


def dds(eta: float, gamma: float) -> Callable[[Paper], Affine]:
    """DDS, conjugate gradients run to their end."""

    def recursion(paper: Paper) -> Affine:
        bars = dds_products(paper)
        x = math.sqrt(1 - bars[0]) * paper.z()
        for a, b in pairwise(bars):
            x0 = paper.clean(x, math.sqrt(a), math.sqrt(1 - a))
            eps = (x - math.sqrt(a) * x0) / math.sqrt(1 - a)
            if math.isinf(gamma):
                pinv = np.linalg.pinv(paper.A)
                x0 = x0 - x0.through(pinv @ paper.A) + pinv @ paper.y
            else:
                inverse = np.linalg.inv(np.eye(len(paper.mean)) + gamma * paper.A.T @ paper.A)
                x0 = (x0 + gamma * paper.A.T @ paper.y).through(inverse)
            x = math.sqrt(b) * x0
            if b < 1:
                x = x + math.sqrt(1 - b) * (math.sqrt(1 - eta**2) * eps + eta * paper.z())
        return x

    return recursion


def diffpir(zeta: float, lam: float) -> Callable[[Paper], Affine]:
    """DiffPIR, algorithm 1, its data step for a linear operator."""

    def recursion(paper: Paper) -> Affine:
        bars = dds_products(paper)
        x = math.sqrt(1 - bars[0]) * paper.z()
        for a, b in pairwise(bars):
            rho = lam * paper.noise_std**2 / ((1 - a) / a)
            x0 = paper.clean(x, math.sqrt(a), math.sqrt(1 - a))
            inverse = np.linalg.inv(paper.A.T @ paper.A + rho * np.eye(len(paper.mean)))
            x0 = (rho * x0 + paper.A.T @ paper.y).through(inverse)
            eps = (x - math.sqrt(a) * x0) / math.sqrt(1 - a)
            x = math.sqrt(b) * x0
            if b < 1:
                x = x + math.sqrt(1 - b) * (math.sqrt(1 - zeta) * eps + math.sqrt(zeta) * paper.z())
        return x

    return recursion


DATA_STD = 0.7


def guided_clean(paper: Paper, x: Affine, sigma: float) -> Affine:
    """PiGDM's Gaussian estimate: N(x0, r^2) combined with N(y, noise_std^2), r^2 = sigma^2 s^2 / (sigma^2 + s^2)."""
    variance = 1 / (1 / sigma**2 + 1 / DATA_STD**2)
    posterior = np.linalg.inv(np.eye(len(paper.mean)) / variance + paper.A.T @ paper.A / paper.noise_std**2)
    x0 = paper.clean(x, 1, sigma)
    return (x0 / variance + paper.A.T @ paper.y / paper.noise_std**2).through(posterior)


def fast(paper: Paper) -> Affine:
    """Every level anew from the guided estimate."""
    sigmas = edm_sigmas(paper)
    x = sigmas[0] * paper.z()
    for s, t in pairwise(sigmas):
        x = guided_clean(paper, x, s)
        if t > 0:
            x = x + t * paper.z()
    return x


HELD_BACK = 0.3


def half_quadratic(paper: Paper) -> Affine:
    """DPIR, sec. 3: argmin_v |y - A v|^2 / s^2 + |v - D(x)|^2 / sigma^2 is what the denoiser D is shown next; s is the
    noise level, or a part of sigma where that is more. The result is the mean of the last two."""
    x = before = edm_sigmas(paper)[0] * paper.z()
    for sigma in edm_sigmas(paper)[:-1]:
        before = x
        s = max(paper.noise_std, HELD_BACK * sigma)
        inverse = np.linalg.inv(paper.A.T @ paper.A / s**2 + np.eye(len(paper.mean)) / sigma**2)
        x = (paper.clean(x, 1, sigma) / sigma**2 + paper.A.T @ paper.y / s**2).through(inverse)
    return (before + x) / 2


def guided_heun(paper: Paper) -> Affine:
    sigmas = edm_sigmas(paper)
    x = sigmas[0] * paper.z()
    for s, t in pairwise(sigmas):
        d = (x - guided_clean(paper, x, s)) / s
        moved = x + (t - s) * d
        if t > 0:
            d = (d + (moved - guided_clean(paper, moved, t)) / t) / 2
            moved = x + (t - s) * d
        x = moved
    return x


def guided_reverse_diffusion(paper: Paper) -> Affine:
    """The score of guidance is (x0 - x) / sigma^2 of the guided x0."""
    sigmas = ve_sigmas(paper)
    x = sigmas[0] * paper.z()
    for i in range(STEPS):
        squared = sigmas[i] ** 2 - sigmas[i + 1] ** 2
        x = x + squared * (guided_clean(paper, x, sigmas[i]) - x) / sigmas[i] ** 2
        if i < STEPS - 1:
            x = x + math.sqrt(squared) * paper.z()
    return x


def dpm_solver(paper: Paper) -> Affine:
    """DPM-Solver++(2M) on VP: lam = ln(alpha / beta), first order at both ends."""
    bars = dds_products(paper)
    x, previous, h_previous = math.sqrt(1 - bars[0]) * paper.z(), None, 0.0
    for a, b in pairwise(bars):
        x0 = paper.clean(x, math.sqrt(a), math.sqrt(1 - a))
        if b == 1:
            return x0
        h = (math.log(b / (1 - b)) - math.log(a / (1 - a))) / 2
        D = x0
        if previous is not None:
            ratio = h_previous / h
            D = (1 + 1 / (2 * ratio)) * x0 - 1 / (2 * ratio) * previous
        x = math.sqrt((1 - b) / (1 - a)) * x - math.sqrt(b) * (math.exp(-h) - 1) * D
        previous, h_previous = x0, h
    raise AssertionError("The last level is the clean image.")


def dpm_solver_sde(paper: Paper) -> Affine:
    """SDE-DPM-Solver++(2M) on VP, in the same symbols."""
    bars = dds_products(paper)
    x, previous, h_previous = math.sqrt(1 - bars[0]) * paper.z(), None, 0.0
    for a, b in pairwise(bars):
        x0 = paper.clean(x, math.sqrt(a), math.sqrt(1 - a))
        if b == 1:
            return x0
        h = (math.log(b / (1 - b)) - math.log(a / (1 - a))) / 2
        x = math.sqrt((1 - b) / (1 - a)) * math.exp(-h) * x + math.sqrt(b) * (1 - math.exp(-2 * h)) * x0
        if previous is not None:
            x = x + math.sqrt(b) * (1 - math.exp(-2 * h)) / 2 * (h / h_previous) * (x0 - previous)
        x = x + math.sqrt(1 - b) * math.sqrt(1 - math.exp(-2 * h)) * paper.z()
        previous, h_previous = x0, h
    raise AssertionError("The last level is the clean image.")


def consistent(paper: Paper, x: Affine, lam: float, alpha: float, beta: float, kind: str) -> Affine:
    """x + lam B (alpha y + beta A z - A x); beta = 0 is the clean step."""
    B = np.linalg.pinv(paper.A) if kind == "projection" else paper.A.T
    x = x - lam * x.through(B @ paper.A) + lam * alpha * B @ paper.y
    return x + lam * beta * paper.z().through(B @ paper.A) if beta > 0 else x


def song(lam: float, kind: str) -> Callable[[Paper], Affine]:
    """Song 2021, algorithm 2, without its corrector: merge with noised y, predict, last Tweedie and clean merge."""

    def recursion(paper: Paper) -> Affine:
        sigmas = ve_sigmas(paper)
        x = sigmas[0] * paper.z()
        for i in range(STEPS):
            x = consistent(paper, x, lam, 1, sigmas[i], kind)
            squared = sigmas[i] ** 2 - sigmas[i + 1] ** 2
            x = x + squared * paper.score(x, 1, sigmas[i]) + math.sqrt(squared) * paper.z()
        x = paper.clean(x, 1, sigmas[STEPS - 1])
        return consistent(paper, x, 1, 1, 0, kind)

    return recursion


def song_vp(paper: Paper) -> Affine:
    """The same on VP: y_t = sqrt(abar) y + sqrt(1 - abar) A z."""
    betas = vp_betas(paper)
    bars = vp_products(betas)
    x = math.sqrt(1 - bars[0]) * paper.z()
    for i, b in enumerate(betas):
        alpha, beta = math.sqrt(bars[i]), math.sqrt(1 - bars[i])
        x = consistent(paper, x, 0.8, alpha, beta, "projection")
        x = (2 - math.sqrt(1 - b)) * x + b * paper.score(x, alpha, beta)
        if i < STEPS - 1:
            x = x + math.sqrt(b) * paper.z()
    return x


def chung(lam: float) -> Callable[[Paper], Affine]:
    """Chung & Ye 2022, algorithms 2 and 3, without their corrector: a clean step in its place, and after R."""

    def recursion(paper: Paper) -> Affine:
        sigmas = ve_sigmas(paper)
        x = sigmas[0] * paper.z()
        for i in range(STEPS):
            x = consistent(paper, x, lam, 1, 0, "gradient")
            squared = sigmas[i] ** 2 - sigmas[i + 1] ** 2
            x = x + squared * paper.score(x, 1, sigmas[i])
            if i < STEPS - 1:
                x = x + math.sqrt(squared) * paper.z()
            x = consistent(paper, x, lam, 1, 0, "gradient")
        return x

    return recursion


def chung_vp(paper: Paper) -> Affine:
    """A clean step after the predictor meets sqrt(abar) of the level moved to."""
    bars = dds_products(paper)
    x = math.sqrt(1 - bars[0]) * paper.z()
    for a, b in pairwise(bars):
        x0 = paper.clean(x, math.sqrt(a), math.sqrt(1 - a))
        x = math.sqrt(b) * x0 + math.sqrt(1 - b) * (x - math.sqrt(a) * x0) / math.sqrt(1 - a)
        x = consistent(paper, x, 0.6, math.sqrt(b), 0, "gradient")
    return x


# The package's side

SETUPS = {
    "fourier-two": [0, 1, 3, 4],
    "fourier-split": [0, 1, 3, 4],
    "fourier-real": [0, 1, 3, 4],
    "sense-two": [0, 3],
    "sense-real": [3],
}
"""Operator and signal, and the samples kept: 0 and 4 mirror each other, 3 itself, the mirror of 1 is missing."""


@dataclass(frozen=True)
class Setup:
    """One small problem, as the package has it and as the papers have it."""

    operator: LinearOperator
    signal: Signal
    prior: GaussianPrior
    y: Tensor
    paper: Paper

    @property
    def problem(self) -> Problem:
        return Problem(self.operator, self.y, NOISE_STD)


def dense(mask: NDArray[np.bool_], maps: NDArray[np.complex128], *, real: bool) -> Array:
    """P(Λ) F S on real coordinates: its columns are images of unit pixels, and of i times them."""
    units = np.eye(PIXELS).reshape(PIXELS, 1, HEIGHT, WIDTH)
    images = maps * (units if real else np.stack([units, 1j * units], 1).reshape(2 * PIXELS, 1, HEIGHT, WIDTH))
    axes = (-2, -1)
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(images, axes), norm="ortho"), axes)[..., mask]
    return np.stack([k.real, k.imag], -1).reshape(len(k), -1).T


def setup(name: str, *, conjugate: bool = False) -> Setup:
    rng = np.random.default_rng(5)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask.flat[SETUPS[name]] = True
    maps = rng.standard_normal((2, COILS, HEIGHT, WIDTH))
    coils = (maps[0] + 1j * maps[1]) / np.sqrt((maps**2).sum((0, 1)))
    coils = coils if "sense" in name else np.ones((1, HEIGHT, WIDTH), complex)
    operator = (
        sense(torch.from_numpy(mask), torch.from_numpy(coils)) if "sense" in name else fourier(torch.from_numpy(mask))
    )
    signal: Signal = {"real": RealImage(), "split": SplitComplex(), "two": TwoChannel()}[name.split("-")[1]]
    real = isinstance(signal, RealImage)

    size = signal.channels * PIXELS
    mean, factor = rng.standard_normal(size), rng.standard_normal((size, size))
    covariance = factor @ factor.T / size
    event = (signal.channels, HEIGHT, WIDTH)
    prior = GaussianPrior(torch.from_numpy(mean.reshape(event)), torch.from_numpy(covariance))
    if isinstance(signal, SplitComplex):
        mean, covariance = np.tile(mean, 2), np.kron(np.eye(2), covariance)
    if not real:  # from (part, pixel) to (pixel, part)
        order = np.arange(2 * PIXELS).reshape(2, PIXELS).T.flatten()
        mean, covariance = mean[order], covariance[np.ix_(order, order)]

    y = rng.standard_normal((int(mask.sum()) * len(coils), 2))
    A = dense(mask, coils, real=real)
    if conjugate:
        A = A * np.tile([1, -1], len(A) // 2)[:, None]
    shape = operator.codomain_shape
    measured = torch.view_as_complex(torch.from_numpy(y)).reshape(shape)
    return Setup(operator, signal, prior, measured, Paper(mean, covariance, A, y.flatten()))


@dataclass(frozen=True)
class Case:
    recursion: Callable[[Paper], Affine]
    sampler: Callable[[Signal], Sampler]
    sees_data: bool = True


def case(
    recursion: Callable[[Paper], Affine],
    sde: VE | VP,
    grid: Geometric | Uniform | Karras | DiscreteVP,
    *steps: Step,
    guidance: Guidance | None = None,
    finish: Sequence[Step] = (),
    sees_data: bool = True,
) -> Case:
    return Case(
        recursion, lambda signal: Sampler(sde, grid, steps, signal, guidance=guidance, finish=finish), sees_data
    )


ve, ve_grid = VE(0.1, 4.0), Geometric(STEPS)
vp, sub_vp = VP(B0, B1), SubVP(B0, B1)
whole, strided = DiscreteVP(STEPS, STEPS, B_FIRST, B_LAST), DiscreteVP(STEPS, CHAIN, B_FIRST, B_LAST)
karras = Karras(STEPS, 3.0, 0.05)
EXACTLY = Converged(1e-12)
by_variance = Proximal(PosteriorVariance(DATA_STD, held_back=0.0), EXACTLY, "estimate")

CASES = {
    "reverse diffusion, VE": case(reverse_diffusion_ve, ve, ve_grid, ReverseDiffusion(), sees_data=False),
    "reverse diffusion, VP": case(reverse_diffusion_vp, VP(), whole, ReverseDiffusion(), sees_data=False),
    "ancestral, VE": case(ancestral_ve, ve, ve_grid, Ancestral(), sees_data=False),
    "ancestral, VP": case(ancestral_vp, VP(), whole, Ancestral("forward"), sees_data=False),
    "Euler-Maruyama, VE": case(em_ve, ve, Uniform(STEPS), EulerMaruyama(), sees_data=False),
    "Euler-Maruyama, VP": case(em_vp, vp, Uniform(STEPS), EulerMaruyama(), sees_data=False),
    "Euler-Maruyama, sub-VP": case(em_sub_vp, sub_vp, Uniform(STEPS), EulerMaruyama(), sees_data=False),
    "Heun": case(heun, ve, karras, ProbabilityFlow(), sees_data=False),
    "Heun, VP": case(heun_vp, VP(), strided, ProbabilityFlow(), sees_data=False),
    "DDIM(0)": case(ddim(0), VP(), strided, DDIM(), sees_data=False),
    "DDIM(0.6)": case(ddim(0.6), VP(), strided, DDIM(0.6), sees_data=False),
    "DPM-Solver++(2M)": case(dpm_solver, VP(), strided, DPMSolver2M(), sees_data=False),
    "SDE-DPM-Solver++(2M)": case(dpm_solver_sde, VP(), strided, DPMSolver2MSDE(), sees_data=False),
    "DDS": case(dds(0.85, 2.0), VP(), strided, Renoise(0.85), guidance=Proximal(2.0, EXACTLY)),
    "DDS, noiseless": case(dds(0.5, math.inf), VP(), strided, Renoise(0.5), guidance=Proximal(math.inf, EXACTLY)),
    "DiffPIR": case(
        diffpir(0.3, 2.0),
        VP(),
        strided,
        Renoise(math.sqrt(0.3)),
        guidance=Proximal(DiffPIRWeight(2.0), EXACTLY, "estimate"),
    ),
    "fast": case(fast, ve, karras, Renoise(1.0), guidance=by_variance),
    "half-quadratic splitting": case(
        half_quadratic, ve, karras, HalfQuadratic(), guidance=Proximal(SplittingWeight(HELD_BACK), EXACTLY)
    ),
    "Heun, guided": case(guided_heun, ve, karras, ProbabilityFlow(), guidance=by_variance),
    "reverse diffusion, guided": case(guided_reverse_diffusion, ve, ve_grid, ReverseDiffusion(), guidance=by_variance),
    "Song, gradient": case(
        song(0.7, "gradient"),
        ve,
        ve_grid,
        GradientConsistency(0.7, noised=True),
        ReverseDiffusion(last_noise=True),
        finish=[Tweedie(), GradientConsistency(1.0)],
    ),
    "Song, projection": case(
        song(0.7, "projection"),
        ve,
        ve_grid,
        ProjectionConsistency(0.7),
        ReverseDiffusion(last_noise=True),
        finish=[Tweedie(), ProjectionConsistency(1.0, noised=False)],
    ),
    "Song, VP": case(song_vp, VP(), whole, ProjectionConsistency(0.8), ReverseDiffusion()),
    "Chung": case(chung(0.9), ve, ve_grid, GradientConsistency(0.9), ReverseDiffusion(), GradientConsistency(0.9)),
    "Chung, VP": case(chung_vp, VP(), strided, DDIM(), GradientConsistency(0.6)),
}


def error(made: Affine, expected: Affine) -> float:
    """Of mean and covariance, relative to their largest numbers."""
    means = np.abs(made.constant - expected.constant).max() / np.abs(expected.constant).max()
    made_covariance, covariance = made.root @ made.root.T, expected.root @ expected.root.T
    return float(max(means, np.abs(made_covariance - covariance).max() / np.abs(covariance).max()))


@pytest.mark.filterwarnings("ignore:.*can be inverted on its range")  # six pixels have no null space left
@pytest.mark.parametrize("where", SETUPS)
@pytest.mark.parametrize("name", CASES)
def test_mean_and_covariance_are_the_published_recursions(affine_map, name: str, where: str) -> None:
    at, chosen = setup(where), CASES[name]
    made = Affine(*affine_map(chosen.sampler(at.signal), at.problem, at.prior))
    assert error(made, chosen.recursion(at.paper)) < TOLERANCE


@pytest.mark.parametrize("where", ["fourier-two", "sense-real"])
@pytest.mark.parametrize("name", CASES)
def test_the_comparison_rejects_a_recursion_with_an_error(affine_map, name: str, where: str) -> None:
    at, chosen = setup(where), CASES[name]
    made, paper = Affine(*affine_map(chosen.sampler(at.signal), at.problem, at.prior)), at.paper
    planted = {
        "sign": replace(paper, score_sign=-1.0),
        "level": replace(paper, late=True),
        "scale": replace(paper, noise_scale=math.sqrt(0.5)),  # what torch.randn of a complex dtype would give
    }
    if chosen.sees_data:
        planted["conjugate"] = replace(paper, A=setup(where, conjugate=True).paper.A)
    for what, wrong in planted.items():
        assert error(made, chosen.recursion(replace(wrong, drawn=0))) > 1e-5, f"{what} goes unnoticed"


@pytest.mark.parametrize("name", ["DDIM(0.6)", "Song, projection", "fast"])
def test_random_samples_have_that_mean_and_covariance(name: str) -> None:
    at, chosen, count = setup("fourier-two"), CASES[name], 4000
    sampler, expected = chosen.sampler(at.signal), chosen.recursion(at.paper)
    *_, last = sampler.bind(at.problem, at.prior).run(range(count), seed=3).states()
    images = torch.view_as_real(last.x).reshape(count, -1).numpy()
    covariance = expected.root @ expected.root.T
    variances = np.diag(covariance)
    assert np.all(np.abs(images.mean(0) - expected.constant) < 5 * np.sqrt(variances / count) + 1e-9)
    spread = np.sqrt((np.outer(variances, variances) + covariance**2) / count)  # Wishart
    assert np.all(np.abs(np.cov(images.T) - covariance) < 5 * spread + 1e-9)
