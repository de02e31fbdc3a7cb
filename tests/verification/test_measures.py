"""The measures: of exact samples, of exact samples that are spoilt, and what chance does to them."""

from collections.abc import Callable
from dataclasses import astuple

import pytest
import torch
from torch import Tensor

from invdiff.verification import FULL, ExactProblem, Measures, Posed, measures
from invdiff.verification.gates import GATES, crossed

SAMPLES = 100
PROBLEM = ExactProblem("circulant", "inpainting", 0.3)
MODES = ExactProblem("modes", "inpainting", 0.3)


def exact(kind: ExactProblem, count: int = SAMPLES, seed: int = 0) -> tuple[list[Posed], list[Tensor]]:
    posed, generator = [kind.posed(case) for case in range(2)], torch.Generator().manual_seed(seed)
    return posed, [each.posterior.draw(count, generator) for each in posed]


def spoilt(kind: ExactProblem, spoil: Callable[[Posed, Tensor], Tensor]) -> tuple[Measures, tuple[str, ...]]:
    posed, drawn = exact(kind)
    found, errors = measures(posed, [spoil(each, samples) for each, samples in zip(posed, drawn, strict=True)])
    return found, crossed(found, errors)


@pytest.mark.parametrize("kind", FULL, ids=str)
def test_exact_samples_keep_every_gate(kind: ExactProblem) -> None:
    assert crossed(*measures(*exact(kind))) == ()


def test_a_shift_is_bias() -> None:
    def shifted(posed: Posed, samples: Tensor) -> Tensor:
        axes = posed.axes.directions
        return samples + 0.3 * axes @ posed.posterior.along(axes).std

    found, gates = spoilt(PROBLEM, shifted)
    assert found.bias == pytest.approx(0.3, abs=0.03)
    assert found.measured == pytest.approx(1, abs=0.03)
    assert found.unmeasured == pytest.approx(1, abs=0.03)
    assert found.coverage_90 == pytest.approx(0.885, abs=0.01)
    assert gates[0] == "bias"


@pytest.mark.parametrize("part", ["measured", "unmeasured"])
def test_too_narrow_a_spread_is_told_from_where_it_is(part: str) -> None:
    def narrowed(posed: Posed, samples: Tensor) -> Tensor:
        axes, split, mean = posed.axes.directions, posed.axes.measured, posed.posterior.mean
        scale = torch.ones(len(mean), dtype=torch.float64)
        scale[:split] *= 0.6 if part == "measured" else 1
        scale[split:] *= 0.6 if part == "unmeasured" else 1
        return mean + ((samples - mean) @ axes * scale) @ axes.T

    found, gates = spoilt(PROBLEM, narrowed)
    ratios = {"measured": found.measured, "unmeasured": found.unmeasured}
    assert ratios.pop(part) == pytest.approx(0.6, abs=0.02)
    assert next(iter(ratios.values())) == pytest.approx(1, abs=0.03)
    assert f"spread {part}" in gates
    assert {"50 %", "90 %"} <= set(gates)


def test_spread_alone_says_what_coverage_is() -> None:
    """Of a Gaussian, 0.6 times as wide: 1.645 x 0.6 standard deviations hold 67.6 %, 0.674 x 0.6 hold 31.4 %, and a
    little more where quantiles are those of few samples."""

    def narrowed(posed: Posed, samples: Tensor) -> Tensor:
        return posed.posterior.mean + 0.6 * (samples - posed.posterior.mean)

    found, _ = spoilt(PROBLEM, narrowed)
    assert found.coverage_90 == pytest.approx(0.676, abs=0.015)
    assert found.coverage_50 == pytest.approx(0.314, abs=0.015)


def test_a_lost_mode_is_seen_by_the_distance() -> None:
    def one_mode(posed: Posed, samples: Tensor) -> Tensor:
        likeliest = int(posed.posterior.weights.argmax())
        noise = torch.randn(samples.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
        return posed.posterior.means[likeliest] + noise @ torch.linalg.cholesky(
            posed.posterior.covariances[likeliest] + 1e-12 * torch.eye(samples.shape[1])
        )

    found, gates = spoilt(MODES, one_mode)
    assert found.distance > 0.2
    assert "distance" in gates


def test_nothing_unmeasured_is_no_number_and_crosses_nothing() -> None:
    found, errors = measures(*exact(ExactProblem("circulant", "denoise", 0.3)))
    assert found.unmeasured != found.unmeasured
    assert crossed(found, errors) == ()


def test_standard_errors_are_those_of_exact_samples() -> None:
    """The measures of further exact samples scatter as they say."""
    apart = []
    for seed in range(20):
        found, errors = measures(*exact(PROBLEM, seed=100 + seed))
        right = Measures(0, 1, 1, 0.5, 0.9, 0)
        apart.append([(a - b) / c for a, b, c in zip(astuple(found), astuple(right), astuple(errors), strict=True)])
    scatter = torch.tensor(apart)[:, 1:].square().mean(0).sqrt()  # bias is never negative
    assert float(scatter.min()) > 0.4
    assert float(scatter.max()) < 2


def test_more_samples_leave_smaller_errors() -> None:
    few, many = (measures(*exact(PROBLEM, count))[1] for count in (40, 360))
    assert few.measured / many.measured == pytest.approx(3, rel=0.5)
    assert few.coverage_90 / many.coverage_90 == pytest.approx(3, rel=0.5)


def test_chance_does_not_cross_a_gate_but_more_than_chance_does() -> None:
    errors = Measures(0.01, 0.01, 0.01, 0.01, 0.01, 0.01)
    right = Measures(0.0, 1.0, 1.0, 0.5, 0.9, 0.0)
    assert crossed(right, errors) == ()
    for index, gate in enumerate(GATES):
        numbers = list(astuple(right))
        numbers[index] = gate.high + 0.019
        assert crossed(Measures(*numbers), errors) == ()
        numbers[index] = gate.high + 0.021
        assert crossed(Measures(*numbers), errors) == (gate.title,)
    assert crossed(Measures(0.0, 0.92, 1.0, 0.5, 0.9, -1.0), errors) == ("spread measured",)
