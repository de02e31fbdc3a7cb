import numpy as np
import pytest

from invdiff.priors import Intensity
from invdiff.training import DatasetImages, image_statistics

SCALE = Intensity(99.9, 1.0)


def test_white_noise_has_a_flat_spectrum_and_its_own_deviation() -> None:
    rng = np.random.default_rng(0)
    parts = rng.standard_normal((40, 2, 64, 48), dtype=np.float32)
    found = image_statistics(DatasetImages(list(0.3 * parts), SCALE))
    assert found.data_std == pytest.approx(0.3, rel=0.01)
    assert len(found.power_spectrum) == 32
    np.testing.assert_allclose(found.power_spectrum, 2 * 0.3**2, rtol=0.35)  # the first bin holds few frequencies
    np.testing.assert_allclose(np.mean(found.power_spectrum[8:]), 2 * 0.3**2, rtol=0.02)


def test_a_wave_is_found_in_its_bin_whatever_the_size() -> None:
    for n in (64, 96):
        wave = np.broadcast_to(np.cos(2 * np.pi * 0.25 * np.arange(n)), (n, n)).astype(np.float32)
        spectrum = image_statistics(DatasetImages([wave], SCALE)).power_spectrum
        assert int(np.argmax(spectrum)) == 16
        assert spectrum[16] > 100 * max(np.delete(spectrum, 16))


def test_small_images_leave_no_bin_empty() -> None:
    spectrum = image_statistics(DatasetImages([np.ones((8, 8), np.float32)], SCALE)).power_spectrum
    assert np.isfinite(spectrum).all()
    assert spectrum[0] > 0
