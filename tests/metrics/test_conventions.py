from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from invdiff.data import shepp_logan
from invdiff.errors import InputError
from invdiff.metrics import CONVENTIONS, Convention, Scores, find_convention, nmse, psnr, ssim

RNG = np.random.default_rng(2)
TRUTH = np.stack([shepp_logan((20, 24)), 3 * shepp_logan((20, 24))]) * np.exp(0.4j)
IMAGE = 1.2 * TRUTH + 0.1 * (RNG.standard_normal(TRUTH.shape) + 1j * RNG.standard_normal(TRUTH.shape))  # too bright
FASTMRI, INVERSEBENCH, SONG = (CONVENTIONS[name] for name in ("fastmri", "inversebench", "song"))


def gaussian_ssim(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    """Wang et al. 2004, weighted moments in Gaussian windows of 11 x 11 that lie within the image."""

    def mean(v: np.ndarray) -> np.ndarray:
        return gaussian_filter(v, 1.5, radius=5)[5:-5, 5:-5]

    a, b, c1, c2 = mean(x), mean(y), (0.01 * peak) ** 2, (0.03 * peak) ** 2
    covariance, power = mean(x * y) - a * b, mean(x * x + y * y) - a * a - b * b
    return float(np.mean((2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (power + c2))))


def by_hand(truth: np.ndarray, image: np.ndarray, peak: float) -> Scores:
    """Of a slice, clipped."""
    a, b = np.abs(truth), np.minimum(np.abs(image), peak)
    error = ((a - b) ** 2).mean()
    return Scores(10 * np.log10(peak**2 / error), gaussian_ssim(a, b, peak), error / (a**2).mean())


def assert_same(found: Scores, expected: Scores) -> None:
    assert vars(found) == pytest.approx(vars(expected), rel=1e-6)


def test_fastmri_is_the_metrics_of_the_volume() -> None:
    assert FASTMRI.units(2) == [None]
    expected = Scores(psnr(TRUTH, IMAGE), ssim(TRUTH, IMAGE), nmse(TRUTH, IMAGE))
    assert_same(FASTMRI.compare(TRUTH, IMAGE).scores(), expected)


@pytest.mark.parametrize("index", [0, 1])
def test_inversebench_takes_the_range_of_the_slice_and_clips(index: int) -> None:
    assert INVERSEBENCH.units(2) == [0, 1]
    peak = float(np.abs(TRUTH[index]).max())
    found = INVERSEBENCH.compare(TRUTH, IMAGE).scores(index)
    assert_same(found, by_hand(TRUTH[index], IMAGE[index], peak))
    assert found.psnr > replace(INVERSEBENCH, clipped=False).compare(TRUTH, IMAGE).scores(index).psnr


@pytest.mark.parametrize("index", [0, 1])
def test_song_takes_the_range_of_the_volume(index: int) -> None:
    peak = float(np.abs(TRUTH).max())
    found = SONG.compare(TRUTH, IMAGE).scores(index)
    assert_same(found, by_hand(TRUTH[index], IMAGE[index], peak))
    scaled = SONG.compare(TRUTH / peak, IMAGE / peak).scores(index)  # to [0, 1], as the paper's images are
    assert_same(found, scaled)


def test_conventions_disagree() -> None:
    """The same image, and a different figure by each."""
    found = {name: CONVENTIONS[name].compare(TRUTH, IMAGE).scores(0).psnr for name in CONVENTIONS}
    assert max(found.values()) - min(found.values()) > 5


@pytest.mark.parametrize("convention", CONVENTIONS.values(), ids=lambda convention: convention.name)
def test_a_box_is_scored_by_the_range_of_the_whole(convention: Convention) -> None:
    agreement = convention.compare(TRUTH, IMAGE)
    box = (slice(4, 9), slice(10, 13))
    found = agreement.scores(1, box)
    peak = float(np.abs(TRUTH[1]).max())
    a, b = np.abs(TRUTH[1][box]), np.abs(IMAGE[1][box])
    b = np.minimum(b, peak) if convention.clipped else b
    assert found.psnr == pytest.approx(10 * np.log10(peak**2 / ((a - b) ** 2).mean()))
    assert found.nmse == pytest.approx(((a - b) ** 2).sum() / (a**2).sum())
    assert found.ssim == pytest.approx(agreement.similarity[1][box].mean())
    # a spoilt pixel elsewhere leaves the error in the box alone
    spoilt = IMAGE.copy()
    spoilt[1, 18, 1] = 0.5
    assert convention.compare(TRUTH, spoilt).scores(1, box) == found
    assert convention.compare(TRUTH, spoilt).scores(1) != agreement.scores(1)


def test_a_box_outside_the_object() -> None:
    corner = (slice(0, 2), slice(0, 2))
    assert not TRUTH[0][corner].any()
    assert SONG.compare(TRUTH, IMAGE).scores(0, corner).nmse == np.inf
    assert_same(SONG.compare(TRUTH, TRUTH).scores(0, corner), Scores(np.inf, 1.0, 0.0))


def test_a_dark_slice_has_no_range_of_its_own() -> None:
    dark = np.stack([TRUTH[0], 0 * TRUTH[1]])
    with pytest.raises(InputError, match="Slice 1 of the truth is zero everywhere, so inversebench"):
        INVERSEBENCH.compare(dark, IMAGE)
    assert SONG.compare(dark, IMAGE).scores(1).nmse == np.inf  # by the range of the volume it can be scored


def test_small_images_are_refused() -> None:
    with pytest.raises(InputError, match="11 x 11"):
        SONG.compare(TRUTH[:, :10], IMAGE[:, :10])


def test_find() -> None:
    assert find_convention("song") is SONG
    with pytest.raises(InputError, match="no convention 'mine'; there are fastmri, inversebench, song"):
        find_convention("mine")
