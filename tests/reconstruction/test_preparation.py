from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.classical import rivals
from invdiff.data import Scan, combine, noise_of_scan, shepp_logan, simulate, to_image, to_kspace, whitening
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.methods import METHODS
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import reconstruct, scan_cases

SHAPE = (48, 40)
MASK = equispaced(SHAPE, 3, 16)
COVARIANCE = 1e-4 * np.array([[1, 0.5j, 0, 0], [-0.5j, 4, 0.3, 0], [0, 0.3, 0.5, 0], [0, 0, 0, 2]])
SIGNAL = simulate(shepp_logan(SHAPE), coils=4)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    parts = np.random.default_rng(seed).standard_normal((2, 4, *shape))
    return np.einsum("dc,c...->d...", np.linalg.cholesky(COVARIANCE), parts[0] + 1j * parts[1]).astype(np.complex64)


MEASURED = Scan(SIGNAL.kspace + noise(*SHAPE)[None], noise=noise(5000, seed=1), name="head.h5")


def test_noise_becomes_white_and_intensities_keep_their_scale() -> None:
    cases = scan_cases(MEASURED, "sense", mask=MASK)
    prepared = cases.preparation
    assert prepared.noise_source == "from the file's noise scan"
    assert prepared.noise_std == pytest.approx(np.sqrt(np.diag(COVARIANCE).real.mean()), rel=0.05)
    white = prepared.virtual_coils(noise(*SHAPE, seed=2)).reshape(4, -1)
    np.testing.assert_allclose(noise_of_scan(white).covariance / prepared.noise_std**2, np.eye(4), atol=0.15)
    kept = cases.measured.sampled
    np.testing.assert_array_equal(cases.measured.kspace[..., kept], prepared.virtual_coils(MEASURED.kspace)[..., kept])
    truth = combine(to_image(prepared.virtual_coils(MEASURED.kspace)), cases.measured.maps)
    np.testing.assert_array_equal(cases.ground_truth, truth)
    assert np.linalg.norm(truth) / np.linalg.norm(SIGNAL.ground_truth) == pytest.approx(1, abs=0.02)
    assert prepared.report[0] == "noise: from the file's noise scan, within 0.4%; coils prewhitened"


def test_coils_stay_where_the_level_or_the_maps_are_known() -> None:
    given = scan_cases(MEASURED, "sense", mask=MASK, noise_std=0.02)
    assert given.preparation.covariance is None
    assert given.preparation.noise_source == "as given"
    known = scan_cases(replace(MEASURED, maps=SIGNAL.maps), "sense", mask=MASK)
    assert known.preparation.covariance is None
    np.testing.assert_array_equal(known.measured.maps, SIGNAL.maps)
    assert known.preparation.calibration.crop is None
    assert known.preparation.warnings == ()


def test_a_dead_coil_is_said_and_one_level_taken() -> None:
    kspace = MEASURED.kspace.copy()
    kspace[:, 3] = 0
    dead = Scan(kspace, noise=np.concatenate([MEASURED.noise[:3], np.zeros((1, 5000), np.complex64)]))
    prepared = scan_cases(dead, "sense", mask=MASK).preparation
    assert prepared.covariance is None
    assert "a coil without noise" in prepared.warnings[0]


def random_covariance(coils: int, seed: int) -> np.ndarray:
    parts = np.random.default_rng(seed).standard_normal((2, coils, coils))
    factor = parts[0] + 1j * parts[1]
    return factor @ factor.conj().T / coils + 0.1 * np.eye(coils)


OBJECTS = {
    "sharp": lambda side: np.abs(shepp_logan((side, side))),
    "smooth": lambda side: np.outer(*[np.hanning(side)] * 2),
}


@settings(deadline=None, max_examples=8)
@given(
    coils=st.sampled_from([2, 8, 16]),
    side=st.sampled_from([64, 96]),
    what=st.sampled_from(sorted(OBJECTS)),
    level=st.sampled_from([0.0, 0.002]),
    seed=st.integers(0, 99),
)
def test_prewhitening_changes_no_intensity(coils: int, side: int, what: str, level: float, seed: int) -> None:
    truth = simulate(OBJECTS[what](side), coils=coils)
    covariance = random_covariance(coils, seed)
    parts = np.random.default_rng(seed).standard_normal((2, coils, side * side + 8 * coils**2))
    drawn = np.linalg.cholesky(covariance) @ (parts[0] + 1j * parts[1])
    added = level * drawn[:, : side * side].reshape(coils, side, side)
    scan = Scan(truth.kspace + added, noise=(max(level, 0.01) * drawn[:, side * side :]).astype(np.complex64))
    mask = equispaced((side, side), 3, 24)
    cases = scan_cases(scan, "sense", mask=mask)
    assert cases.preparation.covariance is not None
    own = scan_cases(replace(scan, noise=None), "sense", mask=mask, noise_std=level)
    assert own.preparation.covariance is None

    def ratio(image: np.ndarray) -> float:
        seen = (np.abs(truth.ground_truth) > 0.2) & (image != 0)
        return float(np.median(np.abs(image[seen]) / np.abs(truth.ground_truth[seen])))

    assert ratio(cases.ground_truth) == pytest.approx(1, abs=0.01)
    assert ratio(own.ground_truth) == pytest.approx(1, abs=0.01)
    W = whitening(cases.preparation.covariance)
    maps = np.einsum("dc,schw->sdhw", np.linalg.inv(W), cases.measured.maps)
    power = (np.abs(maps) ** 2).sum(axis=1)
    np.testing.assert_allclose(power[power > 0], 1, rtol=1e-4)
    (problem,) = cases
    explained = problem.operator(torch.from_numpy(cases.ground_truth[0]))
    assert float((problem.y - explained).norm() / problem.y.norm()) < 0.15


