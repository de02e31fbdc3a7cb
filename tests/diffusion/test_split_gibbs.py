"""Split Gibbs and preconditioned Langevin on Gaussian priors, against posteriors by dense matrices: a chain that begins
with the posterior's law keeps it exactly."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from invdiff.diffusion import (
    VE,
    VP,
    CleanDraw,
    Context,
    Converged,
    DataCovariance,
    ExchangedNoise,
    FromLikelihood,
    Geometric,
    NextLevel,
    PreconditionedLangevin,
    Proximal,
    RealImage,
    ReverseDraw,
    Sampler,
    Signal,
    SpectralDraw,
    SplitGibbs,
    Start,
    State,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.priors import GaussianPrior
from invdiff.testing import dense

Array = NDArray[np.float64]
NOISE_STD, SIGMA, VARIANCE = 0.3, 0.4, 0.5
SETTINGS = [("fourier", TwoChannel()), ("sense", TwoChannel()), ("inpainting", TwoChannel()), ("fourier", RealImage())]
every_setting = pytest.mark.parametrize(("name", "signal"), SETTINGS, ids=str)
EXACTLY = DataCovariance(solve=Converged(1e-13, 500))


@dataclass(frozen=True)
class Normal:
    """N(mean, covariance), on real coordinates."""

    mean: Array
    covariance: Array

    def distance(self, mean: Array, root: Array) -> float:
        """To the law of mean + root z: of mean and covariance, relative to their largest numbers."""
        of_mean = np.abs(mean - self.mean).max() / np.abs(self.mean).max()
        of_covariance = np.abs(root @ root.T - self.covariance).max() / np.abs(self.covariance).max()
        return float(max(of_mean, of_covariance))


@dataclass(frozen=True)
class Given(Start):
    """A draw of a law."""

    law: Normal

    def __call__(self, blank: Tensor, context: Context) -> State:
        z = context.noise.like(blank)
        numbers = (torch.view_as_real(z) if z.is_complex() else z).reshape(len(z), -1)
        mean, root = (torch.from_numpy(each) for each in (self.law.mean, np.linalg.cholesky(self.law.covariance)))
        drawn = (mean + numbers @ root.T).reshape(*blank.shape, -1)
        return State(torch.view_as_complex(drawn) if z.is_complex() else drawn[..., 0], 0)


@dataclass(frozen=True)
class Setting:
    """A white prior with a mean, what was measured, and the laws that follow, at a level sigma."""

    problem: object
    prior: GaussianPrior
    signal: Signal
    A: Array
    y: Array
    mean: Array
    noise_std: float

    @classmethod
    def of(cls, small, name: str, signal: Signal) -> "Setting":
        problem = replace(small.problem(name), noise_std=NOISE_STD)
        shape = (signal.channels, small.side, small.side)
        prior = GaussianPrior(small.normal(shape, torch.float64, 8), torch.full(shape, VARIANCE, dtype=torch.float64))
        context = Sampler(VE(0.1, 4), Geometric(2), [NextLevel()], signal).bind(problem, prior).run()
        y = torch.view_as_real(context.y).flatten().numpy()
        mean = prior.mean.movedim(0, -1).flatten().numpy()
        kind = torch.complex128 if signal.is_complex else torch.float64
        assert context.noise_std is not None
        return cls(problem, prior, signal, dense(context.operator, kind).numpy(), y, mean, context.noise_std)

    def given_noisy(self, sigma: float, variance: float = VARIANCE) -> Normal:
        """x_0 + sigma z given y = A (x_0 + sigma z) + s n: the split posterior's noisy image."""
        whole = variance + sigma**2
        covariance = np.linalg.inv(np.eye(len(self.mean)) / whole + self.A.T @ self.A / self.noise_std**2)
        return Normal(covariance @ (self.mean / whole + self.A.T @ self.y / self.noise_std**2), covariance)

    def clean(self, noisy: Normal, sigma: float) -> Normal:
        """x_0 given its noisy image, of a law."""
        gain = VARIANCE / (VARIANCE + sigma**2)
        return Normal(
            self.mean + gain * (noisy.mean - self.mean),
            gain**2 * noisy.covariance + gain * sigma**2 * np.eye(len(self.mean)),
        )

    def sampler(self, *steps, start: Start, levels: int = 3) -> Sampler:
        return Sampler(VE(0.1, 4), Geometric(levels, SIGMA, SIGMA), steps, self.signal, start=start)


