from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import MASKS, Picture, shepp_logan, simulate
from invdiff.data.held_out import held_out
from invdiff.data.masks import calibration_region, equispaced, gaussian_lines, gaussian_points
from invdiff.errors import InputError
from invdiff.metrics import nmse, psnr, ssim
from invdiff.reconstruction import Assumptions, Measurement, find_kind
from invdiff.tuning import HeldBackError, find_objective, suiting

SHAPE = (32, 28)
PHANTOM = shepp_logan(SHAPE)
LINES = equispaced(SHAPE, 2, 12)
SCAN = simulate(np.stack([PHANTOM, PHANTOM[::-1]]), coils=3, mask=LINES, noise_std=0.0)
SENSE, KNOWN = find_kind("sense"), Assumptions(noise_std=0.01)
MEASURED = Measurement(SCAN, SENSE, assumed=KNOWN)


@pytest.mark.parametrize(("name", "metric"), [("psnr", psnr), ("ssim", ssim), ("nmse", nmse)])
def test_metrics_against_the_truth(name: str, metric: Callable[..., float]) -> None:
    objective, measurement = find_objective(name), MEASURED
    cases = objective.show(measurement)
    np.testing.assert_array_equal(cases.measured.sampled, LINES)
    image = cases.zero_filled
    assert objective.score(measurement, cases, image) == metric(SCAN.ground_truth, image)
    better = 0.1 * image + 0.9 * SCAN.ground_truth
    assert (
        objective.score(measurement, cases, better) > metric(SCAN.ground_truth, image)
    ) is objective.higher_is_better


def test_full_data_serve_as_truth_where_they_are_undersampled() -> None:
    full = simulate(PHANTOM, coils=3, mask=np.ones(SHAPE, bool), noise_std=0.0)
    measurement = Measurement(replace(full, ground_truth=None), SENSE, LINES, KNOWN)
    cases = find_objective("psnr").show(measurement)
    assert psnr(PHANTOM[None], cases.ground_truth) > 60
    with pytest.raises(InputError, match=r"no ground truth, which the objective psnr needs; search --by held-back"):
        find_objective("psnr").show(replace(measurement, mask=None))


@cache
def mask_of(kind: str, seed: int) -> Any:
    return MASKS[kind]((40, 48), 3.0, 0.15, seed)


@pytest.mark.parametrize("kind", ["equispaced", "random", "gaussian", "gaussian2d", "uniform2d", "poisson"])
@settings(max_examples=15)
@given(seed=st.integers(0, 1000), fraction=st.floats(0.05, 0.5))
def test_what_is_held_back(kind: str, seed: int, fraction: float) -> None:
    sampled = mask_of(kind, seed % 2)
    held = held_out(sampled, fraction, seed)
    assert held.any()
    assert not (held & ~sampled).any()
    assert calibration_region(sampled & ~held) == calibration_region(sampled)
    outside = sampled.sum() - np.prod(calibration_region(sampled))
    lines = kind in ("equispaced", "random", "gaussian")
    assert abs(held.sum() - fraction * outside) <= (48 if lines else 1)
    if lines:
        assert (held == held[0]).all()
    np.testing.assert_array_equal(held, held_out(sampled, fraction, seed))
    assert any((held != held_out(sampled, fraction, seed + i)).any() for i in range(1, 4))


def test_every_ring_gives_one() -> None:
    """An eighth of the lines is not drawn from the outermost by chance: the nearest and the farthest eight give one."""
    sampled = gaussian_lines((8, 160), 2, 0.1, 0)
    columns = np.flatnonzero(sampled[0])
    distance = np.sort(np.abs(columns - 80)[np.abs(columns - 80) > 8])
    for seed in range(20):
        drawn = np.abs(np.flatnonzero(held_out(sampled, 0.125, seed)[0]) - 80)
        assert drawn.min() <= distance[9]
        assert drawn.max() >= distance[-10]


