from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import estimate_noise, noise_of_scan, noise_std, read_scan, shepp_logan, simulate
from invdiff.data.edge_noise import edge_noise
from invdiff.data.masks import equispaced, random_lines
from invdiff.errors import InputError

COVARIANCE = np.array([[1, 0.5j, 0], [-0.5j, 4, 0.3], [0, 0.3, 0.5]])


def white_noise(*shape: int, seed: int = 0) -> np.ndarray:
    parts = np.random.default_rng(seed).standard_normal((2, *shape))
    return parts[0] + 1j * parts[1]


def texture(side: int, seed: int = 0) -> np.ndarray:
    y, x = np.meshgrid(*[np.linspace(-1, 1, side)] * 2, indexing="ij")
    return np.abs(np.random.default_rng(seed).standard_normal((side, side))) * ((y / 0.85) ** 2 + (x / 0.7) ** 2 < 1)


def points(side: int, centre: int, seed: int = 0) -> np.ndarray:
    mask = np.random.default_rng(seed).random((side, side)) < 0.2
    around = slice(side // 2 - centre // 2, side // 2 - centre // 2 + centre)
    mask[around, around] = True
    mask[side // 2, side // 2] = centre > 0
    return mask


OBJECTS = {"phantom": lambda side: np.abs(shepp_logan((side, side))), "texture": texture}
SAMPLINGS = {
    "full": lambda side: np.ones((side, side), bool),
    "4x lines": lambda side: random_lines((side, side), 4, 0.16),
    "8x lines": lambda side: random_lines((side, side), 8, 0.1),
}


@settings(deadline=None, max_examples=40)
@given(
    what=st.sampled_from(sorted(OBJECTS)),
    sampling=st.sampled_from(sorted(SAMPLINGS)),
    side=st.sampled_from([64, 96, 128]),
    coils=st.sampled_from([4, 8, 13, 16]),
    level=st.sampled_from([0.001, 0.01, 0.1]),
    seed=st.integers(0, 99),
)
def test_the_level_is_told_whatever_the_object(
    what: str, sampling: str, side: int, coils: int, level: float, seed: int
) -> None:
    mask = SAMPLINGS[sampling](side)
    scan = simulate(OBJECTS[what](side), coils=coils, mask=mask, noise_std=level, seed=seed)
    found = estimate_noise(scan.kspace, scan.mask)
    assert found.source == "from patches of the centre of k-space"
    assert abs(found.std / level - 1) < max(0.02, 4 * found.uncertainty)
    if sampling == "full":
        assert found.std == pytest.approx(level, rel=0.03)
        assert found.uncertainty < 0.03


@pytest.mark.parametrize("sampling", ["full", "4x lines"])
@pytest.mark.parametrize("coils", [1, 8, 32])
def test_a_phantom_of_256_within_three_per_cent(coils: int, sampling: str) -> None:
    mask = SAMPLINGS[sampling](256)
    scan = simulate(np.abs(shepp_logan((256, 256))), coils=coils, mask=mask, noise_std=0.005)
    assert noise_std(scan.kspace, scan.mask) == pytest.approx(0.005, rel=0.03)


def test_the_edges_would_be_wrong() -> None:
    scan = simulate(np.abs(shepp_logan((96, 96))), coils=8, noise_std=0.005)
    assert edge_noise(scan.kspace, scan.sampled).std > 1.5 * 0.005
    assert noise_std(scan.kspace) == pytest.approx(0.005, rel=0.02)


def test_a_small_centre_says_so() -> None:
    """The uncertainty covers the error nine times in ten, and is large where the centre is small."""
    errors, uncertainties = [], []
    for seed in range(20):
        mask = points(96, 10, seed)
        scan = simulate(OBJECTS["phantom"](96), coils=8, mask=mask, noise_std=0.01, seed=seed)
        found = estimate_noise(scan.kspace, scan.mask)
        errors.append(abs(found.std / 0.01 - 1))
        uncertainties.append(found.uncertainty)
    assert np.mean(np.array(errors) < np.array(uncertainties)) > 0.6
    assert np.mean(np.array(errors) < 2 * np.array(uncertainties)) > 0.9
    full = estimate_noise(simulate(OBJECTS["phantom"](96), coils=8, noise_std=0.01).kspace)
    assert min(uncertainties) > 3 * full.uncertainty


def test_several_slices_are_pooled() -> None:
    mask = points(64, 10)
    volume = np.stack([np.roll(OBJECTS["phantom"](64), i, axis=0) for i in range(8)])
    scan = simulate(volume, coils=8, mask=mask, noise_std=0.01)
    one, all_of_them = (estimate_noise(scan.kspace[:n], scan.mask) for n in (1, 8))
    assert all_of_them.uncertainty < 0.8 * one.uncertainty
    assert all_of_them.std == pytest.approx(0.01, rel=3 * all_of_them.uncertainty)


@settings(deadline=None, max_examples=10)
@given(exponent=st.integers(-30, 30), coils=st.sampled_from([1, 4]), centre=st.sampled_from([0, 12]))
def test_units_do_not_matter(exponent: int, coils: int, centre: int) -> None:
    scan = simulate(shepp_logan((64, 64)), coils=coils, noise_std=0.01)
    mask = equispaced((64, 64), 3, centre)
    once = estimate_noise(scan.kspace * mask, mask)
    scaled = estimate_noise(np.complex64(10.0**exponent) * scan.kspace * mask, mask)
    assert scaled.std == pytest.approx(10.0**exponent * once.std, rel=1e-4)
    assert scaled.uncertainty == pytest.approx(once.uncertainty, rel=1e-2)
    assert scaled.source == once.source


def test_numbers_near_the_largest() -> None:
    scan = simulate(shepp_logan((64, 64)), coils=2, noise_std=0.01)
    large = (scan.kspace / np.abs(scan.kspace).max() * 3.3e38).astype(np.complex64)
    assert noise_std(large) / 3.3e38 == pytest.approx(noise_std(scan.kspace) / np.abs(scan.kspace).max(), rel=1e-3)


def test_noise_of_unequal_and_correlated_coils() -> None:
    """The covariance of the outermost samples is taken where it leaves more of the patches to noise."""
    rng = np.random.default_rng(2)
    factor = np.eye(8) + 0.25 * (rng.standard_normal((8, 8)) + 1j * rng.standard_normal((8, 8)))
    covariance = factor @ factor.conj().T
    signal = simulate(np.abs(shepp_logan((128, 128))), coils=8)
    smooth = signal.kspace * np.outer(np.hanning(128), np.hanning(128)) ** 2
    noise = 0.02 * np.einsum("dc,schw->sdhw", factor, white_noise(*smooth.shape))
    found = estimate_noise((smooth + noise).astype(np.complex64))
    assert found.std == pytest.approx(0.02 * np.sqrt(np.diag(covariance).real.mean()), rel=0.1)
    error = np.linalg.norm(found.covariance / 0.02**2 - covariance) / np.linalg.norm(covariance)
    assert error < 0.15
    sharp = simulate(np.abs(shepp_logan((64, 64))), coils=8, noise_std=0.002)
    assert estimate_noise(sharp.kspace).covariance is None


def test_noise_that_the_receiver_filters_is_that_of_the_central_readout() -> None:
    scan = simulate(np.abs(shepp_logan((128, 96))), coils=4)
    profile = np.where(np.abs(np.arange(128) - 64) < 50, 1, 0.42)[:, None]
    noise = np.fft.fft(np.fft.ifftshift(white_noise(1, 4, 128, 96) * profile, 2), axis=2, norm="ortho")
    found = estimate_noise((scan.kspace + 0.01 * np.fft.fftshift(noise, 2)).astype(np.complex64))
    assert found.std == pytest.approx(0.01, rel=0.03)


def test_without_a_centre_the_edges_tell_and_say_how_little() -> None:
    mask = points(128, 0)
    scan = simulate(shepp_logan((128, 128)), coils=3, mask=mask, noise_std=0.02)
    found = estimate_noise(scan.kspace, scan.mask)
    assert found.source == "from the edges of k-space, signal included"
    assert found.std == pytest.approx(0.02, rel=found.uncertainty)
    assert found.uncertainty >= 0.3
    loud = white_noise(1, 3, 128, 128) * mask
    assert estimate_noise(loud.astype(np.complex64), mask).uncertainty == 0.3


@pytest.mark.parametrize("coils", [1, 8])
def test_what_was_never_noisy_holds_what_rounding_leaves(coils: int) -> None:
    scan = simulate(shepp_logan((64, 64)), coils=coils)
    found = estimate_noise(scan.kspace)
    assert 0 < found.std < 1e-4 * np.abs(scan.kspace).max()


def test_what_is_zero_is_left_out() -> None:
    scan = simulate(np.stack([OBJECTS["phantom"](64)] * 2), coils=5, noise_std=0.01)
    padded = scan.kspace.copy()
    padded[1] = 0
    padded[:, 3] = 0
    found = estimate_noise(padded)
    assert found.std == pytest.approx(0.01, rel=0.03)
    assert found.covariance is None


def test_noise_that_differs_between_the_edges_is_told() -> None:
    scan = simulate(np.abs(shepp_logan((128, 96))), coils=3)
    smooth = scan.kspace * np.outer(np.hanning(128), np.hanning(96)) ** 2
    k = (smooth + 0.02 * white_noise(*smooth.shape)).astype(np.complex64)
    assert estimate_noise(k).unevenness == 1
    filtered = k * np.linspace(1, 0.2, 96).astype(np.float32)
    assert estimate_noise(filtered).unevenness == pytest.approx(1 / 0.2, rel=0.3)
    partial = filtered.copy()
    partial[..., :30] = 0  # partial Fourier: the near edge may hold signal, so it is not compared
    assert estimate_noise(partial, partial.any(axis=(0, 1))).unevenness == 1


def test_refusals() -> None:
    for constant in (np.ones((1, 8, 4, 4)), np.ones((1, 2, 64, 64)), np.zeros((1, 2, 64, 64))):
        with pytest.raises(InputError, match="is the same everywhere, so its noise can't be told; give --noise-std"):
            estimate_noise(constant.astype(np.complex64))
    single = np.zeros((32, 32), bool)
    single[16, 10] = True
    with pytest.raises(InputError, match="give --noise-std"):
        estimate_noise((white_noise(1, 3, 32, 32) * single).astype(np.complex64), single)


def test_a_noise_scan_tells_the_covariance() -> None:
    samples = (np.linalg.cholesky(COVARIANCE) @ white_noise(3, 20000)).astype(np.complex64)
    found = noise_of_scan(samples)
    np.testing.assert_allclose(found.covariance, COVARIANCE, atol=0.1)
    assert found.std == pytest.approx(np.sqrt(np.diag(COVARIANCE).real.mean()), rel=4 * found.uncertainty)
    assert found.uncertainty < 0.01
    tiny = noise_of_scan((1e-30 * samples).astype(np.complex64))
    np.testing.assert_allclose(tiny.covariance / 1e-60, found.covariance, rtol=1e-4, atol=1e-4)


def test_a_poor_noise_scan() -> None:
    with pytest.raises(InputError, match="2 samples does not tell the noise of 3 coils; it takes 3 at least"):
        noise_of_scan(np.ones((3, 2), np.complex64))
    with pytest.raises(InputError, match="noise scan of 3 coils is zero everywhere"):
        noise_of_scan(np.zeros((3, 50), np.complex64))
    dead = white_noise(3, 500)
    dead[1] = 0
    assert noise_of_scan(dead.astype(np.complex64)).covariance is None
    dead[1] = dead[0]
    assert noise_of_scan(dead.astype(np.complex64)).covariance is None


MEASURED = {
    "brain_librehub_8ch": 0.1,
    "brain_pulseq_bodycoil_2ch": 0.2,
    "phantom_3T_3echo_1ch": 0.2,
    "phantom_gre_2ch_os2": 0.15,
    "ulf_brain_flair_B_rfcage_rep1": 0.15,
    "ulf_brain_gre_6A": 0.15,
    "brain_pulseq_16ch": 0.1,
    "brain_sigpy_8ch_poisson": 0.1,
}
"""How near to the levels in the files, which were read off k-space and are no truth."""


@pytest.mark.parametrize("name", MEASURED)
def test_measured_scans(shared_data: Path, name: str) -> None:
    import json

    path = shared_data / "kspace" / f"{name}.h5"
    with h5py.File(path) as file:
        reference = np.array(json.loads(file.attrs["measured"])["noise_std_per_coil"])
    scan = read_scan(path)
    expected = np.sqrt(np.mean(reference**2))
    assert noise_std(scan.kspace, scan.mask) == pytest.approx(expected, rel=MEASURED[name])
    if scan.mask is None:
        under = scan.undersample(equispaced(scan.image_shape, 4, 24))
        assert noise_std(under.kspace, under.mask) == pytest.approx(expected, rel=MEASURED[name] + 0.05)
