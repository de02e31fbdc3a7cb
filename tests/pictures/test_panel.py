from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from invdiff.data import shepp_logan
from invdiff.errors import InputError
from invdiff.pictures import write_panel

TRUTH = np.stack([shepp_logan((40, 32))] * 11)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_columns_and_rows(tmp_path: Path) -> None:
    noisy = TRUTH + 0.1
    write_panel(tmp_path / "one.png", {"mean": noisy[:1]})
    write_panel(tmp_path / "all.png", {"zero-filled": noisy, "mean": noisy}, std=np.abs(noisy), truth=TRUTH)
    one, everything = pixels(tmp_path / "one.png"), pixels(tmp_path / "all.png")
    assert 4.5 < everything.shape[1] / one.shape[1] < 5.5  # five columns
    assert 5 < everything.shape[0] / one.shape[0] < 8  # eight of eleven slices
    assert np.ptp(one, axis=2).max() < 12  # grey alone
    assert np.ptp(everything, axis=2).max() > 100  # error and deviation in colour
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["all.png", "one.png"]


def test_the_window_is_the_truths(tmp_path: Path) -> None:
    write_panel(tmp_path / "a.png", {"mean": TRUTH[:1]}, truth=TRUTH[:1])
    write_panel(tmp_path / "b.png", {"mean": 0.3 * TRUTH[:1]}, truth=TRUTH[:1])
    a, b = pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png")
    third = a.shape[1] // 3
    middle = slice(a.shape[0] // 4, -a.shape[0] // 4)
    assert b[middle, :third].mean() < 0.5 * a[middle, :third].mean()


def test_the_deviation_has_the_scale_of_the_image(tmp_path: Path) -> None:
    """Twice the deviation looks brighter, where a window of its own would show the same; of a fifth of the truth all is
    at the window's end, as its error is."""

    def last_column(std: float) -> float:
        write_panel(tmp_path / "p.png", {"mean": TRUTH[:1]}, truth=TRUTH[:1], std=np.full((1, 40, 32), std))
        found = pixels(tmp_path / "p.png")
        return found[found.shape[0] // 4 : -found.shape[0] // 4, -found.shape[1] // 8 : -20].mean()

    white = np.abs(TRUTH).max()
    assert last_column(0.02 * white) < last_column(0.04 * white) < last_column(0.2 * white) == last_column(white)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "p.jpg"}, "written as .png"),
        ({"images": {}}, "at least one"),
        ({"images": {"mean": TRUTH[0]}}, r"'mean' has shape \(40, 32\)"),
        ({"std": TRUTH[:2]}, r"'standard deviation' has shape \(2, 40, 32\), not \(11"),
        ({"images": {"mean": TRUTH * np.nan}}, "'mean' .* NaN"),
        ({"path": "missing/p.png"}, "can't be written"),
    ],
)
def test_refusals(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    arguments = {"path": "p.png", "images": {"mean": TRUTH}, **change}
    arguments["path"] = tmp_path / arguments["path"]
    with pytest.raises(InputError, match=words):
        write_panel(**arguments)
    assert not list(tmp_path.iterdir())
