"""Everything combines: each cell of the product of parts runs and comes closer to the data, or is in refusals.csv.

A cell that a row of the table meets must be refused in the row's words, and any other must run. The docs show the
table.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, product
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from invdiff import diffusion
from invdiff.diffusion import (
    DAPS,
    DDIM,
    DDRM,
    DPS,
    SDE,
    VE,
    VP,
    AlternatingPlanes,
    Ancestral,
    AnnealedLangevin,
    AnnealedLikelihood,
    Bound,
    ByTurns,
    Context,
    Converged,
    Cosine,
    DiffPIRWeight,
    DiscreteCosine,
    DiscreteVP,
    DownToNoise,
    DPMSolver2M,
    DPMSolver2MSDE,
    EulerMaruyama,
    Every,
    Geometric,
    GradientConsistency,
    Grid,
    Guidance,
    HalfQuadratic,
    ImageCovariance,
    Karras,
    Lagging,
    Langevin,
    LangevinStep,
    Likelihood,
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
    RowSumCovariance,
    Sampler,
    Sense,
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
    UnsampledKspace,
    View,
)
from invdiff.diffusion.views.base import without_maps
from invdiff.errors import InputError
from invdiff.operators import (
    LinearOperator,
    NonUniformFourier,
    denoising,
    fourier,
    inpainting,
    lift,
    non_cartesian_sense,
    sense,
)
from invdiff.priors import GaussianPrior, Prior

SIDE, COILS = 16, 3
HIGHEST, LOWEST = 4.0, 0.05

BOTH = Turned(ByTurns((SplitComplex(), MagnitudePhase())))
VIEWS: list[View] = [Sense(), Soss(), UnsampledKspace()]
SIGNALS: list[Signal] = [RealImage(), SplitComplex(), TwoChannel(), MagnitudePhase(), Turned(TwoChannel()), BOTH]
OPERATORS = [
    "fourier",
    "sense",
    "sense with two map sets",
    "coil by coil",
    "off the grid",
    "sense off the grid",
    "inpainting",
    "denoising",
]
ON_VOLUMES = AlternatingPlanes(TwoChannel())
GUIDANCE: list[Guidance | None] = [
    None,
    Proximal(2.0, Truncated(3)),
    Proximal(2.0, Truncated(3), "estimate"),
    Proximal(math.inf, Truncated(3)),
    Proximal(DiffPIRWeight(), Truncated(3), "estimate"),
    Proximal(PosteriorVariance(0.5), Truncated(3), "estimate"),
    Proximal(SplittingWeight(), Converged(0.1), "estimate"),
    AnnealedLikelihood(2.0),
    AnnealedLikelihood(2.0, noise_std=0.0),
    NoisedLikelihood(2.0),
    NormMatchedLikelihood(0.5),
    DPS(3.0),
    PiGDM(PosteriorVariance(2.0), Converged(0.1)),
    MomentMatching(Truncated(3), 0.1),
    MomentMatching(Converged(0.1), 0.1, RowSumCovariance()),
]
CONSISTENCY: list[Step | None] = [
    None,
    GradientConsistency(0.9),
    Every(2, ProjectionConsistency(0.9)),
    SenseStep(),
    Lagging(SenseStep()),
]
PREDICTORS: list[Predictor] = [
    ReverseDiffusion(),
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
    SplitGibbs(g=0.8),
    SplitGibbs(ReverseDraw(3)),
    DAPS(ReverseDraw(3, eta=0.0)),
    DDRM(),
    REDDiff(0.5),
]
CORRECTORS: list[Step | None] = [None, Langevin(0.3), AnnealedLangevin(0.3, 3), PreconditionedLangevin(0.5, 2)]
SDES: list[SDE] = [VE(LOWEST, HIGHEST), VP(0.1, 8.0), SubVP(0.1, 8.0), Cosine(0.5)]
GRIDS: list[Grid] = [
    Geometric(5, HIGHEST, LOWEST),
    Karras(5, HIGHEST, LOWEST),
    Uniform(5),
    DiscreteVP(5),
    DiscreteCosine(5),
    DownToNoise(5, HIGHEST, sigma_min=LOWEST),
]
FINISHES: list[Sequence[Step]] = [(), (Tweedie(),)]
PRIORS = ["prior of real images", "prior of complex images", "prior of unsampled k-space"]


@dataclass(frozen=True)
class Cell:
    """One choice for each part. Where a prior is not chosen, it is the one that the view and the signal ask for."""

    view: View = VIEWS[0]
    signal: Signal = SIGNALS[2]
    operator: str = "sense"
    guidance: Guidance | None = None
    consistency: Step | None = None
    predictor: Predictor = PREDICTORS[6]
    corrector: Step | None = None
    sde: SDE = SDES[0]
    grid: Grid = GRIDS[0]
    finish: Sequence[Step] = ()
    noise: str = "known noise level"
    prior: str = ""

    def sampler(self) -> Sampler:
        """Euler's method needs small steps to be stable."""
        steps = [step for step in (self.corrector, self.predictor, self.consistency) if step is not None]
        grid = replace(self.grid, steps=16) if isinstance(self.predictor, EulerMaruyama) else self.grid
        return Sampler(self.sde, grid, steps, self.signal, self.view, self.guidance, finish=self.finish)

    def problem(self) -> Problem:
        known = problem_of(self.operator, self.signal.is_complex)
        return known if self.noise == "known noise level" else replace(known, noise_std=None)

    def prior_name(self) -> str:
        if self.prior or isinstance(self.view, UnsampledKspace):
            return self.prior or "prior of unsampled k-space"
        return "prior of real images" if self.signal.channels == 1 else "prior of complex images"

    def names(self) -> frozenset[str]:
        """What rows of the table can call its parts: the names of their classes, or what they print."""
        parts = self.sampler().parts
        words = [str(name) for part in parts for name in (type(part).__name__, part)]
        words.append("no guidance" if self.guidance is None else "guidance")
        words.append(f"{type(self.view).__name__} of {self.operator}")
        return frozenset([*words, self.operator, self.noise, self.prior_name()])

    def bind(self) -> Bound:
        return self.sampler().bind(self.problem(), prior_of(self.prior_name()))


