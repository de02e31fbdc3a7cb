"""Samples of a prior alone: their law under exact priors, and what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    SDE,
    VE,
    VP,
    Ancestral,
    AnnealedLangevin,
    Context,
    Cosine,
    DPMSolver2M,
    Every,
    FromNoise,
    Geometric,
    GradientConsistency,
    Guidance,
    Karras,
    Lagging,
    Langevin,
    LateStart,
    Levels,
    Predictor,
    ProbabilityFlow,
    Problem,
    Proximal,
    RealImage,
    Renoise,
    ReverseDiffusion,
    Sampler,
    SplitComplex,
    Start,
    State,
    Step,
    SubVP,
    Tweedie,
    TwoChannel,
    Uniform,
    UnsampledKspace,
)
from invdiff.errors import InputError
from invdiff.methods import METHODS, UNCONDITIONAL, find_method, unconditional
from invdiff.operators import denoising
from invdiff.priors import GaussianMixturePrior, GaussianPrior

SHAPE, SIZE = (2, 3), 6
MEAN = torch.linspace(-1, 2, SIZE, dtype=torch.float64)
ROOT = torch.randn(SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / math.sqrt(SIZE)
COVARIANCE = ROOT @ ROOT.mT + 0.05 * torch.eye(SIZE, dtype=torch.float64)
PRIOR = GaussianPrior(MEAN.reshape(1, *SHAPE), COVARIANCE)
SDES: list[SDE] = [VE(), VP(), SubVP()]
FIRST_ORDER: list[Predictor] = [
    Ancestral(),
    Ancestral("forward"),
    ReverseDiffusion(),
    DDIM(),
    DDIM(0.7),
    Renoise(0.3),
]
SECOND_ORDER: list[Predictor] = [ProbabilityFlow(), DPMSolver2M()]
COARSE = Karras(6, 30.0, 0.05)
SURE = 1 - 1e-6


def check_law(samples: Tensor, mean: Tensor, covariance: Tensor) -> None:
    """Where the samples have that law, this fails once in half a million times."""
    flat = samples.reshape(len(samples), -1).double()
    count, size = flat.shape
    root = torch.linalg.cholesky(covariance)
    whitened = torch.linalg.solve_triangular(root, (flat - mean).mT, upper=False).mT
    first = float(count * whitened.mean(0).square().sum())
    assert first < chi2.ppf(SURE, size), f"the mean is off: {first:.0f}"
    moments = whitened.mT @ whitened / count - torch.eye(size, dtype=torch.float64)
    second = float(count * moments.square().sum() / 2)  # variances 2 / n on the diagonal; off it 1 / n, each twice
    assert second < chi2.ppf(SURE, size * (size + 1) // 2), f"the covariance is off: {second:.0f}"


def law(levels: Levels, predictor: Predictor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the last state by the papers' recursion, on each eigenvector of the prior's covariance.

    There, with variance l and mean m, E[x_0 | x] = m + g (x - a m) and the score is -(x - a m) / (a^2 l + b^2).
    """
    variances, basis = torch.linalg.eigh(COVARIANCE)
    m, l = (basis.mT @ MEAN).numpy(), variances.numpy()  # noqa: E741
    mean, variance = np.zeros(SIZE), np.full(SIZE, levels.beta[0] ** 2)
    for k in range(levels.steps):
        a, b, c, d = levels.alpha[k], levels.beta[k], levels.alpha[k + 1], levels.beta[k + 1]
        slope, r, v = -1 / (a**2 * l + b**2), a / c, b**2 - (a / c * d) ** 2
        g, last = -a * l * slope, d == 0
        match predictor:  # the next state is drift x + pull (x - a m) + target m, and noise
            case Ancestral(variance="posterior"):
                drift, pull, target, noise = 1 / r, v * slope / r, 0, v * d**2 / b**2
            case Ancestral():
                drift, pull, target, noise = 1 / r, v * slope / r, 0, 0 if last else v
            case ReverseDiffusion():
                drift, pull, target, noise = 2 - r, v * slope, 0, 0 if last else v
            case DDIM(eta=eta):
                noise = eta**2 * (d**2 if isinstance(predictor, Renoise) else d**2 / b**2 * v)
                drift, pull, target = 0, c * g + np.sqrt(d**2 - noise) * (1 - a * g) / b, c
        mean = drift * mean + pull * (mean - a * m) + target * m
        variance = (drift + pull) ** 2 * variance + noise
    return basis @ torch.from_numpy(mean), basis @ torch.diag(torch.from_numpy(variance)) @ basis.mT


