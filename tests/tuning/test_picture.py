from pathlib import Path

import pytest
from PIL import Image

from invdiff.errors import InputError
from invdiff.tuning import Parameters, Range, Space, Study, write_surface

A, B, C = Range("a", 0, 1), Range("b", 0.1, 10, log=True), Range("c", 1, 9, integer=True)


def score(point: Parameters) -> float:
    if point["a"] > 0.9:
        raise InputError("The run diverged.")
    return point["a"] + point.get("b", 0) - point.get("c", 0)


@pytest.mark.parametrize(("ranges", "rows"), [([A], 1), ([A, B, C], 3)], ids=["curve", "maps"])
def test_surfaces(tmp_path: Path, ranges: list[Range], rows: int) -> None:
    study = Study(Space(ranges), tmp_path, first=[{"a": 1.0, "b": 1.0, "c": 2}])
    study.run(score, 4)
    assert study.trials[0].failure
    write_surface(study, tmp_path / "surface.png")
    with Image.open(tmp_path / "surface.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == ((1050, 660) if len(ranges) == 1 else (1575, 660 * rows))
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert any(r > 180 and g < 70 and b < 70 and count > 30 for count, (r, g, b) in colours)  # the red star


def test_refusals(tmp_path: Path) -> None:
    study = Study(Space([A]), tmp_path)
    with pytest.raises(InputError, match="None of 0 trials"):
        write_surface(study, tmp_path / "surface.png")
    with pytest.raises(InputError, match=r"suffix '\.jpg'"):
        write_surface(study, tmp_path / "surface.jpg")
    assert not list(tmp_path.iterdir())