@pytest.mark.parametrize("g", [0.3, 1.0, 1.7])
@every_setting
def test_the_split_posterior_is_kept_at_every_g(small, affine_map, name: str, signal: Signal, g: float) -> None:
    at = Setting.of(small, name, signal)
    law = at.given_noisy(SIGMA)
    expected = at.clean(law, SIGMA)

    def distance(draw: CleanDraw = SpectralDraw(), covariance: DataCovariance = EXACTLY, law: Normal = law) -> float:  # noqa: B008
        sampler = at.sampler(SplitGibbs(draw, g, covariance), start=Given(law))
        return expected.distance(*affine_map(sampler, at.problem, at.prior))

    assert distance() < 1e-9
    assert distance(draw=ReverseDraw(1)) > 0.05, "a mean goes for a draw"
    assert distance(covariance=replace(EXACTLY, held_back=1.5)) > 0.05, "another noise level goes unnoticed"
    if g < 1:
        assert distance(law=Normal(law.mean, 4 * law.covariance)) > 1e-3, "another law goes for the posterior's"


@pytest.mark.parametrize("g", [0.3, 1.0, 1.7])
@every_setting
def test_the_posterior_itself_is_kept_where_noise_is_exchanged(
    small, affine_map, name: str, signal: Signal, g: float
) -> None:
    at = Setting.of(small, name, signal)
    t = 0.4 * at.noise_std
    exact, shrinks = at.given_noisy(0.0), np.eye(len(at.mean)) - 0.16 * at.A.T @ at.A
    drift = 0.16 * at.A.T @ (at.y - at.A @ exact.mean)
    law = Normal(exact.mean + drift, shrinks @ exact.covariance @ shrinks + t**2 * shrinks)

    def distance(covariance: DataCovariance) -> float:
        gibbs = SplitGibbs(SpectralDraw(), g, covariance)
        sampler = Sampler(VE(0.1, 4), Geometric(3, t, t), [gibbs], signal, start=Given(law))
        return exact.distance(*affine_map(sampler, at.problem, at.prior))

    assert distance(ExchangedNoise(solve=Converged(1e-13, 500))) < 1e-5
    assert distance(EXACTLY) > 1e-3, "the split's own noise goes unnoticed"


@pytest.mark.parametrize("g", [0.5, 1.0, 1.5])
def test_it_is_reached_from_anywhere(small, affine_map, g: float) -> None:
    at = Setting.of(small, "fourier", RealImage())
    expected = at.clean(at.given_noisy(SIGMA), SIGMA)

    def distance(levels: int) -> float:
        sampler = at.sampler(SplitGibbs(SpectralDraw(), g, EXACTLY), start=FromLikelihood(EXACTLY), levels=levels)
        return expected.distance(*affine_map(sampler, at.problem, at.prior))

    far, near = distance(4), distance(40)
    assert near < 1e-2 * far


def test_the_draw_s_covariance_is_the_posterior_s_where_the_level_is_low(small) -> None:
    """The split posterior tends to that of the image itself, whose noisy twin has its law."""
    at = Setting.of(small, "sense", TwoChannel())
    exact = at.given_noisy(0.0)
    root = np.linalg.cholesky(exact.covariance)
    errors = [at.clean(at.given_noisy(s), s).distance(exact.mean, root) for s in (0.4, 0.04)]
    assert errors[1] < 0.05 * errors[0]


@pytest.mark.parametrize("eta", [1.0, 0.0])
def test_the_reverse_sde_draws_in_many_steps(small, affine_map, eta: float) -> None:
    """And the probability flow moves each point to one."""
    at = Setting.of(small, "fourier", RealImage())
    law = at.given_noisy(SIGMA)
    expected = at.clean(law, SIGMA)

    def distance(steps: int) -> float:
        gibbs = SplitGibbs(ReverseDraw(steps, 0.001, eta), 1.0, EXACTLY)
        sampler = at.sampler(gibbs, start=Given(law), levels=1)
        return expected.distance(*affine_map(sampler, at.problem, at.prior))

    assert distance(1) > 0.05
    assert (distance(80) < 0.3 * distance(20)) == (eta == 1)