def drawn(sde: SDE, predictor: Predictor, grid: Karras = COARSE, samples: int = 2000) -> Tensor:
    sampler = Sampler(sde, grid, [predictor], RealImage())
    return sampler.generate(PRIOR, SHAPE, samples=samples, together=samples).samples


@pytest.mark.parametrize("sde", SDES, ids=repr)
@pytest.mark.parametrize("predictor", FIRST_ORDER, ids=repr)
def test_samples_have_the_law_of_the_recursion(sde: SDE, predictor: Predictor) -> None:
    check_law(drawn(sde, predictor), *law(COARSE.levels(sde), predictor))


@pytest.mark.parametrize("sde", SDES, ids=repr)
@pytest.mark.parametrize("predictor", FIRST_ORDER[:-1], ids=repr)
def test_the_recursion_ends_in_the_prior(sde: SDE, predictor: Predictor) -> None:
    """With more levels it comes nearer; `Renoise` adds more noise than the process took away, so it does not."""
    errors = []
    for steps in (250, 2000):
        mean, covariance = law(Karras(steps, 1000.0, 0.002).levels(sde), predictor)
        errors.append(float((mean - MEAN).abs().max() + (covariance - COVARIANCE).abs().max()))
    assert errors[1] < min(0.02, 0.3 * errors[0])


@pytest.mark.parametrize("sde", SDES, ids=repr)
@pytest.mark.parametrize("predictor", SECOND_ORDER, ids=repr)
def test_samples_have_the_law_of_the_prior(sde: SDE, predictor: Predictor) -> None:
    check_law(drawn(sde, predictor, Karras(30, 80.0, 0.005), 1000), MEAN, COVARIANCE)


class TooLoud(Ancestral):
    """Some noise too much."""

    def __call__(self, state: State, context: Context) -> State:
        moved = super().__call__(state, context)
        return moved.at(moved.x + 0.3 * context.levels.beta[moved.k] * context.noise.like(moved.x))


class TooFar(DDIM):
    """A tenth too far towards the estimate."""

    def __call__(self, state: State, context: Context) -> State:
        moved = super().__call__(state, context)
        return moved.at(state.x + 1.1 * (moved.x - state.x))


@pytest.mark.parametrize("sde", SDES, ids=repr)
@pytest.mark.parametrize("broken", [TooLoud(), TooFar()], ids=lambda predictor: type(predictor).__name__)
def test_a_broken_predictor_is_noticed(sde: SDE, broken: Predictor) -> None:
    with pytest.raises(AssertionError, match="is off"):
        check_law(drawn(sde, broken), *law(COARSE.levels(sde), broken))


def test_predictors_are_told_apart() -> None:
    samples = drawn(VE(), Ancestral())
    for other in (Ancestral("forward"), DDIM()):
        with pytest.raises(AssertionError, match="covariance is off"):
            check_law(samples, *law(COARSE.levels(VE()), other))


def test_complex_samples_have_the_law_of_the_prior() -> None:
    """Real and imaginary part of one pixel, with their covariance."""
    covariance = torch.tensor([[1.0, 0.4], [0.4, 0.3]], dtype=torch.float64)
    prior = GaussianPrior(torch.tensor([1.0, -0.5]).reshape(2, 1, 1), covariance)
    sampler = Sampler(VE(), Karras(30, 80.0, 0.005), [DPMSolver2M()], TwoChannel())
    samples = sampler.generate(prior, (1, 1), samples=1000, together=1000).samples
    assert samples.dtype == torch.complex64
    check_law(torch.view_as_real(samples), prior.mean.flatten(), covariance)


