"""The data's weight where few frequencies are sampled far more often than the others."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff.diffusion import (
    VE,
    Context,
    HalfQuadratic,
    Karras,
    PosteriorVariance,
    Problem,
    Sampler,
    SplitComplex,
    SplittingWeight,
)
from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.operators import NonUniformFourier
from invdiff.priors import GaussianPrior

SIDE, NOISE_STD = 4, 1e-6


def often_at_the_centre(times: int) -> Context:
    """A run of an image whose every frequency is sampled once, but the mean so many times."""
    along = (torch.arange(SIDE, dtype=torch.float64) - SIDE // 2) / SIDE
    others = torch.stack(torch.meshgrid(along, along, indexing="ij"), dim=-1).flatten(0, 1)
    points = torch.cat([others, torch.zeros(times - 1, 2, dtype=torch.float64)])
    y = torch.ones(len(points), dtype=torch.complex64)
    problem = Problem(NonUniformFourier(points, (SIDE, SIDE)), y, noise_std=NOISE_STD, scale=1.0)
    prior = GaussianPrior(torch.zeros(1, SIDE, SIDE), torch.ones(1, SIDE, SIDE))
    return Sampler(VE(), Karras(3, 2.0, 0.05), [HalfQuadratic()], SplitComplex()).bind(problem, prior).run()


def evenness(times: int) -> float:
    """Of eigenvalues of which one is ``times`` and the others are one."""
    others = SIDE**2 - 1
    return math.sqrt((times**2 + others) / ((times + others) * times))


@given(times=st.integers(1, 400), part=st.floats(0.05, 0.5), deviation=st.floats(0.1, 10))
def test_it_is_held_back_by_what_is_typical_and_not_by_the_norm(times: int, part: float, deviation: float) -> None:
    context = often_at_the_centre(times)
    expected = part * evenness(times) * deviation
    assert context.held_back(part, deviation) == pytest.approx(expected, rel=1e-5)
    assert SplittingWeight(part)(deviation, context) == pytest.approx((deviation / expected) ** 2, rel=1e-4)
    assert DataCovariance(part).noise_std(deviation, context) == pytest.approx(expected, rel=1e-5)
    weight = PosteriorVariance(held_back=part)
    assert weight(deviation, context) == pytest.approx(1 / (part * evenness(times)) ** 2, rel=1e-4)


def test_never_below_the_noise() -> None:
    context = often_at_the_centre(30)
    assert context.held_back(1e-9, 1.0) == context.known_noise_std > 0
