"""Every part with every other: each combination runs and comes closer to the data, or is refused with a sentence."""

from itertools import product

import pytest
import torch

from invdiff.diffusion import (
    DDIM,
    SDE,
    VE,
    VP,
    Ancestral,
    DiscreteVP,
    DPMSolver2M,
    EulerMaruyama,
    Every,
    GradientConsistency,
    Grid,
    Guidance,
    Karras,
    Langevin,
    PosteriorVariance,
    Predictor,
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
    Step,
    SubVP,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.operators import fourier

SDES = [VE(0.05, 4.0), VP(0.1, 8.0), SubVP(0.1, 8.0)]
PREDICTORS: list[Predictor] = [
    ReverseDiffusion(),
    EulerMaruyama(),
    Ancestral(),
    ProbabilityFlow(),
    DDIM(0.5),
    Renoise(0.5),
    DPMSolver2M(),
]
SIGNALS: list[Signal] = [RealImage(), SplitComplex(), TwoChannel()]
GUIDANCE: list[Guidance | None] = [
    None,
    Proximal(2.0, 3),
    Proximal(PosteriorVariance(0.5), 3, "estimate"),
    Proximal(float("inf"), 3),
]
CONSISTENCY: list[Step | None] = [
    None,
    GradientConsistency(0.9),
    Every(2, ProjectionConsistency(0.9)),
]
OPERATORS = ["fourier", "sense", "inpainting", "denoising"]


def grid(predictor: Predictor) -> Grid:
    """Euler's method needs small steps to be stable."""
    return Karras(12 if isinstance(predictor, EulerMaruyama) else 4, 4.0, 0.05)


def residual(problem: Problem, x: torch.Tensor) -> float:
    kind = x.dtype if problem.operator.preserves_reals else torch.complex64
    return float(torch.linalg.vector_norm(problem.operator(x.to(kind)) - problem.y))


@pytest.fixture(scope="module")
def problems(larger) -> dict[tuple[str, bool], Problem]:
    """In single precision, as users have them; real images give real measurements where the operator does."""
    made = {}
    for name, is_complex in product(OPERATORS, [False, True]):
        problem = larger.problem(name, torch.complex128 if is_complex else torch.float64)
        y = problem.y.to(torch.complex64 if problem.y.is_complex() else torch.float32)
        made[name, is_complex] = Problem(problem.operator, y, problem.noise_std)
    return made


@pytest.mark.parametrize("predictor", PREDICTORS, ids=repr)
@pytest.mark.parametrize("sde", SDES, ids=lambda sde: type(sde).__name__)
def test_every_combination_runs_and_meets_the_data(larger, problems, sde: SDE, predictor: Predictor) -> None:
    priors = {channels: larger.prior(channels) for channels in (1, 2)}
    for guidance, consistency, signal, name in product(GUIDANCE, CONSISTENCY, SIGNALS, OPERATORS):
        problem = problems[name, signal.is_complex]
        steps = [predictor] if consistency is None else [predictor, consistency]
        sampler = Sampler(sde, grid(predictor), steps, signal, guidance=guidance)
        first, *_, last = sampler.states(sampler.bind(problem, priors[signal.channels]))
        words = f"{guidance}, {consistency}, {signal}, {name}"
        assert torch.isfinite(torch.view_as_real(last.x) if last.x.is_complex() else last.x).all(), words
        assert last.x.is_complex() == signal.is_complex, words
        if guidance is not None or consistency is not None:
            assert residual(problem, last.x) < residual(problem, first.x), words


@pytest.mark.parametrize("signal", SIGNALS, ids=repr)
@pytest.mark.parametrize("sde", SDES, ids=lambda sde: type(sde).__name__)
def test_correctors_run_before_and_after_every_predictor(larger, problems, sde: SDE, signal: Signal) -> None:
    problem, corrector = problems["fourier", signal.is_complex], Langevin(0.16)
    consistency = GradientConsistency(0.9)
    for predictor in PREDICTORS:
        for steps in ([corrector, consistency, predictor], [predictor, corrector, consistency]):
            sampler = Sampler(sde, grid(predictor), steps, signal)
            first, *_, last = sampler.states(sampler.bind(problem, larger.prior(signal.channels)))
            assert residual(problem, last.x) < residual(problem, first.x), steps


REFUSED: dict[str, tuple[Sampler, str]] = {
    "a VP chain under VE": (
        Sampler(VE(), DiscreteVP(4), [DDIM()], TwoChannel()),
        "DiscreteVP is a chain of VP levels, but the SDE is VE",
    ),
    "a VP chain under sub-VP": (
        Sampler(SubVP(), DiscreteVP(4), [DDIM()], TwoChannel()),
        "DiscreteVP is a chain of VP levels, but the SDE is SubVP",
    ),
    "a prior of complex images shown real ones": (
        Sampler(VE(), Karras(4), [DDIM()], RealImage()),
        "RealImage shows the network 1",
    ),
    "a prior of complex images shown their parts": (
        Sampler(VE(), Karras(4), [DDIM()], SplitComplex()),
        "SplitComplex shows the network 1",
    ),
    "a rule of the noise level without one": (
        Sampler(VE(), Karras(4), [DDIM()], TwoChannel(), guidance=Proximal(PosteriorVariance())),
        "Proximal needs the noise level",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_combinations_that_make_no_sense_are_refused(larger, name: str) -> None:
    sampler, words = REFUSED[name]
    problem = Problem(fourier(torch.ones(8, 8, dtype=torch.bool)), torch.ones(64, dtype=torch.complex64))
    with pytest.raises(InputError, match=words):
        sampler(problem, larger.prior(2))


def test_real_measurements_of_a_complex_operator_are_refused_for_real_images(larger) -> None:
    problem = Problem(fourier(torch.ones(8, 8, dtype=torch.bool)), torch.ones(64))
    with pytest.raises(InputError, match="makes complex measurements but y is real"):
        Sampler(VE(), Karras(4), [DDIM()], RealImage())(problem, larger.prior(1))