def test_samples_of_a_mixture_find_both_modes() -> None:
    modes = torch.tensor([-3.0, 3.0], dtype=torch.float64)
    ones = torch.ones(1, *SHAPE, dtype=torch.float64)
    prior = GaussianMixturePrior(torch.tensor([0.3, 0.7]), [m * ones for m in modes], [0.01 * ones] * 2)
    sampler = unconditional(steps=30, signal=RealImage())
    samples = sampler.generate(prior, SHAPE, samples=400, together=400).samples.flatten(1)
    high = samples.mean(1) > 0
    assert 0.55 < high.double().mean() < 0.85
    assert float((samples - torch.where(high[:, None], 3.0, -3.0)).abs().max()) < 0.7


def test_a_sample_is_its_own() -> None:
    """It depends on the seed and its index, and not on how many there are or what runs beside it."""
    sampler = unconditional(steps=3, signal=RealImage())
    three = sampler.generate(PRIOR, SHAPE, samples=3, seed=1).samples
    assert three.shape == (3, *SHAPE)
    assert three.dtype == torch.float32
    assert torch.equal(sampler.generate(PRIOR, SHAPE, samples=1, seed=1).samples, three[:1])
    assert torch.equal(sampler.generate(PRIOR, SHAPE, samples=2, seed=1, first=1).samples, three[1:])
    together = sampler.generate(PRIOR, SHAPE, samples=3, seed=1, together=3).samples
    assert torch.allclose(together, three, atol=1e-5)
    assert not torch.isclose(sampler.generate(PRIOR, SHAPE, samples=3, seed=2).samples, three).any()


def test_calls_are_counted_and_progress_told() -> None:
    told: list[tuple[int, int]] = []
    sampler = unconditional(steps=3, corrector=Langevin(0.1), signal=RealImage())
    drawn = sampler.generate(PRIOR, SHAPE, samples=2, progress=lambda done, total: told.append((done, total)))
    assert drawn.nfe == sampler.nfe == 6
    assert told[-1] == (6, 6)


def test_it_is_the_posterior_of_data_that_say_nothing() -> None:
    """A faint pull towards ones: the same loop with guidance ends in nearly the same images."""
    sampler = unconditional(steps=5, signal=RealImage())
    problem = Problem(denoising(SHAPE), torch.ones(SHAPE), noise_std=1e4, scale=1.0)
    guided = replace(sampler, guidance=Proximal(1e-8))(problem, PRIOR).samples
    assert torch.allclose(guided, sampler.generate(PRIOR, SHAPE).samples, atol=1e-5)


# Refusals

DATA_STEP = GradientConsistency()
NEEDY: list[tuple[str, Guidance | None, list[Step], Start, list[Step]]] = [
    ("Proximal", Proximal(), [], FromNoise(), []),
    ("GradientConsistency", None, [DATA_STEP], FromNoise(), []),
    ("GradientConsistency", None, [Every(2, DATA_STEP)], FromNoise(), []),
    ("GradientConsistency", None, [Lagging(DATA_STEP)], FromNoise(), []),
    ("GradientConsistency", None, [], FromNoise(then=(DATA_STEP,)), []),
    ("GradientConsistency", None, [], FromNoise(), [Tweedie(), DATA_STEP]),
    ("LateStart", None, [], LateStart(0.5), []),
    ("LateStart", None, [], LateStart(0.5, image="least-squares"), []),
]


@pytest.mark.parametrize(("name", "guidance", "steps", "start", "finish"), NEEDY)
def test_what_needs_a_measurement_is_refused_and_left_out(
    name: str, guidance: Guidance | None, steps: list[Step], start: Start, finish: list[Step]
) -> None:
    plain = Sampler(
        VE(), Karras(5, 4.0, 0.05), [Ancestral()], RealImage(), finish=[f for f in finish if f != DATA_STEP]
    )
    needy = replace(plain, guidance=guidance, steps=[*plain.steps, *steps], start=start, finish=finish)
    with pytest.raises(InputError, match=f"^{name} needs a measurement, and there is none"):
        needy.generate(PRIOR, SHAPE)
    assert needy.without_data() == plain
    assert torch.equal(needy.without_data().generate(PRIOR, SHAPE).samples, plain.generate(PRIOR, SHAPE).samples)
    assert plain.without_data() == plain