@every_setting
def test_the_likelihood_is_drawn_exactly(small, affine_map, name: str, signal: Signal) -> None:
    at = Setting.of(small, name, signal)
    covariance = np.linalg.inv(np.eye(len(at.mean)) / SIGMA**2 + at.A.T @ at.A / at.noise_std**2)
    law = Normal(covariance @ at.A.T @ at.y / at.noise_std**2, covariance)
    start = FromLikelihood(EXACTLY)
    for sde in (VE(0.1, 4), VP()):
        sampler = replace(at.sampler(NextLevel(), start=start, levels=1), sde=sde)
        assert law.distance(*affine_map(sampler, at.problem, at.prior)) < 1e-9
    wrong = at.sampler(NextLevel(), start=FromLikelihood(replace(EXACTLY, held_back=1.5)), levels=1)
    assert law.distance(*affine_map(wrong, at.problem, at.prior)) > 0.05


@every_setting
def test_preconditioned_langevin_leans_by_its_step_and_no_more(small, affine_map, name: str, signal: Signal) -> None:
    """The unadjusted chain's error is of the order of its step: the split posterior's law, but for that."""
    at = Setting.of(small, name, signal)
    law = at.given_noisy(SIGMA)

    def distance(g: float, covariance: DataCovariance = EXACTLY) -> float:
        sampler = at.sampler(PreconditionedLangevin(g, 2, covariance), NextLevel(), start=Given(law), levels=1)
        return law.distance(*affine_map(sampler, at.problem, at.prior))

    assert distance(0.02) < 0.02
    assert distance(0.002) < 0.015 * distance(0.2)
    assert distance(0.02, replace(EXACTLY, held_back=1.5)) > distance(0.02)


@pytest.mark.parametrize("step", [SplitGibbs(g=0.7, covariance=EXACTLY), PreconditionedLangevin(covariance=EXACTLY)])
def test_units_of_the_state_do_not_matter(small, step) -> None:
    """alpha x moves as x does."""
    at = Setting.of(small, "sense", TwoChannel())
    sampler = at.sampler(
        *([step] if isinstance(step, SplitGibbs) else [step, NextLevel()]), start=FromLikelihood(EXACTLY)
    )
    made = [
        list(replace(sampler, sde=sde, grid=Geometric(4, 2.0, 0.1)).bind(at.problem, at.prior).run(range(2)).states())
        for sde in (VE(0.1, 4), VP())
    ]
    levels = Geometric(4, 2.0, 0.1).levels(VP())
    for ve, vp, alpha in zip(*made, levels.alpha, strict=True):
        torch.testing.assert_close(alpha * ve.x, vp.x, rtol=1e-6, atol=1e-6)
    assert not torch.allclose(made[0][0].x, made[1][0].x, rtol=1e-3)


# Refusals


@given(g=st.floats())
@settings(max_examples=50)
def test_moves_that_go_nowhere_or_away_are_refused(g: float) -> None:
    for step in (SplitGibbs, PreconditionedLangevin):
        if 1e-6 <= g <= 2 - 1e-6:
            assert step(g=g).g == g
        else:
            with pytest.raises(InputError, match="g is the length of a move"):
                step(g=g)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PreconditionedLangevin(steps=0), "number of steps at each level, at least 1"),
        (lambda: ReverseDraw(0), "number of steps in which a clean image is drawn"),
        (lambda: ReverseDraw(3, math.nan), "last is the lowest level"),
        (lambda: ReverseDraw(3, 1.0), "last is the lowest level"),
        (lambda: ReverseDraw(3, eta=1.5), "eta is the share"),
        (lambda: DataCovariance(-0.1), "held_back is the least noise"),
        (lambda: DataCovariance(math.nan), "held_back is the least noise"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize("noise_std", [0.0, 1e-300, 1e-9])
def test_noise_that_is_next_to_none_is_held_back_or_refused(small, noise_std: float) -> None:
    at = Setting.of(small, "sense", TwoChannel())
    problem = replace(at.problem, noise_std=noise_std)
    sampler = at.sampler(SplitGibbs(), start=FromLikelihood())
    with pytest.raises(InputError, match=r"hold the data's weight back, by held_back from 0\.001 on"):
        sampler.bind(problem, at.prior)
    held = DataCovariance(0.001)
    kept = at.sampler(SplitGibbs(covariance=held), start=FromLikelihood(held))
    image = kept(problem, at.prior).samples[0]
    assert (problem.operator(image) - problem.y).norm() < 2 * problem.y.norm()


def test_what_learns_of_the_data_by_itself_takes_no_guidance(small) -> None:
    at = Setting.of(small, "sense", TwoChannel())
    sampler = replace(at.sampler(SplitGibbs(), start=FromLikelihood()), guidance=Proximal())
    with pytest.raises(InputError, match=r"SplitGibbs needs the prior's own estimates, .* leave guidance out"):
        sampler.bind(at.problem, at.prior)
