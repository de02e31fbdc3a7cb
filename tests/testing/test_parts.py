"""Every part of the package keeps its contract, as a user's own part would have to."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from invdiff.diffusion import (
    DAPS,
    DDIM,
    DDRM,
    DPS,
    SDE,
    VP,
    Ancestral,
    AnnealedLangevin,
    AnnealedLikelihood,
    ByTurns,
    Converged,
    Cosine,
    DataCovariance,
    DiffPIRWeight,
    DiscreteCosine,
    DiscreteVP,
    DownToNoise,
    DPMSolver2M,
    DPMSolver2MSDE,
    EulerMaruyama,
    Every,
    ExchangedNoise,
    Geometric,
    GradientConsistency,
    Grid,
    Guidance,
    HalfQuadratic,
    Karras,
    Lagging,
    Langevin,
    MagnitudePhase,
    MomentMatching,
    NextLevel,
    NoisedLikelihood,
    NormMatchedLikelihood,
    PiGDM,
    PosteriorVariance,
    PreconditionedLangevin,
    Predictor,
    ProbabilityFlow,
    Problem,
    ProjectionConsistency,
    Proximal,
    RealImage,
    REDDiff,
    Renoise,
    ReverseDiffusion,
    ReverseDraw,
    SenseStep,
    Signal,
    Soss,
    SplitComplex,
    SplitGibbs,
    SplittingWeight,
    Step,
    SubVP,
    Truncated,
    Turned,
    Tweedie,
    TwoChannel,
    Uniform,
    View,
)
from invdiff.diffusion.turns import TURNED
from invdiff.methods.named_parts import named_parts
from invdiff.priors import EDM, GaussianMixturePrior, GaussianPrior, Prior, ScorePrior
from invdiff.testing import (
    GridContract,
    GuidanceContract,
    PredictorContract,
    PriorContract,
    SignalContract,
    StepContract,
    ViewContract,
)
from invdiff.testing.part import TwoValues, measured, sense_operator

EXACT = Converged(1e-12, 200)
COVARIANCE = DataCovariance(0.05, EXACT)


def checks_of(contract: type) -> list[str]:
    return [name for name in dir(contract) if name.startswith("test_")]


def each(contract: type, parts: Sequence[Any]) -> Any:
    """Every test of a contract, for every part."""
    pairs = [pytest.param(part, test, id=f"{part!r}-{test[5:]}") for part in parts for test in checks_of(contract)]
    return pytest.mark.parametrize(("part", "test"), pairs)


def all_kinds(parts: Sequence[Any], kind: type) -> None:
    """That the list has a part of every class of a kind that has a name."""
    assert {type(part) for part in parts} >= {made.func for made in named_parts(kind).values()}


# Steps and predictors


class OfStep(StepContract):
    def __init__(self, part: Step) -> None:
        self._part = part

    def step(self) -> Step:
        return self._part

    def problem(self) -> Problem:
        return measured(sense_operator()) if "coil images" in _needs(self._part) else super().problem()

    def view(self) -> View:
        return Soss() if "coil images" in _needs(self._part) else super().view()

    def signal(self) -> Signal:
        return SplitComplex() if "coil images" in _needs(self._part) else super().signal()


class OfPredictor(OfStep, PredictorContract):
    @property
    def samples_the_prior(self) -> bool:
        return not isinstance(self._part, NextLevel | HalfQuadratic) and "measurement" not in self._part.needs


def _needs(part: Any) -> set[str]:
    return {*part.needs, *(need for inner in part.inner for need in _needs(inner))}


STEPS: list[Step] = [
    Langevin(0.1),
    Langevin(0.1, over="part", last_noise=False),
    AnnealedLangevin(0.1, 2),
    PreconditionedLangevin(0.5, 2, COVARIANCE),
    GradientConsistency(0.9, noised=True),
    ProjectionConsistency(0.9),
    SenseStep(),
    Every(2, Langevin(0.1)),
    Lagging(GradientConsistency()),
    Tweedie(),
]

PREDICTORS: list[Predictor] = [
    ReverseDiffusion(),
    ReverseDiffusion(last_noise=True),
    EulerMaruyama(),
    Ancestral(),
    Ancestral("forward"),
    ProbabilityFlow(),
    DDIM(),
    DDIM(0.5),
    Renoise(0.5),
    DPMSolver2M(),
    DPMSolver2MSDE(),
    NextLevel(),
    HalfQuadratic(),
    SplitGibbs(covariance=COVARIANCE),
    SplitGibbs(covariance=ExchangedNoise(0.05, EXACT)),
    DAPS(ReverseDraw(2, eta=0.0), COVARIANCE),
    DDRM(),
    REDDiff(0.5),
]


@each(StepContract, STEPS)
def test_steps(part: Step, test: str) -> None:
    getattr(OfStep(part), test)()


@each(PredictorContract, PREDICTORS)
def test_predictors(part: Predictor, test: str) -> None:
    getattr(OfPredictor(part), test)()


# Guidance


class OfGuidance(GuidanceContract):
    def __init__(self, part: Guidance) -> None:
        self._part = part

    def guidance(self) -> Guidance:
        return self._part


GUIDANCE: list[Guidance] = [
    Proximal(2.0, EXACT),
    Proximal(DiffPIRWeight(), EXACT, "estimate"),
    Proximal(SplittingWeight(), EXACT, "estimate"),
    Proximal(PosteriorVariance(), Truncated(3)),
    AnnealedLikelihood(2.0),
    NoisedLikelihood(2.0),
    NormMatchedLikelihood(0.5),
    DPS(0.5),
    PiGDM(PosteriorVariance(0.5), EXACT),
    MomentMatching(Truncated(3), 0.1),
]


@each(GuidanceContract, GUIDANCE)
def test_guidance(part: Guidance, test: str) -> None:
    getattr(OfGuidance(part), test)()


# Signals and views


class OfSignal(SignalContract):
    def __init__(self, part: Signal) -> None:
        self._part = part

    def signal(self) -> Signal:
        return self._part


SIGNALS: list[Signal] = [
    RealImage(),
    SplitComplex(),
    TwoChannel(),
    MagnitudePhase(),
    Turned(SplitComplex()),
    ByTurns((TwoChannel(), SplitComplex())),
    TURNED,
]


@each(SignalContract, SIGNALS)
def test_signals(part: Signal, test: str) -> None:
    getattr(OfSignal(part), test)()


class OfView(ViewContract):
    def __init__(self, part: View) -> None:
        self._part = part

    def view(self) -> View:
        return self._part


@each(ViewContract, VIEWS := [named() for named in named_parts(View).values()])
def test_views(part: View, test: str) -> None:
    getattr(OfView(part), test)()


# Grids


class OfGrid(GridContract):
    def __init__(self, part: Grid, sde: SDE | None = None) -> None:
        self._part, self._sde = part, sde

    def grid(self) -> Grid:
        return self._part

    def sde(self) -> SDE:
        kinds: dict[type, SDE] = {DiscreteVP: VP(), DiscreteCosine: Cosine()}
        return self._sde or kinds.get(type(self._part)) or super().sde()


GRIDS: list[Grid] = [
    Uniform(5),
    Geometric(5),
    Geometric(1, 2.0, 0.5),
    Karras(5, 4.0, 0.05),
    DownToNoise(5, 4.0),
    DiscreteVP(5, 10),
    DiscreteCosine(5, 10),
]


@each(GridContract, GRIDS)
def test_grids(part: Grid, test: str) -> None:
    getattr(OfGrid(part), test)()


@pytest.mark.parametrize("test", sorted(vars(GridContract).keys() & {*checks_of(GridContract)}))
@pytest.mark.parametrize("part", GRIDS[:5], ids=repr)
@pytest.mark.parametrize("sde", [VP(), SubVP(), Cosine()], ids=lambda sde: type(sde).__name__)
def test_grids_under_other_sdes(part: Grid, test: str, sde: SDE) -> None:
    getattr(OfGrid(part, sde), test)()


def test_every_part_of_the_package_is_tried() -> None:
    for parts, kind in (
        (STEPS + PREDICTORS, Step),
        (GUIDANCE, Guidance),
        (SIGNALS, Signal),
        (VIEWS, View),
        (GRIDS, Grid),
    ):
        all_kinds(parts, kind)


# Priors


class Tiny(nn.Module):
    """A network without much in it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.mix = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.mix(x).tanh()


def gaussian() -> GaussianPrior:
    spread = torch.linspace(0.1, 0.4, 128, dtype=torch.float64).reshape(2, 8, 8)
    return GaussianPrior(torch.full((2, 8, 8), 0.2, dtype=torch.float64), spread)


PRIORS: dict[str, Callable[[], Prior]] = {
    "Gaussian": gaussian,
    "mixture": lambda: GaussianMixturePrior(
        torch.tensor([0.3, 0.7]),
        [gaussian().mean, -gaussian().mean],
        [gaussian().covariance.diagonal().reshape(2, 8, 8)] * 2,
    ),
    "network": lambda: ScorePrior(Tiny(), EDM(0.5), channels=(2,), sigma_range=(0.01, 10.0)),
    "of the contracts": TwoValues,
}


class OfPrior(PriorContract):
    def __init__(self, make: Callable[[], Prior]) -> None:
        self._make = make

    def prior(self) -> Prior:
        return self._make()


@pytest.mark.parametrize("test", checks_of(PriorContract))
@pytest.mark.parametrize("name", PRIORS)
def test_priors(name: str, test: str) -> None:
    getattr(OfPrior(PRIORS[name]), test)()