def test_a_late_start_needs_its_image() -> None:
    sampler = replace(unconditional(steps=5, signal=RealImage()), start=LateStart(0.5, image="initial"))
    with pytest.raises(InputError, match="initial"):
        sampler.generate(PRIOR, SHAPE)
    problem = replace(Problem.unmeasured(SHAPE), initial=torch.ones(SHAPE))
    assert sampler(problem, PRIOR).samples.shape == (1, *SHAPE)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_needs_a_measurement(name: str) -> None:
    """And most have a share that does not: only views of something else than one image are left."""
    sampler = replace(METHODS[name].build(), grid=Karras(3))
    channels = sampler.signal.channels
    sampler = replace(
        sampler, signal=sampler.signal.suiting(is_complex=sampler.signal.is_complex, channels=(channels,))
    )
    prior = GaussianPrior(torch.zeros(channels, 8, 8), torch.ones(channels, 8, 8))
    with pytest.raises(InputError):
        sampler.generate(prior, (8, 8))
    alone = sampler.without_data()
    if type(alone.view).__name__ == "Sense":
        assert torch.isfinite(torch.view_as_real(alone.generate(prior, (8, 8)).samples.to(torch.complex64))).all()
    else:
        with pytest.raises(InputError, match=type(alone.view).__name__):
            alone.generate(prior, (8, 8))


def test_other_refusals() -> None:
    sampler = unconditional(steps=3, signal=RealImage())
    conditional = GaussianPrior(torch.zeros(2, *SHAPE), torch.ones(2, *SHAPE))
    conditional.domain = "unsampled k-space"
    with pytest.raises(InputError, match="this one knows the unsampled k-space"):
        replace(sampler, signal=TwoChannel()).generate(conditional, SHAPE)
    with pytest.raises(InputError, match="UnsampledKspace needs Cartesian k-space"):
        replace(sampler, signal=TwoChannel(), view=UnsampledKspace()).generate(conditional, SHAPE)
    with pytest.raises(InputError, match="network 2 channel"):
        replace(sampler, signal=TwoChannel()).generate(PRIOR, SHAPE)
    with pytest.raises(InputError, match="at least one pixel"):
        sampler.generate(PRIOR, (0, 3))
    with pytest.raises(InputError, match="samples=0"):
        sampler.generate(PRIOR, SHAPE, samples=0)


def test_a_diverged_run_is_refused() -> None:
    sampler = unconditional(steps=5, corrector=AnnealedLangevin(1e14), signal=RealImage())
    with pytest.raises(InputError, match="diverged"):
        sampler.generate(PRIOR, SHAPE)


# The recipe by text


def test_the_recipe_s_parameters_as_text() -> None:
    texts = {"steps": "7", "sde": "cosine", "grid": "uniform", "predictor": "ddim", "corrector": "langevin"}
    given = unconditional(7, Cosine(), Uniform(), DDIM(), Langevin(), SplitComplex())
    assert UNCONDITIONAL.with_settings({**texts, "signal": "split"}) == given
    assert UNCONDITIONAL.with_settings({"grid": "geometric", "steps": "9"}).grid == Geometric(9)
    assert UNCONDITIONAL.with_settings({"corrector": "None"}) == UNCONDITIONAL.with_settings({}) == unconditional()
    assert UNCONDITIONAL.with_settings({}, is_complex=False).signal == RealImage()
    with pytest.raises(InputError, match="corrector is one of langevin, annealed-langevin, None, not 'heun'"):
        UNCONDITIONAL.with_settings({"corrector": "heun"})


def test_the_recipe_is_no_way_to_reconstruct() -> None:
    assert "unconditional" not in METHODS
    with pytest.raises(InputError, match="no method 'unconditional'"):
        find_method("unconditional")