class Refusal(NamedTuple):
    """A row of the table."""

    part: str
    meets: str
    reason: str


def table() -> list[Refusal]:
    with (Path(__file__).parent / "refusals.csv").open(encoding="utf-8", newline="") as file:
        return [Refusal(**row) for row in csv.DictReader(file)]


REFUSALS = table()


def rows_for(cell: Cell) -> list[Refusal]:
    """The rows that say that a cell is refused."""
    names = cell.names()
    return [row for row in REFUSALS if row.part in names and row.meets in names]


# Problems and priors


def normal(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def off_the_grid() -> Tensor:
    """Points beside every other one of the grid and what mirrors them: so far apart that the transform has a
    pseudo-inverse to speak of, on real images as well."""
    across, along = torch.meshgrid(*[torch.arange(1 - SIDE // 2, SIDE // 2, dtype=torch.float64)] * 2, indexing="ij")
    half = ((across + along) % 2 == 0) & ((across > 0) | ((across == 0) & (along > 0)))
    points = torch.stack([across[half], along[half]], dim=-1)
    points += 0.4 * torch.rand(points.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4)) - 0.2
    return torch.cat([torch.zeros(1, 2), points / SIDE, -points / SIDE])


def one_at_most(operator: LinearOperator) -> LinearOperator:
    return (1 / operator.norm_bound()) * operator


@cache
def operator_of(name: str) -> LinearOperator:
    """None has a norm above one."""
    points = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(1)) < 0.5
    columns = torch.arange(SIDE).remainder(2).eq(0).expand(SIDE, SIDE).clone()
    maps = normal((2, COILS, SIDE, SIDE), torch.complex128, 2)
    match name:
        case "fourier":
            return fourier(points)
        case "sense":
            return sense(columns, maps[0] / torch.linalg.vector_norm(maps[0], dim=0))
        case "sense with two map sets":
            return sense(columns, maps / torch.linalg.vector_norm(maps, dim=(0, 1)))
        case "coil by coil":
            return lift((COILS,), fourier(points))
        case "off the grid":
            return one_at_most(NonUniformFourier(off_the_grid(), (SIDE, SIDE)))
        case "sense off the grid":
            return one_at_most(non_cartesian_sense(off_the_grid(), maps[0] / torch.linalg.vector_norm(maps[0], dim=0)))
        case "volume":
            return lift((SIDE,), fourier(points))
        case "inpainting":
            return inpainting(points)
        case _:
            return denoising((SIDE, SIDE))


@cache
def problem_of(name: str, is_complex: bool) -> Problem:
    """In single precision, as users have them; real images give real measurements where the operator does."""
    operator = operator_of(name)
    waves = torch.linspace(0, math.pi, SIDE, dtype=torch.float64).sin()
    truth = torch.outer(waves, waves).expand(operator.domain_shape)
    if is_complex or not operator.preserves_reals:
        truth = torch.complex(truth, 0.5 * truth.flip(-2) if is_complex else torch.zeros_like(truth))
    y = operator(truth.contiguous())
    y = y + 0.05 * normal(tuple(y.shape), y.dtype, 3)
    return Problem(operator, y.to(torch.complex64 if y.is_complex() else torch.float32), 0.05)


class KspacePrior(Prior):
    """Independent normal numbers where k-space was not sampled, zero where it was: exact, once the mask is known."""

    domain = "unsampled k-space"

    def __init__(self, unsampled: Tensor | None = None) -> None:
        self.unsampled = unsampled

    def given(self, problem: Problem) -> Prior:
        everywhere = torch.ones(problem.operator.domain_shape, dtype=torch.complex64)
        sampled = problem.operator.factors[0].gram(everywhere).real
        return KspacePrior(1 - sampled.reshape(-1, *sampled.shape[-2:])[0])

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        assert self.unsampled is not None, "asked before it was given a measurement"
        return x * self.unsampled / (1 + sigma**2)


@cache
def prior_of(name: str) -> Prior:
    """Smooth images about a flat one, or k-space."""
    if name == "prior of unsampled k-space":
        return KspacePrior()
    channels = 1 if name == "prior of real images" else 2
    place = torch.arange(SIDE, dtype=torch.float64)
    line = torch.exp(-((place[:, None] - place) ** 2) / 4)
    covariance = torch.kron(torch.eye(channels, dtype=torch.float64), 0.3 * torch.kron(line, line))
    return GaussianPrior(torch.full((channels, SIDE, SIDE), 0.3, dtype=torch.float64), covariance)


# What holds of a cell


def residual(cell: Cell, image: Tensor) -> float:
    """|A x - y|, the coil maps taken off A where the state is the coils' images."""
    problem = cell.problem()
    operator = problem.operator
    if isinstance(cell.view, Soss):
        operator, _ = without_maps(operator)
    kind = image.dtype if operator.preserves_reals else torch.complex64
    return float(torch.linalg.vector_norm(operator(image.to(kind)) - problem.y))


def check_runs(cell: Cell) -> float:
    """The cell runs, stays finite, and comes closer to the data than the noise it began as; how close is returned.

    The state of `UnsampledKspace` is what no data constrain: it is to stay zero where the data are, and to become
    smaller than the noise.
    """
    context = cell.bind().run()
    states = list(context.states())
    first, last = states[0].x / context.levels.alpha[0], states[-1].x
    assert torch.isfinite(torch.view_as_real(last) if last.is_complex() else last).all(), cell
    assert last.is_complex() == cell.signal.is_complex, cell
    if isinstance(cell.view, UnsampledKspace):
        assert all(not (state.x * ~cell.view.support(context.operator)).any() for state in states), cell
        if cell.operator == "fourier":
            assert residual(cell, cell.view.image(last, context.problem)) < 1e-4, cell
        before, after = float(torch.linalg.vector_norm(first)), float(torch.linalg.vector_norm(last))
    else:
        before, after = residual(cell, first), residual(cell, last)
    assert after < before, cell
    return after


def check_refused(cell: Cell, rows: list[Refusal]) -> None:
    """The cell is refused, in the words of a row."""
    with pytest.raises(InputError) as caught:
        cell.bind()
    assert any(row.reason in str(caught.value) for row in rows), f"{cell}: {caught.value}"


def check(cell: Cell) -> float | None:
    """Its residual, or ``None`` where the cell is refused."""
    rows = rows_for(cell)
    if not rows:
        return check_runs(cell)
    return check_refused(cell, rows)


# Where the walk goes

CONDITIONS = [
    Cell(Sense(), RealImage(), "fourier", None, GradientConsistency(0.9)),
    Cell(Sense(), TwoChannel(), "sense", Proximal(2.0, Truncated(3), "estimate")),
    Cell(Soss(), SplitComplex(), "sense with two map sets", None, SenseStep()),
    Cell(Sense(), MagnitudePhase(), "coil by coil", None, Every(2, ProjectionConsistency(0.9))),
    Cell(Sense(), SplitComplex(), "inpainting", NoisedLikelihood(2.0)),
    Cell(UnsampledKspace(), TwoChannel(), "coil by coil"),
]
"""One of each kind, for all predictors, correctors and SDEs."""


def makes_progress(predictor: Predictor, corrector: Step | None) -> bool:
    """`NextLevel` alone asks the prior for nothing."""
    return corrector is not None or not isinstance(predictor, NextLevel)


def problems_and_data_steps() -> Iterator[Cell]:
    return (Cell(*choice) for choice in product(VIEWS, SIGNALS, OPERATORS, GUIDANCE, CONSISTENCY))


def loops() -> Iterator[Cell]:
    for cell, predictor, corrector, sde in product(CONDITIONS, PREDICTORS, CORRECTORS, SDES):
        if makes_progress(predictor, corrector):
            yield replace(cell, predictor=predictor, corrector=corrector, sde=sde)


def surroundings() -> Iterator[Cell]:
    """What is no part of an iteration: grids, priors, and what is known of the noise."""
    moving = [predictor for predictor in PREDICTORS if makes_progress(predictor, None)]
    return chain(
        (Cell(sde=sde, grid=grid, guidance=Proximal()) for sde, grid in product(SDES, GRIDS)),
        (Cell(view, signal, prior=prior) for view, signal, prior in product(VIEWS, SIGNALS, PRIORS)),
        (Cell(guidance=guidance, noise="unknown noise level") for guidance in GUIDANCE),
        (Cell(operator="fourier", predictor=predictor, noise="unknown noise level") for predictor in moving),
        (Cell(view, operator=operator, predictor=predictor) for view, operator, predictor in taken_apart()),
        (Cell(operator="fourier", guidance=Proximal(), predictor=predictor) for predictor in moving),
        (Cell(corrector=corrector, noise="unknown noise level") for corrector in CORRECTORS),
        (Cell(view, signal, corrector=corrector) for view, signal, corrector in product(VIEWS, SIGNALS, CORRECTORS)),
        (Cell(guidance=Proximal(), corrector=corrector) for corrector in CORRECTORS),
        (Cell(view, ON_VOLUMES, operator) for view in VIEWS for operator in OPERATORS if operator != "coil by coil"),
        (Cell(view, ON_VOLUMES, "volume", guidance) for view in VIEWS for guidance in GUIDANCE),
        (Cell(grid=grid, noise="unknown noise level") for grid in GRIDS if isinstance(grid, DownToNoise)),
    )


def taken_apart() -> Iterator[tuple[View, str, Predictor]]:
    """Views and operators, for predictors that move."""
    moving = [predictor for predictor in PREDICTORS if makes_progress(predictor, None)]
    return product(VIEWS, OPERATORS, moving)


def anywhere(count: int) -> Iterator[Cell]:
    """Cells of the whole product, drawn evenly."""
    draw = Random(0).choice
    while count:
        cell = Cell(
            draw(VIEWS),
            draw(SIGNALS),
            draw(OPERATORS),
            draw(GUIDANCE),
            draw(CONSISTENCY),
            draw(PREDICTORS),
            draw(CORRECTORS),
            draw(SDES),
            finish=draw(FINISHES),
        )
        if makes_progress(cell.predictor, cell.corrector):
            count -= 1
            yield cell


# The walk


@pytest.mark.parametrize("signal", SIGNALS, ids=repr)
@pytest.mark.parametrize("view", VIEWS, ids=repr)
def test_every_problem_with_every_data_step(view: View, signal: Signal) -> None:
    """And whatever has seen the data ends closer to them than the prior alone."""
    for name in OPERATORS:
        alone = check(Cell(view, signal, name))
        for guidance, consistency in product(GUIDANCE, CONSISTENCY):
            reached = check(Cell(view, signal, name, guidance, consistency))
            if reached is not None and (guidance or consistency):
                assert alone is not None
                assert reached < alone, f"{view}, {signal}, {name}, {guidance}, {consistency}"


@pytest.mark.parametrize("predictor", PREDICTORS, ids=repr)
def test_every_predictor_with_every_corrector_and_sde(predictor: Predictor) -> None:
    for cell in loops():
        if cell.predictor == predictor:
            check(cell)


def test_every_grid_prior_and_noise_level() -> None:
    for cell in surroundings():
        check(cell)


def test_cells_from_anywhere() -> None:
    for cell in anywhere(300):
        check(cell)


# The walk and the table are whole


@cache
def refused_once() -> dict[Refusal, Cell]:
    """For each row a cell that it alone refuses."""
    found: dict[Refusal, Cell] = {}
    for cell in chain(problems_and_data_steps(), surroundings()):
        rows = rows_for(cell)
        if len(rows) == 1:
            found.setdefault(rows[0], cell)
    return found


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: f"{row.part} x {row.meets}")
def test_every_row_is_reached(row: Refusal) -> None:
    """None repeats another, and none is left from long ago."""
    check_refused(refused_once()[row], [row])


def test_every_part_is_met() -> None:
    cells = chain(problems_and_data_steps(), loops(), surroundings(), anywhere(300))
    names = {name for cell in cells for name in cell.names()}
    abstract = {Guidance, ImageCovariance, Likelihood, LangevinStep, Predictor, SDE, Grid, Signal, Step, View}
    kinds: tuple[Any, ...] = (Guidance, ImageCovariance, Step, SDE, Grid, Signal, View)
    kinds += (DiffPIRWeight, PosteriorVariance)
    exported = [getattr(diffusion, name) for name in diffusion.__all__]
    parts = {part for part in exported if isinstance(part, type) and issubclass(part, kinds)} - abstract
    assert {part.__name__ for part in parts} - names == set()


@pytest.mark.parametrize("name", ["fourier", "sense"])
def test_a_walk_notices_a_part_that_leads_away_from_the_data(name: str) -> None:
    class Away(GradientConsistency):
        def towards(self, context: Context, alpha: float, w: Tensor) -> Tensor:
            return -2 * super().towards(context, alpha, w)

    with pytest.raises(AssertionError, match=r"assert \d+\.\d+ < "):
        check(Cell(operator=name, consistency=Away(1.0)))


def test_a_walk_notices_a_refusal_that_is_not_in_the_table() -> None:
    cell = Cell(Soss(), TwoChannel(), "fourier")
    with pytest.raises(InputError, match="Soss reconstructs"):
        check_runs(cell)
    with pytest.raises(AssertionError, match="Soss reconstructs"):
        check_refused(cell, [Refusal("Soss", "fourier", "Soss needs coil maps")])


@pytest.mark.parametrize("predictor", PREDICTORS, ids=repr)
def test_every_predictor_listens_to_every_guidance(predictor: Predictor) -> None:
    """It ends closer to the data than the prior alone does with the same noise; or has its own ways, and takes none."""
    if "no guidance" in predictor.needs:
        return
    corrector = AnnealedLangevin(0.3, 3) if isinstance(predictor, NextLevel) else None
    alone = Cell(operator="fourier", predictor=predictor, corrector=corrector)
    for guidance in GUIDANCE[1:]:
        assert check_runs(replace(alone, guidance=guidance)) < check_runs(alone), guidance
