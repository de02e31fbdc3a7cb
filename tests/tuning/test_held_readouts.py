"""Readouts of a trajectory held back of a search: what is shown knows nothing of them, and the truth predicts them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import NonCartesianScan, radial, shepp_logan, simulate_along
from invdiff.errors import InputError
from invdiff.reconstruction import Assumptions, Measurement, find_kind
from invdiff.tuning import HeldBackError

SHAPE = (32, 28)
PHANTOM = shepp_logan(SHAPE)
KIND = find_kind("non-cartesian")
NOISE_STD = 0.01
SCAN = simulate_along(np.stack([PHANTOM, PHANTOM[::-1]]), radial(24, 64), coils=3, noise_std=NOISE_STD)


def test_the_method_learns_nothing_of_what_is_held_back() -> None:
    objective = HeldBackError()
    measurement = Measurement(replace(SCAN, maps=None, noise_std=None, ground_truth=None), KIND)
    held = measurement.hold_back(objective.fraction, objective.seed)
    assert 0 < held.sum() < held.size
    loud = replace(measurement.measured, kspace=SCAN.kspace + 100 * held.reshape(SCAN.kspace.shape[2:]))
    quiet, other = (objective.show(replace(measurement, measured=scan)) for scan in (measurement.measured, loud))
    np.testing.assert_array_equal(quiet.measured.maps, other.measured.maps)
    assert quiet.noise_std == other.noise_std
    for a, b in zip(quiet, other, strict=True):
        assert a.y.shape == (3, held.size - held.sum())
        np.testing.assert_array_equal(a.y.numpy(), b.y.numpy())
    louder = replace(measurement.measured, kspace=SCAN.kspace * np.where(held, 1, 2).reshape(SCAN.kspace.shape[2:]))
    assert objective.show(replace(measurement, measured=louder)).noise_std != quiet.noise_std


def test_held_readouts_score_predictions() -> None:
    """The truth leaves the noise alone, and nothing, another phase, another scale and another slice leave more."""
    objective, measurement = HeldBackError(), Measurement(SCAN, KIND)
    shown = objective.show(measurement)
    truth = SCAN.ground_truth
    assert objective.score(measurement, shown, truth) == pytest.approx(1, abs=0.15)
    for other in (0 * truth, 1j * truth, 1.5 * truth, truth[::-1]):
        assert objective.score(measurement, shown, other) > 1.5


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 9999), st.floats(0.1, 0.9), st.booleans())
def test_a_scan_without_some_samples_has_the_others_where_they_were(seed: int, part: float, apart: bool) -> None:
    scan = simulate_along(PHANTOM, radial(5, 12), coils=2, noise_std=NOISE_STD)
    if apart:
        measured = np.random.default_rng(seed + 1).random((5, 12)) < 0.8
        trajectory = replace(scan.trajectory, measured=measured)
        scan = replace(scan, kspace=np.where(measured, scan.kspace, 0), trajectory=trajectory)
    points, samples = scan.trajectory.places(), scan.trajectory.sampled(scan.kspace)
    keep = np.random.default_rng(seed).random(len(points)) < part
    keep[0] = True
    shown = scan.undersample(keep)
    assert isinstance(shown, NonCartesianScan)
    np.testing.assert_array_equal(shown.trajectory.places(), points[keep])
    np.testing.assert_array_equal(shown.trajectory.sampled(shown.kspace), samples[..., keep])
    assert np.count_nonzero(shown.kspace) == np.count_nonzero(samples[..., keep])
    with pytest.raises(InputError, match="leave out --mask"):
        scan.undersample(np.ones(SHAPE, bool))
    with pytest.raises(InputError, match="zero everywhere"):
        scan.undersample(np.zeros(len(points), bool))


def test_too_few_readouts_are_told() -> None:
    few = simulate_along(PHANTOM, radial(1, 64), coils=2, noise_std=NOISE_STD)
    with pytest.raises(InputError, match="too few to hold"):
        HeldBackError().show(Measurement(few, KIND, assumed=Assumptions(noise_std=NOISE_STD)))
