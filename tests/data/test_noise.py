import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.data import (
    noise_at_edges,
    noise_covariance,
    noise_of_scan,
    noise_std,
    noise_std_per_coil,
    prewhiten,
    read_scan,
    shepp_logan,
    simulate,
)
from invdiff.data.masks import equispaced, radial
from invdiff.errors import InputError

COVARIANCE = np.array([[1, 0.5j, 0], [-0.5j, 4, 0.3], [0, 0.3, 0.5]])


def scan_with_noise(covariance: np.ndarray, slices: int = 1) -> np.ndarray:
    signal = simulate(np.tile(shepp_logan((128, 96)), (slices, 1, 1)), coils=3).kspace
    signal = signal * np.outer(np.hanning(128), np.hanning(96)) ** 2  # bodies have fewer sharp edges than the phantom
    parts = np.random.default_rng(5).standard_normal((2, *signal.shape))
    noise = np.einsum("dc,schw->sdhw", np.linalg.cholesky(covariance), parts[0] + 1j * parts[1])
    return (signal + 0.02 * noise).astype(np.complex64)


@pytest.mark.parametrize("undersampled", [False, True])
def test_level_of_each_coil(undersampled: bool) -> None:
    k = scan_with_noise(COVARIANCE)
    mask = equispaced((128, 96), 4, 16) if undersampled else None
    k = k if mask is None else k * mask
    expected = 0.02 * np.sqrt(np.diag(COVARIANCE).real)
    np.testing.assert_allclose(noise_std_per_coil(k, mask), expected, rtol=0.2)
    assert noise_std(k, mask) == pytest.approx(np.sqrt(np.mean(expected**2)), rel=0.1)
    assert noise_std(3 * k, mask) == pytest.approx(3 * noise_std(k, mask), rel=1e-4)


def test_radial_sampling_and_a_single_slice() -> None:
    mask = radial((128, 96), 4)
    assert noise_std(scan_with_noise(np.eye(3))[0] * mask, mask) == pytest.approx(0.02, rel=0.15)


def test_correlations_and_whitening() -> None:
    k = scan_with_noise(COVARIANCE, slices=6)
    covariance = noise_covariance(k)
    np.testing.assert_allclose(covariance / 0.02**2, COVARIANCE, atol=0.4)
    np.testing.assert_array_equal(covariance, covariance.conj().T)
    white = prewhiten(k, covariance)
    np.testing.assert_allclose(noise_covariance(white), np.eye(3), atol=0.2)


def test_whitening_undoes_the_factor() -> None:
    k = scan_with_noise(np.eye(3))
    factor = np.linalg.cholesky(COVARIANCE)
    mixed = np.einsum("dc,schw->sdhw", factor, k).astype(np.complex64)
    np.testing.assert_allclose(prewhiten(mixed, COVARIANCE), k, atol=1e-4)


def test_a_few_samples_with_signal_do_not_matter() -> None:
    k = scan_with_noise(np.eye(3))
    k[..., ::37, :] += 1
    k[..., ::37, 1:-1] -= 1  # spikes at the edges of some rows
    assert noise_std(k) == pytest.approx(0.02, rel=0.15)


@pytest.mark.parametrize(
    "name",
    ["brain_pulseq_16ch", "brain_pulseq_bodycoil_2ch", "brain_librehub_8ch", "brain_sigpy_8ch_poisson",
     "phantom_pulseq_16ch", "phantom_gre_2ch_os2", "phantom_3T_3echo_1ch", "ulf_brain_flair_B_rfcage_rep1"],
)  # fmt: skip
def test_measured_scans(shared_data: Path, name: str) -> None:
    path = shared_data / "kspace" / f"{name}.h5"
    with h5py.File(path) as file:
        reference = np.array(json.loads(file.attrs["measured"])["noise_std_per_coil"])
    scan = read_scan(path)
    expected = np.sqrt(np.mean(reference**2))
    assert noise_std(scan.kspace, scan.mask) == pytest.approx(expected, rel=0.3)
    assert np.median(noise_std_per_coil(scan.kspace, scan.mask) / reference) == pytest.approx(1, abs=0.3)
    if scan.mask is None:
        under = scan.undersample(equispaced(scan.image_shape, 4, 20))
        assert noise_std(under.kspace, under.mask) == pytest.approx(expected, rel=0.3)


def test_refusals() -> None:
    with pytest.raises(InputError, match="too few samples"):
        noise_covariance(np.ones((1, 8, 4, 4), np.complex64))
    with pytest.raises(InputError, match=r"shape \(2, 2\), but there are 3 coils"):
        prewhiten(np.ones((3, 4, 4), np.complex64), np.eye(2, dtype=complex))
    with pytest.raises(InputError, match="not positive definite"):
        prewhiten(np.ones((2, 4, 4), np.complex64), np.ones((2, 2), complex))


def test_a_noise_scan_tells_the_covariance() -> None:
    parts = np.random.default_rng(1).standard_normal((2, 3, 20000))
    samples = (np.linalg.cholesky(COVARIANCE) @ (parts[0] + 1j * parts[1])).astype(np.complex64)
    np.testing.assert_allclose(noise_of_scan(samples).covariance, COVARIANCE, atol=0.1)
    white = prewhiten(samples[..., None], noise_of_scan(samples).covariance)[..., 0]
    np.testing.assert_allclose(noise_of_scan(white).covariance, np.eye(3), atol=1e-3)
    with pytest.raises(InputError, match="11 samples does not tell the noise of 3 coils; it takes 12"):
        noise_of_scan(samples[:, :11])


def test_noise_that_differs_between_the_edges_is_told_by_the_louder() -> None:
    k = scan_with_noise(np.eye(3))
    assert noise_at_edges(k).unevenness == 1
    filtered = k * np.linspace(1, 0.2, 96).astype(np.float32)
    found = noise_at_edges(filtered)
    assert found.unevenness == pytest.approx(1 / 0.2, rel=0.3)
    assert found.std == pytest.approx(0.02, rel=0.15)
    partial = filtered.copy()
    partial[..., :30] = 0  # partial Fourier: the near edge may hold signal, so it is not compared
    assert noise_at_edges(partial, partial.any(axis=(0, 1))).unevenness == 1


@pytest.mark.parametrize("name", ["fse_6A", "fse_7A", "flair_6A", "gre_6A", "fisp_human"])
def test_measured_scans_with_coloured_noise(shared_data: Path, name: str) -> None:
    path = shared_data / "kspace" / f"ulf_brain_{name}.h5"
    with h5py.File(path) as file:
        reference = json.loads(file.attrs["measured"])["noise_std_per_coil"][0]
    scan = read_scan(path)
    assert noise_at_edges(scan.kspace, scan.mask).std == pytest.approx(reference, rel=0.4)
