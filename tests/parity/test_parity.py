"""Every method against its paper, iterate by iterate: the sampler and a NumPy transcription, under the same noise.

The prior is Gaussian, in closed form on both sides; levels, operators and pseudo-inverses are NumPy's own on the
transcription's. Where papers and their code differ, the transcription is told what the methods chose: runs begin with
noise of the first level, and of what is known they begin with what that level leaves of it.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    SDE,
    VE,
    VP,
    Ancestral,
    AnnealedLangevin,
    EulerMaruyama,
    Langevin,
    NoiseStream,
    Problem,
    RealImage,
    ReverseDiffusion,
    Sense,
    SplitComplex,
    SubVP,
    UnsampledKspace,
)
from invdiff.methods import METHODS
from invdiff.operators import LinearOperator, fourier, inpainting, sense
from invdiff.priors import GaussianPrior, Prior

Array = NDArray[Any]
Noise = Callable[[int], Callable[..., Array]]
ERRORS = ("sign", "order", "level", "scale", "conjugate")
N = 6
LARGEST, SMALLEST = 5.0, 0.02
NOISE_STD = 0.03
SEED, CASE, SAMPLES = 3, 1, (0, 4)
AGREEMENT, DISAGREEMENT = 1e-8, 1e-3


@dataclass(frozen=True, eq=False)
class Setting:
    """What is measured, in NumPy and in the library."""

    load: Callable[[str], Any]
    small: Any
    levels: Any

    @property
    def sigma(self) -> list[float]:
        return self.levels.geometric(N, LARGEST, SMALLEST)

    def data(self, kind: str) -> tuple[Array, Any, Any, Array]:
        """(y, A, adjoint, truth) of an image of that kind."""
        small = self.small
        if kind == "sense":
            return small.sense(small.complex), small.sense, small.sense_adjoint, small.complex
        if kind == "inpainting":
            return small.mask * small.complex, lambda x: small.mask * x, lambda y: small.mask * y, small.complex
        truth = getattr(small, kind)
        return small.masked(truth), small.masked, small.masked_adjoint, truth

    def pseudo_inverse(self, kind: str) -> Callable[[Array], Array]:
        """That of the dense matrix of A, on real images of the real-linear one."""
        _, A, _, truth = self.data(kind)
        units = np.eye(truth.size).reshape(-1, *truth.shape)

        def flat(y: Array) -> Array:
            return y.ravel() if np.iscomplexobj(truth) else np.concatenate([y.real.ravel(), y.imag.ravel()])

        inverse = np.linalg.pinv(np.stack([flat(A(unit)) for unit in units], -1), rcond=1e-10)
        return lambda y: (inverse @ flat(y)).reshape(truth.shape)

    def problem(self, kind: str) -> Problem:
        """The same for the library. The noise level is that which a method is told of; the data have none."""
        mask = torch.from_numpy(self.small.mask) > 0
        operators: dict[str, LinearOperator] = {
            "sense": sense(mask, torch.from_numpy(self.small.maps)),
            "inpainting": inpainting(mask),
        }
        y = torch.from_numpy(self.data(kind)[0])[..., mask]
        return Problem(operators.get(kind, fourier(mask)), y, NOISE_STD, scale=1.0)

    def prior(self, channels: int) -> GaussianPrior:
        mean, covariance = (torch.from_numpy(moment) for moment in (self.small.mean, self.small.covariance))
        return GaussianPrior(
            torch.stack([mean] * channels), torch.kron(torch.eye(channels, dtype=torch.float64), covariance)
        )


class ConditionalGaussian(Prior):
    """Unsampled k-space by way of the Gaussian prior of the image that it makes with the sampled: in place of MC-DDPM's
    network."""

    domain = "unsampled k-space"
    channels = (2,)

    def __init__(self, images: GaussianPrior, problem: Problem | None = None) -> None:
        self.images, self.problem = images, problem

    def given(self, problem: Problem) -> Prior:
        return ConditionalGaussian(self.images, problem)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        assert self.problem is not None
        F = self.problem.operator.factors[-1]
        noisy = self.problem.zero_filled + F.H(torch.complex(*x.unbind(1)))
        image = torch.complex(*self.images.denoise(torch.stack([noisy.real, noisy.imag], 1), sigma).unbind(1))
        unsampled = F(image - self.problem.operator.gram(image))
        return torch.stack([unsampled.real, unsampled.imag], 1)


# The papers' side

Transcribe = Callable[..., list[Array]]
"""(setting, kind, noise, error=.., and the method's constants) -> iterates."""


def geometric(name: str, *, inverse: bool = False, **own: Any) -> Transcribe:
    """A method of VE's levels; ``inverse`` gives it the pseudo-inverse in place of the adjoint."""

    def run(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
        y, A, AH, _ = at.data(kind)
        B = at.pseudo_inverse(kind) if inverse else AH
        transcription = getattr(at.load(name.removesuffix("_released")), name)
        return transcription(y, A, B, at.small.score, at.sigma, **own, **constants, noise=noise)

    return run


def magnitude_phase(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
    y, A, AH, _ = at.data(kind)
    transcription = at.load("chung2022_magnitude_phase").chung2022_magnitude_phase
    return transcription(y, A, AH, at.small.denoise, at.sigma, **constants, noise=noise)


def soss(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
    y, small = at.data(kind)[0], at.small
    transcription = at.load("chung2022_soss").chung2022_soss
    return transcription(y, small.masked, small.masked_adjoint, small.score, at.sigma, **constants, noise=noise)


def hybrid(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
    y, small = at.data(kind)[0], at.small
    transcription = at.load("chung2022_hybrid").chung2022_hybrid
    operators = (small.masked, small.masked_adjoint, small.maps)
    return transcription(y, *operators, small.score, at.sigma, **constants, noise=noise)


def ccdf(*, start_time: float | None = None, start_sigma: float | None = None) -> Transcribe:
    """Begun at a time; or at a noise level, which then stands in for time."""

    def run(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
        y, A, AH, _ = at.data(kind)
        times = np.linspace(1, 0, N).tolist() if start_sigma is None else at.sigma[:N]
        start = start_time if start_sigma is None else start_sigma
        transcription = at.load("ccdf").ccdf
        return transcription(y, A, AH, at.small.score, at.sigma, times, start_time=start, **constants, noise=noise)

    return run


RATES = (0.1, 5.0)  # of VP and sub-VP, mild enough for so few steps
SDES: dict[str, SDE] = {"VE": VE(SMALLEST, LARGEST), "VP": VP(*RATES, end=0.02), "sub-VP": SubVP(*RATES, end=0.05)}


def process(sde: str) -> dict[str, list[float]]:
    """Song 2020, appendix C, at N even times, then the clean image; drift and diffusion at the times alone."""
    first, last = RATES
    t = np.linspace(1, SDES[sde].end, N)
    rate, total = first + t * (last - first), np.exp(-(t**2) * (last - first) / 2 - t * first)
    sigma = SMALLEST * (LARGEST / SMALLEST) ** t
    alpha, beta, drift, diffusion = {
        "VE": (t**0, sigma, 0 * t, sigma * np.sqrt(2 * np.log(LARGEST / SMALLEST))),
        "VP": (np.sqrt(total), np.sqrt(1 - total), -rate / 2, np.sqrt(rate)),
        "sub-VP": (np.sqrt(total), 1 - total, -rate / 2, np.sqrt(rate * (1 - total**2))),
    }[sde]
    return {
        "alpha": [*alpha.tolist(), 1.0],
        "beta": [*beta.tolist(), 0.0],
        "drift": drift.tolist(),
        "diffusion": diffusion.tolist(),
    }


def score_sde(sde: str, predictor: str, corrector: str, conditioning: str) -> Transcribe:
    def run(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
        y, A, AH, _ = at.data(kind)
        module, of = at.load("score_sde"), process(sde)
        alpha, beta = of["alpha"], of["beta"]
        if predictor == "Euler-Maruyama":
            move = module.euler_maruyama(of["drift"], of["diffusion"])
        else:
            move = {"reverse diffusion": module.reverse_diffusion, "ancestral": module.ancestral}[predictor](
                sde, alpha, beta
            )
        size = module.langevin(0.16, alpha)
        if corrector == "annealed Langevin":
            size = module.annealed_langevin(0.3, alpha, beta)
        arguments = (y, A, AH, at.small.score, alpha, beta, move, size)
        constants |= {"prior_std": beta[0], "noise": noise}
        if conditioning == "likelihood":
            return module.score_sde(*arguments, **constants)
        return module.score_sde_replacement(*arguments, known_at_start=alpha[0], **constants)

    return run


def mc_ddpm(name: str, **own: Any) -> Transcribe:
    def run(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
        y, small = at.data(kind)[0], at.small

        def network(image: Array, zero_filled: Array, alpha: float, beta: float) -> Array:
            noisy = alpha * zero_filled + small.FH((1 - small.mask) * small.F(image))
            return -beta * small.score(noisy, alpha, beta)

        chain, T = at.levels.cosine(1000), 1000
        used = [T - 1 - i for i in reversed(range(0, T, T // N)[:N])]
        alpha, beta = ([whole[place] for place in used] + [whole[T]] for whole in chain)
        operators = (small.mask, small.F, small.FH)
        transcription = getattr(at.load("mc_ddpm"), name)
        return transcription(y, *operators, network, alpha, beta, prior_std=beta[0], **own, **constants, noise=noise)

    return run


def dds(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
    y, A, AH, _ = at.data(kind)
    alpha, beta = at.levels.strided(N)
    transcription = at.load("dds").dds
    return transcription(y, A, AH, at.small.score, alpha, beta, prior_std=beta[0], **constants, noise=noise)


def of_noise(name: str, levels: str = "geometric", *, of_prior: bool = False) -> Transcribe:
    """A method that is told the noise level, and draws noise of the data; where it asks, of the prior too."""

    def run(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
        y, A, AH, _ = at.data(kind)
        own = {"prior_std": math.sqrt(np.diag(at.small.covariance).mean())} if of_prior else {}
        sigma = getattr(at.levels, levels)(N, LARGEST, SMALLEST)
        transcription = getattr(at.load(name), name)
        return transcription(y, A, AH, at.small.score, sigma, noise_std=NOISE_STD, **own, **constants, noise=noise)

    return run


def strided(name: str, *told: str, start: bool = False) -> Transcribe:
    """A method of DDPM's chain; ``told`` the noise level, where that is named, and the data's pseudo-inverse to
    start."""

    def run(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
        y, A, AH, _ = at.data(kind)
        alpha, beta = at.levels.strided(N)
        own: dict[str, Any] = {"noise_std": NOISE_STD} if "noise_std" in told else {}
        own |= {"start": at.pseudo_inverse(kind)(y)} if start else {"prior_std": beta[0]}
        transcription = getattr(at.load(name), name)
        return transcription(y, A, AH, at.small.score, alpha, beta, **own, **constants, noise=noise)

    return run


def mmps(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
    y, A, AH, _ = at.data(kind)
    beta = at.levels.karras(N, LARGEST, SMALLEST)
    own = {"noise_std": NOISE_STD, "prior_std": beta[0]}
    return at.load("mmps").mmps(y, A, AH, at.small.score, [1.0] * (N + 1), beta, **own, **constants, noise=noise)


def ddrm(at: Setting, kind: str, noise: Noise, **constants: Any) -> list[Array]:
    y, small = at.data(kind)[0], at.small
    alpha, beta = at.levels.strided(N)
    own = {"noise_std": NOISE_STD, "prior_std": beta[0]}
    operators = (small.mask, small.F, small.FH)
    return at.load("ddrm").ddrm(y, *operators, small.score, alpha, beta, **own, **constants, noise=noise)


# Both sides


@dataclass(frozen=True)
class Case:
    """A method set up on both sides.

    Attributes:
        kind: of image and measurement: a "real" or "complex" image seen by one coil, "sense" or "inpainting".
        transcribe: the papers' side.
        constants: what both sides call by the same name.
        settings: what the library alone is told.
    """

    kind: str
    transcribe: Transcribe
    constants: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


RANGE = {"sigma_max": LARGEST, "sigma_min": SMALLEST}
SIGNALS = {"real": RealImage(), "complex": SplitComplex(), "sense": SplitComplex()}
CHUNG = {"lam": 0.9, "snr": 0.16}
SONG = {"lam": 0.9, "snr": 0.517}
LANGEVIN = {"snr": 0.3, "inner_steps": 3}
DDS = {"cg_steps": 5, "eta": 0.85}
JALAL = {"epsilon": 2e-5, "inner_steps": 3}
PREDICTORS = {
    "reverse diffusion": lambda sde: ReverseDiffusion(),
    "ancestral": lambda sde: Ancestral("posterior" if sde == "VE" else "forward"),
    "Euler-Maruyama": lambda sde: EulerMaruyama(),
}
CORRECTORS = {"Langevin": Langevin(0.16), "annealed Langevin": AnnealedLangevin(0.3)}


def song2021_cases() -> dict[str, Case]:
    """The method and its three variants, on every kind of image."""
    cases = {}
    for kind, signal in SIGNALS.items():
        common = {**RANGE, "signal": signal}
        for merge in ("gradient", "projection"):
            transcribe = geometric("song2021", inverse=merge == "projection")
            cases[f"song2021, {merge}, {kind}"] = Case(kind, transcribe, SONG, {**common, "merge": merge})
        for name, constants in {
            "song2021_langevin_projection": {"lam": 0.9, **LANGEVIN},
            "song2021_langevin": {"rho": 0.713, **LANGEVIN},
            "song2021_baseline": {"rho": 1.231, "snr": 0.608},
        }.items():
            cases[f"{name}, {kind}"] = Case(kind, geometric(name), constants, common)
    return cases


def score_sde_cases() -> dict[str, Case]:
    """SDE by predictor by corrector by conditioning on complex images; then the other kinds."""
    cases = {}

    def add(kind: str, sde: str, predictor: str, corrector: str, conditioning: str, **settings: Any) -> None:
        transcribe = score_sde(sde, predictor, corrector, conditioning)
        constants = {"rho": 1.231} if conditioning == "likelihood" else {}
        settings |= {"sde": SDES[sde], "predictor": PREDICTORS[predictor](sde), "corrector": CORRECTORS[corrector]}
        cases[f"score_sde, {sde}, {predictor}, {corrector}, {conditioning}, {kind}"] = Case(
            kind, transcribe, constants, {**settings, "conditioning": conditioning}
        )

    for sde, predictor, corrector, conditioning in itertools.product(
        SDES, PREDICTORS, CORRECTORS, ("likelihood", "replacement")
    ):
        if (sde, predictor) != ("sub-VP", "ancestral"):  # which no paper defines
            add("complex", sde, predictor, corrector, conditioning)
    for sde in SDES:
        add("sense", sde, "reverse diffusion", "Langevin", "likelihood")
        add("inpainting", sde, "reverse diffusion", "Langevin", "replacement")
        for conditioning in ("likelihood", "replacement"):
            add("real", sde, "reverse diffusion", "Langevin", conditioning, signal=RealImage())
    return cases


EXACT = {**RANGE, "tolerance": 1e-12, "cg_steps": 500}
HELD = {"held_back": 0.02}
SPLIT, SOLVED = {"signal": SplitComplex()}, {"tolerance": 1e-13, "cg_steps": 2000}
PIGDM, MMPS, TMPD = {"data_std": 0.4, "eta": 0.7, **HELD}, {"cg_steps": 3, "eta": 0.7, **HELD}, {"eta": 0.7, **HELD}
PIR, RED, FLOW = {"prior_weight": 5.0, "zeta": 0.3}, {"rate": 0.05, "weight": 0.25}, {"flow_steps": 3, **HELD}
GIBBS, PNP, PULA = {"g": 0.7, **HELD}, {"draw_steps": 3, **HELD}, {"g": 0.5, "inner_steps": 2, **HELD}


CASES: dict[str, Case] = {
    **song2021_cases(),
    "chung2022_real": Case("real", geometric("chung2022_real"), CHUNG, RANGE),
    "chung2022_complex": Case("complex", geometric("chung2022_complex"), CHUNG, RANGE),
    "chung2022_complex, SENSE": Case("sense", geometric("chung2022_complex"), CHUNG, RANGE),
    "chung2022_magnitude_phase": Case("complex", magnitude_phase, CHUNG, RANGE),
    "chung2022_magnitude_phase, SENSE": Case("sense", magnitude_phase, CHUNG, RANGE),
    "chung2022_soss": Case("sense", soss, CHUNG, RANGE),
    "chung2022_hybrid": Case("sense", hybrid, {**CHUNG, "m": 2, "lam_first": 1.0, "lam_last": 0.2}, RANGE),
    "ccdf": Case("complex", ccdf(start_time=0.7), CHUNG, {**RANGE, "start_time": 0.7}),
    "ccdf, by sigma": Case("complex", ccdf(start_sigma=0.2), CHUNG, {**RANGE, "start_sigma": 0.2}),
    "ccdf, SENSE": Case("sense", ccdf(start_time=0.7), CHUNG, {**RANGE, "start_time": 0.7}),
    "jalal2021": Case("complex", geometric("jalal2021", noise_std=NOISE_STD), {"rho": 0.7, **JALAL}, RANGE),
    "jalal2021, SENSE": Case("sense", geometric("jalal2021", noise_std=NOISE_STD), {"rho": 0.7, **JALAL}, RANGE),
    "jalal2021, released": Case(
        "sense", geometric("jalal2021_released"), {"mse": 5.0, **JALAL}, {**RANGE, "weight": "released"}
    ),
    **score_sde_cases(),
    "mc_ddpm": Case("complex", mc_ddpm("mc_ddpm")),
    "mc_ddpm, DDIM": Case("complex", mc_ddpm("mc_ddpm_ddim", eta=0.5), {}, {"predictor": DDIM(0.5)}),
    "dds": Case("complex", dds, {"gamma": 1.0, **DDS}),
    "dds, SENSE": Case("sense", dds, {"gamma": 1.0, **DDS}),
    "dds, noiseless": Case("complex", dds, {"gamma": math.inf, **DDS}),
    "dds, noiseless, SENSE": Case("sense", dds, {"gamma": math.inf, **DDS}),
    "split_gibbs": Case("complex", of_noise("split_gibbs", "karras", of_prior=True), GIBBS, EXACT),
    "split_gibbs, SENSE": Case("sense", of_noise("split_gibbs", "karras", of_prior=True), GIBBS, EXACT),
    "pnp_dm": Case("complex", of_noise("pnp_dm"), PNP, EXACT),
    "pnp_dm, SENSE": Case("sense", of_noise("pnp_dm"), PNP, EXACT),
    "pula": Case("complex", of_noise("pula"), PULA, EXACT | {"signal": SplitComplex()}),
    "dps": Case("complex", strided("dps"), {"zeta": 0.7}, SPLIT),
    "dps, SENSE": Case("sense", strided("dps"), {"zeta": 0.7}, SPLIT),
    "dps, real": Case("real", strided("dps"), {"zeta": 0.7}, {"signal": RealImage()}),
    "pigdm": Case("complex", strided("pigdm", "noise_std"), PIGDM, SPLIT | SOLVED),
    "pigdm, SENSE": Case("sense", strided("pigdm", "noise_std"), PIGDM, SPLIT | SOLVED),
    "mmps": Case("complex", mmps, MMPS, RANGE | SPLIT),
    "mmps, SENSE": Case("sense", mmps, MMPS, RANGE | SPLIT),
    "tmpd": Case("complex", strided("tmpd", "noise_std"), TMPD, SPLIT | SOLVED),
    "tmpd, SENSE": Case("sense", strided("tmpd", "noise_std"), TMPD, SPLIT | SOLVED),
    "diffpir": Case("complex", strided("diffpir", "noise_std"), PIR, SPLIT | SOLVED),
    "diffpir, SENSE": Case("sense", strided("diffpir", "noise_std"), PIR, SPLIT | SOLVED),
    "red_diff": Case("complex", strided("red_diff", start=True), RED, SPLIT),
    "red_diff, SENSE": Case("sense", strided("red_diff", start=True), RED, SPLIT),
    "daps": Case("complex", of_noise("daps", "karras"), FLOW, EXACT | SPLIT),
    "daps, SENSE": Case("sense", of_noise("daps", "karras"), FLOW, EXACT | SPLIT),
    "ddrm": Case("sense", ddrm, {"eta": 0.8, "eta_b": 0.9}),
    "pula, SENSE": Case("sense", of_noise("pula"), PULA, EXACT),
}


@pytest.fixture(scope="module")
def setting(transcription, small, levels) -> Setting:
    return Setting(transcription, small, levels)


def method_of(name: str) -> str:
    return name.split(",")[0]


@cache
def library(at: Setting, name: str) -> list[Array]:
    """The library's iterates (samples, ...), and the image where a state is not one."""
    case = CASES[name]
    sampler = METHODS[method_of(name)].build(steps=N, **case.constants, **case.settings)
    prior: Prior = at.prior(sampler.signal.channels)
    if isinstance(sampler.view, UnsampledKspace):
        prior = ConditionalGaussian(at.prior(2))
    context = sampler.bind(at.problem(case.kind), prior).run(SAMPLES, seed=SEED, case=CASE)
    states = [state.x for state in context.states()]
    if not isinstance(sampler.view, Sense):
        states.append(sampler.view.image(states[-1], context.problem))
    return [x.numpy() for x in states]


def paper(at: Setting, name: str, error: str | None = None) -> list[Array]:
    """The transcription's iterates, one sample after the other, under the numbers that the library draws."""
    case = CASES[name]
    y, _, _, truth = at.data(case.kind)
    coils = method_of(name) in ("chung2022_soss", "chung2022_hybrid", "ddrm")
    blank = torch.from_numpy(np.zeros_like(y if coils else truth))

    def replayed(sample: int) -> Noise:
        def iteration(number: int) -> Callable[..., Array]:
            stream = NoiseStream(SEED, CASE, [sample], blank.device)
            stream.rewind(number)

            def draw(*, of_data: bool = False) -> Array:
                if not of_data:
                    return stream.like(blank[None])[0].numpy()
                whole = np.zeros_like(y)
                whole[..., at.small.mask > 0] = stream.like(at.problem(case.kind).y[None])[0].numpy()
                return whole

            return draw

        return iteration

    with np.errstate(over="ignore", invalid="ignore"):  # runs with an error planted may diverge
        runs = [case.transcribe(at, case.kind, replayed(sample), error=error, **case.constants) for sample in SAMPLES]
    return [np.stack(iterates) for iterates in zip(*runs, strict=True)]


def distance(ours: list[Array], theirs: list[Array]) -> float:
    """That of the two iterates that are furthest apart, relative; NaN where one is."""
    assert [x.shape for x in ours] == [x.shape for x in theirs]
    assert [x.dtype for x in ours] == [x.dtype for x in theirs]
    return float(np.max([np.linalg.norm(a - b) / np.linalg.norm(a) for a, b in zip(ours, theirs, strict=True)]))


injective = pytest.mark.filterwarnings("ignore:.*least squares whatever the prior says")  # SENSE, in a projection


@injective
@pytest.mark.parametrize("name", CASES)
def test_every_iterate_agrees(setting: Setting, name: str) -> None:
    assert distance(library(setting, name), paper(setting, name)) < AGREEMENT


@injective
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", CASES)
def test_a_planted_error_is_seen(setting: Setting, name: str, error: str) -> None:
    assert not distance(library(setting, name), paper(setting, name, error)) < DISAGREEMENT


def test_every_published_method_is_covered() -> None:
    assert {method_of(name) for name in CASES} == METHODS.keys() - {"estimate", "fast", "calibrated"}
