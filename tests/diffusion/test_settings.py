"""Numbers that methods and parts are given: what makes no sense is refused in a sentence, and all else runs."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from invdiff.diffusion import (
    DDIM,
    SDE,
    VE,
    VP,
    Ancestral,
    AnnealedLangevin,
    AnnealedLikelihood,
    Cosine,
    DiffPIRWeight,
    DiscreteCosine,
    DiscreteVP,
    DPMSolver2M,
    DPMSolver2MSDE,
    EulerMaruyama,
    Geometric,
    Grid,
    Guidance,
    Karras,
    Langevin,
    LateStart,
    NextLevel,
    Part,
    Predictor,
    ProbabilityFlow,
    Proximal,
    RealImage,
    Renoise,
    ReverseDiffusion,
    Sampler,
    State,
    Step,
    SubVP,
    TwoChannel,
    Uniform,
    bounds,
)
from invdiff.errors import InputError
from invdiff.methods import METHODS
from invdiff.methods.values import alternatives, kinds_of
from invdiff.within import Within

Make = Callable[[float], Sampler]
SENSELESS = (math.nan, math.inf, -math.inf, -1.0, 1e200, 1e-200, 0.0)
PREDICTORS = [
    DDIM(),
    DDIM(0.5),
    Renoise(0.5),
    Ancestral(),
    Ancestral("forward"),
    DPMSolver2M(),
    DPMSolver2MSDE(),
    EulerMaruyama(),
    NextLevel(),
    ProbabilityFlow(),
    ReverseDiffusion(),
]


def of_methods() -> dict[str, Make]:
    """A sampler of each method with a number in place of each of its parameters that are one."""
    made: dict[str, Make] = {}
    for name, method in METHODS.items():
        for parameter, kind in kinds_of(method.build).items():
            if float in alternatives(kind):
                others = {"steps": 3} | ({"weight": "released"} if parameter == "mse" else {})
                made[f"{name}.{parameter}"] = lambda value, build=method.build, parameter=parameter, others=others: (
                    build(**others, **{parameter: value})
                )
    return made


def with_sde(sde: SDE, grid: Grid, predictor: Predictor | None = None) -> Sampler:
    return Sampler(sde, grid, [predictor or EulerMaruyama()], RealImage())


def with_guidance(guidance: Guidance) -> Sampler:
    return Sampler(VE(), Karras(3), [DDIM()], TwoChannel(), guidance=guidance)


def with_step(step: Step) -> Sampler:
    return Sampler(VE(), Karras(3), [step, DDIM()], TwoChannel())


MAKE: dict[str, Make] = {
    **of_methods(),
    "VE.sigma_min": lambda value: with_sde(VE(value), Uniform(3)),
    "VE.sigma_max": lambda value: with_sde(VE(0.01, value), Uniform(3)),
    "VP.beta_min": lambda value: with_sde(VP(value), Geometric(3)),
    "VP.beta_max": lambda value: with_sde(VP(0.1, value), Karras(3)),
    "SubVP.beta_min": lambda value: with_sde(SubVP(value), Karras(3)),
    "SubVP.beta_max": lambda value: with_sde(SubVP(0.1, value), Uniform(3)),
    "Cosine.scale": lambda value: with_sde(Cosine(value), Karras(3)),
    "Cosine.offset": lambda value: with_sde(Cosine(0.5, value), Uniform(3)),
    "DiscreteCosine of scale": lambda value: with_sde(Cosine(value), DiscreteCosine(3, 10)),
    "DiscreteCosine of offset": lambda value: with_sde(Cosine(0.5, value), DiscreteCosine(3, 10)),
    "Geometric.sigma_max": lambda value: with_sde(SubVP(), Geometric(3, value)),
    "Geometric.sigma_min": lambda value: with_sde(Cosine(), Geometric(3, None, value)),
    "Karras.sigma_max": lambda value: with_sde(VP(), Karras(3, value)),
    "Karras.sigma_min": lambda value: with_sde(SubVP(), Karras(3, 80.0, value)),
    "Karras.rho": lambda value: with_sde(VE(), Karras(3, rho=value)),
    "DiscreteVP.first": lambda value: with_sde(VP(), DiscreteVP(3, 10, value)),
    "DiscreteVP.last": lambda value: with_sde(VP(), DiscreteVP(3, 10, 1e-4, value)),
    "Langevin.snr": lambda value: with_step(Langevin(value)),
    "AnnealedLangevin.snr": lambda value: with_step(AnnealedLangevin(value)),
    "DiffPIRWeight.lam": lambda value: with_guidance(Proximal(DiffPIRWeight(value))),
    "Proximal.gamma": lambda value: with_guidance(Proximal(value)),
    "AnnealedLikelihood.noise_std": lambda value: with_guidance(AnnealedLikelihood(1.0, value)),
    "LateStart.sigma": lambda value: replace(with_sde(VE(), Karras(3)), start=LateStart(value)),
    "LateStart.time": lambda value: replace(with_sde(VE(), Karras(3)), start=LateStart(time=value)),
}


def outcome(small, make: Make, value: float) -> str:
    """The sentence by which a number is refused, or nothing: then it has given an image."""
    try:
        run = make(value)
        prior = small.prior(run.signal.channels, run.view.domain)
        assert run(small.problem("sense"), prior).samples.isfinite().all()
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", MAKE)
def test_numbers_that_make_no_sense_are_refused_or_run(small, name: str) -> None:
    said = {value: outcome(small, MAKE[name], value) for value in SENSELESS}
    assert not any("\n" in sentence for sentence in said.values())
    assert said[math.nan], "NaN makes sense to no part"


@pytest.mark.parametrize("name", MAKE)
@settings(max_examples=8)
@given(value=st.floats() | st.floats(1e-3, 1e3))
def test_any_number_is_refused_or_runs(small, name: str, value: float) -> None:
    outcome(small, MAKE[name], value)


def test_the_numbers_of_every_method_are_tried() -> None:
    assert {"fast.rho", "fast.sigma_max", "jalal2021.epsilon", "ccdf.start_sigma", "dds.gamma"} <= MAKE.keys()
    assert not any(name.endswith((".steps", ".signal", ".m")) for name in MAKE)


@pytest.mark.parametrize("name", ["fast.sigma_max", "song2021_langevin.rho"])
def test_without_bounds_numbers_overflow_in_the_middle_of_a_run(small, name: str, monkeypatch) -> None:
    assert "1e-15 to 1e+15" in outcome(small, MAKE[name], 1e200)
    monkeypatch.setattr(bounds, "LARGEST", math.inf)
    monkeypatch.setattr(Within, "__contains__", lambda *_: True)
    with pytest.raises(OverflowError):
        outcome(small, MAKE[name], 1e200)


# Levels that are equal, or nearly so

SDES = [VE(0.01, 378.0), VP(), SubVP(), Cosine()]


@pytest.mark.parametrize("sde", SDES, ids=lambda sde: type(sde).__name__)
@pytest.mark.parametrize("grid", [Geometric, Karras])
@given(sigma=st.floats(1e-3, 1e2), more=st.sampled_from([0.0, 1e-16, 1e-15, 1e-12, 1e-3]), steps=st.integers(1, 12))
@example(sigma=0.3, more=0.0, steps=5)
def test_levels_never_rise(grid: type[Grid], sde: SDE, sigma: float, more: float, steps: int) -> None:
    levels = grid(steps, sigma * (1 + more), sigma).levels(sde)
    sigmas = [levels.sigma(k) for k in range(steps)]
    assert sigmas == sorted(sigmas, reverse=True)
    assert all(length >= 0 for length in levels.dt)


@pytest.mark.parametrize("predictor", PREDICTORS, ids=repr)
@pytest.mark.parametrize("sde", SDES, ids=lambda sde: type(sde).__name__)
@pytest.mark.parametrize("grid", [Geometric, Karras])
@pytest.mark.parametrize("more", [0.0, 1e-15, 1e-9])
def test_every_predictor_runs_on_equal_levels(small, predictor: Part, grid: type[Grid], sde: SDE, more: float) -> None:
    run = with_sde(sde, grid(4, 0.3 * (1 + more), 0.3), predictor)
    image = run(small.problem("inpainting", torch.float64), small.prior(1)).samples
    assert image.abs().max() < 10


@pytest.mark.parametrize("twice", range(4))
def test_a_level_that_comes_twice_changes_nothing_for_the_multistep_solver(small, twice: int) -> None:
    """Its move there has no length, and the next is as long as it is without: first order, as at a beginning."""

    once = Karras(4, 3.0, 0.1).levels(VE())
    beta = (*once.beta[: twice + 1], *once.beta[twice:])
    levels = replace(once, alpha=(1.0,) * 6, beta=beta, time=(0.5,) * 5, dt=(0.1,) * 5)
    sampler = with_sde(VE(), Karras(4, 3.0, 0.1), DPMSolver2M())
    context = sampler.bind(small.problem("inpainting", torch.float64), small.prior(1)).run()
    step, begun = DPMSolver2M(), State(small.normal((1, 4, 4), torch.float64), twice)
    moved = step(begun, small.rebound(context, levels=levels))
    torch.testing.assert_close(moved.x, begun.x, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(step(moved, small.rebound(context, levels=levels)).x, step(begun, context).x)
