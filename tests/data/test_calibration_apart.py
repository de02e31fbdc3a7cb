"""Coil maps from calibration data that are no part of the image's k-space."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import Scan, calibrate, estimate_maps, open_scan, read_scan, shepp_logan, simulate, write_scan
from invdiff.data import calibration as module
from invdiff.data.calibration import calibration_of, estimated_maps
from invdiff.data.masks import central, equispaced
from invdiff.errors import InputError
from invdiff.reconstruction import scan_cases

SIDE, NOISE = 48, 0.004
SHAPE = (SIDE, SIDE)
OBJECTS = np.stack([shepp_logan(SHAPE), 0.6 * shepp_logan(SHAPE)[::-1]])
FULL = replace(simulate(OBJECTS, coils=5, noise_std=NOISE), maps=None, ground_truth=None, noise_std=None, name="a.h5")
MASK, NO_CENTRE = equispaced(SHAPE, 3, 20), equispaced(SHAPE, 3, 0)


def apart(sides: tuple[int, int], factor: complex = 1) -> Scan:
    """The scan without a centre, and what was measured apart."""
    return replace(FULL, calibration=factor * FULL.kspace[:, :, *central(SHAPE, sides)]).undersample(NO_CENTRE)


def test_maps_are_those_of_a_centre_with_these_samples() -> None:
    own = calibrate(FULL.undersample(MASK), NOISE)
    scan = apart((SIDE, 20))
    noise = calibration_of(scan)[1]
    assert noise == pytest.approx(NOISE, rel=0.1)
    same = calibrate(FULL.undersample(MASK), noise)
    found = calibrate(scan, 17.0)  # the image's noise is not asked
    np.testing.assert_array_equal(found.maps, same.maps)
    assert found.residual == pytest.approx(own.residual, rel=0.1)
    np.testing.assert_array_equal(estimate_maps(scan), estimate_maps(FULL.undersample(MASK)))


def scale_does_not_matter(exponent: int, phase: float) -> None:
    scans = [apart((24, 20), factor).select([0]) for factor in (1, 2.0**exponent * np.exp(1j * phase))]
    one, other = (calibrate(scan, NOISE, sets=1) for scan in scans)
    assert one.crop == other.crop
    np.testing.assert_allclose(other.maps, one.maps, atol=2e-3)
    assert other.noise_residual == pytest.approx(one.noise_residual, rel=0.02)  # one draw of noise, turned


@given(st.integers(-20, 20), st.floats(-3, 3))
@settings(max_examples=5)
def test_maps_do_not_depend_on_the_scale_of_the_calibration(exponent: int, phase: float) -> None:
    scale_does_not_matter(exponent, phase)


def test_noise_that_is_not_of_the_calibration_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_noise_of", lambda kspace: NOISE)
    with pytest.raises(AssertionError):
        scale_does_not_matter(-8, 0.0)


@given(st.tuples(*[st.sampled_from([15, 16, 24, 31])] * 2))
@settings(max_examples=5)
def test_a_calibration_larger_than_the_matrix_counts_by_its_centre(sides: tuple[int, int]) -> None:
    """A finer calibration of the same field of view has the same samples at its centre."""
    cut = FULL.changed(kspace=FULL.kspace[:, :, *central(SHAPE, sides)], calibration=FULL.kspace)
    source, _ = calibration_of(cut)
    np.testing.assert_array_equal(source.kspace, cut.kspace)
    assert source.mask is None


def test_slices_coils_and_files_keep_it(tmp_path: Path) -> None:
    scan = apart((24, 16))
    np.testing.assert_array_equal(scan.select([1]).calibration, scan.calibration[1:])
    assert scan.digest(0) != replace(scan, calibration=2 * scan.calibration).digest(0)
    write_scan(scan, tmp_path / "a.h5")
    np.testing.assert_array_equal(read_scan(tmp_path / "a.h5").calibration, scan.calibration)
    several = scan.changed(**{name: np.tile(getattr(scan, name), (5, 1, 1, 1)) for name in ("kspace", "calibration")})
    write_scan(several, tmp_path / "b.h5")
    lazily = open_scan(tmp_path / "b.h5")
    np.testing.assert_array_equal(lazily.select([3, 4]).calibration, several.calibration[3:5])


def test_problems_are_those_of_a_centre_with_these_samples() -> None:
    """In virtual coils, slice by slice: maps explain the data of the image, too."""
    rng = np.random.default_rng(0)
    noise = NOISE * (rng.standard_normal((2, 5, 4000)) * [[[1.0], [2.0], [1.0], [1.0], [1.0]]])
    cases = scan_cases(replace(apart((SIDE, 20), 3.0), noise=noise[0] + 1j * noise[1]), "sense")
    assert cases.preparation is not None
    assert cases.preparation.covariance is not None
    other = scan_cases(replace(FULL, noise=noise[0] + 1j * noise[1]).undersample(MASK), "sense")
    for number in cases.slices:
        ours, theirs = cases.prepared(number).maps, other.prepared(number).maps
        where = (np.abs(ours) > 0) & (np.abs(theirs) > 0)
        np.testing.assert_allclose(ours[where], theirs[where], atol=0.05)
    alone = estimated_maps(apart((SIDE, 20)).select([1]), NOISE, crop=0.8, sets=1)
    assert np.abs(alone).any()


@pytest.mark.parametrize("shape", [(2, 5, 8), (1, 5, 8, 8), (2, 4, 8, 8)])
def test_a_calibration_of_something_else_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"a\.h5: calibration of shape .* must be signal of these slices and coils"):
        replace(FULL, calibration=np.ones(shape, np.complex64))
    with pytest.raises(InputError, match="must be signal"):
        replace(FULL, calibration=0 * FULL.kspace)


def test_without_a_centre_or_a_calibration_there_are_no_maps() -> None:
    with pytest.raises(InputError, match="ESPIRiT needs a fully sampled centre"):
        calibrate(FULL.undersample(NO_CENTRE), NOISE)
    with pytest.raises(InputError, match=r"ESPIRiT needs a fully sampled centre of at least 6 x 6 .* not 24 x 4"):
        calibrate(apart((24, 4)), NOISE)
