from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from invdiff.data import shepp_logan
from invdiff.errors import InputError
from invdiff.metrics import Scores, nmse, psnr, ssim
from invdiff.pictures import table

TRUTH = np.stack([shepp_logan((20, 24)), 3 * shepp_logan((20, 24))]) * np.exp(0.4j)
RNG = np.random.default_rng(2)
IMAGE = TRUTH + 0.1 * (RNG.standard_normal(TRUTH.shape) + 1j * RNG.standard_normal(TRUTH.shape))


def ssim_from_the_paper(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    """Sample covariances in 7 x 7 windows that lie within the image."""
    scores = []
    for i in range(3, x.shape[0] - 3):
        for j in range(3, x.shape[1] - 3):
            a, b = (v[i - 3 : i + 4, j - 3 : j + 4].ravel() for v in (x, y))
            c = np.cov(a, b)
            c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
            luminance = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
            scores.append(luminance * (2 * c[0, 1] + c2) / (c[0, 0] + c[1, 1] + c2))
    return float(np.mean(scores))


def test_against_the_definitions() -> None:
    a, b = np.abs(TRUTH), np.abs(IMAGE)
    assert psnr(TRUTH, IMAGE) == pytest.approx(20 * np.log10(a.max() / np.sqrt(((a - b) ** 2).mean())))
    assert nmse(TRUTH, IMAGE) == pytest.approx(np.linalg.norm(a - b) ** 2 / np.linalg.norm(a) ** 2)
    assert ssim(TRUTH, IMAGE) == pytest.approx(
        np.mean([ssim_from_the_paper(x, y, a.max()) for x, y in zip(a, b, strict=True)])
    )


def test_range_is_the_volumes() -> None:
    slices = [ssim(t, i) for t, i in zip(TRUTH, IMAGE, strict=True)]
    assert ssim(TRUTH, IMAGE) > np.mean(slices) + 0.01  # the weak first slice is judged by the range of both


def test_phase_and_units_do_not_matter() -> None:
    for metric in (psnr, ssim, nmse):
        assert metric(7 * TRUTH, 7j * IMAGE) == pytest.approx(metric(TRUTH, IMAGE))
    assert (psnr(TRUTH, TRUTH), nmse(TRUTH, TRUTH), ssim(TRUTH, TRUTH)) == (np.inf, 0, pytest.approx(1))
    assert psnr(TRUTH, IMAGE) != psnr(IMAGE, TRUTH)
    blurred = uniform_filter(np.abs(TRUTH), (0, 5, 5))
    assert ssim(TRUTH, blurred) < 0.95


@pytest.mark.parametrize("metric", [psnr, ssim, nmse])
@pytest.mark.parametrize(
    ("truth", "image", "words"),
    [
        (TRUTH, IMAGE[0], r"\(2, 20, 24\) and \(20, 24\)"),
        (TRUTH[0, 0], IMAGE[0, 0], r"not \(24,\)"),
        (TRUTH, IMAGE * np.nan, "NaN"),
        (0 * TRUTH, IMAGE, "zero everywhere"),
    ],
)
def test_refusals(
    metric: Callable[[np.ndarray, np.ndarray], float], truth: np.ndarray, image: np.ndarray, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        metric(truth, image)


def test_small_images_have_no_ssim() -> None:
    with pytest.raises(InputError, match="7 x 7"):
        ssim(TRUTH[:, :6], IMAGE[:, :6])


def test_table() -> None:
    from rich.console import Console

    console = Console(width=80)
    with console.capture() as captured:
        scored = {"mean": Scores.of(TRUTH, IMAGE), "truth itself": Scores.of(TRUTH, TRUTH)}
        console.print(table(scored, target="the phantom"))
    text = captured.get()
    row = next(line for line in text.splitlines() if line.strip().startswith("mean"))
    assert row.split() == [
        "mean",
        f"{psnr(TRUTH, IMAGE):.2f}",
        f"{ssim(TRUTH, IMAGE):.4f}",
        f"{nmse(TRUTH, IMAGE):.5f}",
    ]
    assert "inf" in text
    assert "against: the phantom" in text