@pytest.mark.parametrize("mask", [LINES, gaussian_points(SHAPE, 2.0, 0.4, 0)], ids=["lines", "points"])
def test_the_method_learns_nothing_of_what_is_held_back(mask: Any) -> None:
    """Maps and noise come out the same whatever the samples held back are."""
    objective = HeldBackError()
    noisy = simulate(PHANTOM, coils=3, mask=mask, noise_std=0.01, seed=1)
    measurement = Measurement(replace(noisy, maps=None, noise_std=None, mask=mask), SENSE)
    held = held_out(measurement.sampled, objective.fraction, objective.seed)
    loud = replace(measurement.measured, kspace=measurement.measured.kspace + np.where(held, 100, 0), mask=mask)
    quiet, other = objective.show(measurement), objective.show(replace(measurement, measured=loud))
    assert not (quiet.measured.sampled & held).any()
    np.testing.assert_array_equal(quiet.measured.maps, other.measured.maps)
    assert quiet.measured.noise_std == other.measured.noise_std
    for a, b in zip(quiet, other, strict=True):
        np.testing.assert_array_equal(a.y.numpy(), b.y.numpy())
    louder = replace(measurement.measured, kspace=measurement.measured.kspace * np.where(held, 1, 2), mask=mask)
    assert objective.show(replace(measurement, measured=louder)).measured.noise_std != quiet.measured.noise_std


def test_holdout_scores_predictions() -> None:
    """The truth leaves the noise alone, and nothing, another phase, another scale and another slice leave more."""
    objective, noise_std = HeldBackError(), 0.01
    scan = simulate(np.stack([PHANTOM, PHANTOM[::-1]]), coils=3, mask=LINES, noise_std=noise_std)
    measurement = Measurement(scan, SENSE)
    shown = objective.show(measurement)
    truth = scan.ground_truth
    assert objective.score(measurement, shown, truth) == pytest.approx(1, abs=0.15)
    for other in (0 * truth, 1j * truth, 1.5 * truth, truth[::-1]):
        assert objective.score(measurement, shown, other) > 1.5
    twice = replace(measurement, assumed=Assumptions(noise_std=2 * noise_std))
    assert objective.score(twice, objective.show(twice), truth) == pytest.approx(0.25, abs=0.04)


def test_holdout_of_one_coil() -> None:
    scan = simulate(PHANTOM, coils=1, mask=LINES, noise_std=0.0)
    measurement = Measurement(replace(scan, ground_truth=None, mask=LINES), find_kind("fourier"), assumed=KNOWN)
    shown = HeldBackError().show(measurement)
    assert HeldBackError().score(measurement, shown, scan.ground_truth) < 1e-6
    assert HeldBackError().score(measurement, shown, 0 * scan.ground_truth) > 1


def test_what_holdout_refuses() -> None:
    objective = find_objective("held-back")
    full = simulate(PHANTOM, coils=2, mask=np.ones(SHAPE, bool), name="full.h5")
    with pytest.raises(InputError, match=r"full\.h5: nothing is sampled outside the calibration region"):
        objective.show(Measurement(full, SENSE))
    picture = Picture(np.ones((1, 8, 8), np.float32), name="a.png")
    with pytest.raises(InputError, match="holds no k-space"):
        objective.show(Measurement(picture, find_kind("denoise")))
    silent = replace(SCAN, kspace=np.where(equispaced(SHAPE, 99, 12), SCAN.kspace, 0), mask=LINES, name="silent.h5")
    with pytest.raises(InputError, match="the samples held back are zero"):
        objective.show(Measurement(silent, SENSE))


def test_names() -> None:
    assert [find_objective(name).name for name in ("psnr", "ssim", "nmse", "held-back")]
    with pytest.raises(InputError, match="no objective 'taste'; there are psnr, ssim, nmse, held-back"):
        find_objective("taste")


def test_the_data_tell_what_to_judge_by() -> None:
    without = replace(MEASURED, measured=replace(SCAN, ground_truth=None, mask=LINES))
    full = simulate(PHANTOM, coils=3, mask=np.ones(SHAPE, bool), noise_std=0.0)
    makes_one = Measurement(replace(full, ground_truth=None), SENSE, LINES, KNOWN)
    for measurements, expected in (
        ([MEASURED], "psnr"),
        ([makes_one], "psnr"),
        ([MEASURED, without], "held-back"),
        ([replace(makes_one, mask=None)], "held-back"),
        ([replace(without, mask=LINES)], "held-back"),  # undersampled twice
    ):
        assert suiting(measurements).name == expected
        is_known = all(one.cases().has_ground_truth for one in measurements)
        assert is_known == (expected == "psnr")
    assert suiting([MEASURED], by="held-back").name == "held-back"
    assert suiting([MEASURED], "nmse").name == "nmse"
    assert suiting([without], "ssim", "truth").name == "ssim"  # which refuses it, with words of its own


def test_a_level_of_zero_tells_no_error() -> None:
    with pytest.raises(InputError, match="its noise level is zero"):
        HeldBackError().show(replace(MEASURED, assumed=Assumptions(noise_std=0.0)))
