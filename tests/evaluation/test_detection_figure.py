from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from invdiff.errors import InputError
from invdiff.evaluation import Finding, Lesion, Shown, write_detection

SHAPE = (40, 30)


def shown(recovered: tuple[float, ...] = (0.01, 0.19, 0.1)) -> Shown:
    lesions = [Lesion((8 + 12 * k, 6 + 8 * k), (3, 3), 0.2) for k in range(len(recovered))]
    findings = [Finding(lesion, part, np.zeros(1)) for lesion, part in zip(lesions, recovered, strict=True)]
    inserted = sum(0.2 * lesion.disc(SHAPE).numpy() for lesion in lesions) if lesions else np.zeros(SHAPE)
    back = sum(f.recovered * f.lesion.disc(SHAPE).numpy() for f in findings) if lesions else np.zeros(SHAPE)
    return Shown(findings, np.ones(SHAPE), inserted, back)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_places_have_the_colours_of_their_shares(tmp_path: Path) -> None:
    write_detection(tmp_path / "a.png", shown())
    write_detection(tmp_path / "b.png", shown((0.19, 0.01, 0.1)))
    a, b = pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png")
    assert a.shape == b.shape
    height, width = a.shape[0] // 2, a.shape[1] // 2
    assert (a[:height, :width] != b[:height, :width]).any()  # the first lesion is up on the left: of the map alone
    np.testing.assert_array_equal(a[:, -50:], b[:, -50:])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_of_many_lesions_six_are_shown_beside_the_map(tmp_path: Path) -> None:
    widths = {}
    for count in (1, 6, 9):
        few = shown((0.1,))
        findings = [replace(few.findings[0], recovered=0.01 * k) for k in range(count)]
        write_detection(tmp_path / "a.png", replace(few, findings=findings))
        widths[count] = pixels(tmp_path / "a.png").shape[1]
    assert widths[1] < widths[6] == widths[9]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"findings": []}, "no lesions to draw"),
        ({"image": np.ones((4, 4))}, r"must all be \(H, W\)"),
        ({"difference": np.full(SHAPE, np.nan)}, "NaN or infinity"),
    ],
)
def test_refusals(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        write_detection(tmp_path / "a.png", replace(shown(), **changes))
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_png(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'\.pdf'"):
        write_detection(tmp_path / "a.pdf", shown())
