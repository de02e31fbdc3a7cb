import numpy as np
import pytest

from invdiff.data import achieved_acceleration, combine, estimate_noise, to_image, to_kspace
from invdiff.errors import InputError
from invdiff.reconstruction import Assumptions, Cases, sample_cases, sample_scan
from invdiff.reconstruction.cases.scans import FULL_DATA

SHAPE = (128, 128)


@pytest.fixture(scope="module")
def full() -> np.ndarray:
    return sample_scan().kspace


@pytest.fixture(scope="module")
def sense() -> Cases:
    return sample_cases("sense", 3)


def test_sense_keeps_the_centre_and_every_fourth_line(sense: Cases, full: np.ndarray) -> None:
    scan = sense.measured
    lines = scan.sampled[0]
    expected = np.zeros(128, bool)
    expected[54:74] = True
    expected[3::4] = True
    np.testing.assert_array_equal(scan.sampled, np.tile(expected, (128, 1)))
    assert achieved_acceleration(scan.mask) == pytest.approx(128 / lines.sum())
    assert lines.sum() == 32 + 15
    np.testing.assert_array_equal(scan.kspace[..., lines], sense.preparation.virtual_coils(full)[..., lines])
    assert (scan.kspace[..., ~lines] == 0).all()
    (problem,) = sense
    assert repr(problem.operator) == "P(Λ) F S"
    assert tuple(problem.y.shape) == (16, 128 * 47)
    assert sense.zero_filled.shape == (1, *SHAPE)


def test_seed_moves_the_lines(sense: Cases) -> None:
    other = sample_cases("fourier", 2).measured.sampled
    assert other[0, 2::4].all()
    assert not other[0, 3::4].all()
    assert other[0, 54:74].all()


def test_truth_is_the_combination_of_full_data_by_the_same_maps(sense: Cases, full: np.ndarray) -> None:
    scan = sense.measured
    expected = combine(to_image(sense.preparation.virtual_coils(full)), scan.maps)
    np.testing.assert_array_equal(sense.ground_truth, expected)
    assert sense.target == FULL_DATA
    assert np.linalg.norm(sense.ground_truth) > 2 * np.linalg.norm(sense.ground_truth - sense.zero_filled)


def test_maps_and_noise_come_from_sampled_data(sense: Cases, full: np.ndarray) -> None:
    scan = sense.measured
    sampled = np.where(scan.sampled, full, 0)
    assert scan.noise_std == estimate_noise(sampled, scan.mask).std
    np.testing.assert_array_equal(sense.preparation.covariance, estimate_noise(sampled, scan.mask).covariance)
    # other lines about the same centre: the calibration region and so the maps are the same
    one, other = (sample_cases("sense", seed, Assumptions(noise_std=1e-6)).measured.maps for seed in (3, 1))
    np.testing.assert_array_equal(one, other)


def test_one_set_of_maps_explains_the_sample(sense: Cases) -> None:
    found = sense.preparation.calibration
    assert found.sets == 1
    assert found.residual == pytest.approx(found.noise_residual, rel=0.1)
    assert sense.preparation.warnings == ()
    assert sense.preparation.attributes["prewhitened"]


def test_fourier_is_one_coil() -> None:
    cases = sample_cases("fourier", 0)
    (problem,) = cases
    assert repr(problem.operator) == "P(Λ) F"
    assert cases.measured.kspace.shape == (1, 1, *SHAPE)
    mask = cases.measured.sampled
    np.testing.assert_allclose(problem.y, to_kspace(cases.ground_truth)[0, mask], rtol=1e-4, atol=1e-6)


def test_inpainting_loses_half_the_pixels() -> None:
    cases = sample_cases("inpainting", 0)
    picture = cases.measured
    assert picture.sampled.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(picture.image[:, picture.sampled], cases.ground_truth[:, picture.sampled])
    assert (cases.zero_filled[:, ~picture.sampled] == 0).all()
    (problem,) = cases
    assert repr(problem.operator) == "P(Λ)"
    other = sample_cases("inpainting", 1).measured.sampled
    assert 0.4 < (other == picture.sampled).mean() < 0.6


def test_denoising_adds_as_much_noise_as_it_says() -> None:
    cases = sample_cases("denoise", 0)
    (problem,) = cases
    assert repr(problem.operator) == "I"
    truth = cases.ground_truth
    added = (cases.measured.image - truth).ravel()
    assert problem.noise_std == pytest.approx(np.abs(truth).max() / 20)
    np.testing.assert_allclose([added.real.std(), added.imag.std()], problem.noise_std, rtol=0.03)


@pytest.mark.parametrize("operator", ["sense", "fourier", "inpainting", "denoise"])
def test_a_noise_level_that_is_given_is_taken(operator: str) -> None:
    cases = sample_cases(operator, 0, Assumptions(noise_std=0.25))
    assert [problem.noise_std for problem in cases] == [0.25]
    assert cases.is_complex
    with pytest.raises(InputError, match=r"noise_std is -1"):
        sample_cases(operator, 0, Assumptions(noise_std=-1))