def test_maps_of_another_scan_are_warned_about() -> None:
    broken = replace(MEASURED, maps=SIGNAL.maps[:, [2, 0, 3, 1]], noise=None)
    prepared = scan_cases(broken, "sense", mask=MASK, noise_std=0.013).preparation
    (warning,) = prepared.warnings
    assert "of the calibration data unexplained" in warning
    assert "may be of another scan" in warning
    assert prepared.attributes["warnings"] == warning


def test_two_map_sets_end_to_end(tmp_path) -> None:
    rng = np.random.default_rng(0)
    phases = np.exp(2j * np.pi * rng.random((2, 4, 1, 1)))
    maps = (SIGNAL.maps * phases).astype(np.complex64)[None]
    apart = np.stack([shepp_logan(SHAPE), 0.5 * shepp_logan(SHAPE)[::-1]])
    kspace = to_kspace((maps * apart[None, :, None]).sum(axis=1)).astype(np.complex64)
    scan = Scan(kspace, maps=maps, noise_std=0.01)
    cases = scan_cases(scan, "sense", mask=MASK)
    assert cases.has_map_sets
    assert cases.zero_filled.shape == (1, *SHAPE)
    np.testing.assert_allclose(np.abs(cases.ground_truth[0]), np.hypot(*np.abs(apart)), atol=2e-3)
    assert list(rivals(cases)) == ["CG-SENSE"]
    sampler = METHODS["fast"].with_settings({"steps": "20"}, is_complex=True)
    result = reconstruct(cases, sampler, GaussianPrior(torch.zeros(1, *SHAPE), 0.02 * torch.ones(1, *SHAPE)), samples=2)
    assert result.samples.shape == (1, 2, *SHAPE)
    error = np.linalg.norm(result.mean - cases.ground_truth) / np.linalg.norm(cases.ground_truth)
    assert error < np.linalg.norm(cases.zero_filled - cases.ground_truth) / np.linalg.norm(cases.ground_truth)
    result.write(tmp_path / "reconstruction.h5")
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        assert file.attrs["map_sets"] == 2
        assert file.attrs["acceleration"] == pytest.approx(MASK.size / MASK.sum())
        assert file.attrs["calibration_residual"] < 0.05
    with pytest.raises(InputError, match="several map sets"):
        replace(cases, initial=np.zeros((1, *SHAPE)))


def test_what_is_wrong_with_the_noise_is_said() -> None:
    constant = Scan(np.ones((1, 4, 16, 16), np.complex64), name="flat.h5")
    with pytest.raises(InputError, match=r"flat.h5: k-space .* give --noise-std"):
        scan_cases(constant, "sense")
    silent = replace(MEASURED, noise=np.zeros((4, 50), np.complex64))
    with pytest.raises(InputError, match=r"head.h5: The noise scan of 4 coils is zero everywhere"):
        scan_cases(silent, "sense")
    short = replace(MEASURED, noise=MEASURED.noise[:, :3])
    with pytest.raises(InputError, match="3 samples does not tell the noise of 4 coils"):
        scan_cases(short, "sense")
    for level in (np.inf, np.nan, -1.0):
        with pytest.raises(InputError, match="noise_std is"):
            scan_cases(MEASURED, "sense", noise_std=level)


@pytest.mark.parametrize("level", [0.0, 1e-30, 1e30])
def test_any_finite_level_can_be_given(level: float) -> None:
    cases = scan_cases(MEASURED, "sense", mask=MASK, noise_std=level)
    assert cases.measured.noise_std == level
    assert np.isfinite(cases.measured.maps).all()


@pytest.mark.parametrize("scale", [1e-18, 1e18])
def test_units_do_not_matter(scale: float) -> None:
    once = scan_cases(Scan(MEASURED.kspace), "sense", mask=MASK)
    other = scan_cases(Scan((scale * MEASURED.kspace).astype(np.complex64)), "sense", mask=MASK)
    assert other.measured.noise_std == pytest.approx(scale * once.measured.noise_std, rel=1e-3)
    np.testing.assert_allclose(other.measured.maps, once.measured.maps, atol=1e-3)
    assert other.preparation.calibration.residual == pytest.approx(once.preparation.calibration.residual, rel=1e-3)


def test_maps_that_are_zero_somewhere() -> None:
    """Background in every coil, and a slice that no coil sees."""
    maps = np.concatenate([SIGNAL.maps, np.zeros_like(SIGNAL.maps)])
    maps[..., :5, :] = 0
    scan = Scan(np.concatenate([MEASURED.kspace] * 2), maps=maps, noise_std=0.01)
    prepared = scan_cases(scan, "sense", mask=MASK).preparation
    assert np.isfinite(prepared.calibration.residual)
    assert not prepared.calibration.explains
