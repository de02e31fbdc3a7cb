import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from invdiff.errors import InputError
from invdiff.evaluation import summary, write_figure
from invdiff.evaluation.figure import _by_file
from invdiff.evaluation.score_table import COLUMNS

ROWS = [
    dict.fromkeys(COLUMNS, "1")
    | {"file": file, "slice": slice_, "method": method, "mask": mask, "acceleration": acceleration, "region": region}
    | {
        "psnr": f"{30 + len(method) - float(acceleration) + int(slice_)}",
        "convention": "song",
        "target": "mvue",
        "z_roughness": "",
    }
    for file, slice_, method, mask, acceleration, region in itertools.product(
        "ab", "02", ["fast", "cg-sense"], ["random", "poisson"], ["4", "10"], ["", "tear"]
    )
]


def test_figure(tmp_path: Path) -> None:
    write_figure(tmp_path / "psnr.png", ROWS)
    with Image.open(tmp_path / "psnr.png") as picture:
        wide = picture.size
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
    assert {(0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)} <= colours  # a mark for either method
    write_figure(tmp_path / "one.png", [row for row in ROWS if row["mask"] == "random"])
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.size[0] < wide[0]
        assert picture.size[1] == wide[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "psnr.png"]


def test_points_are_means_over_slices() -> None:
    rows = [row for row in ROWS if (row["method"], row["mask"], row["acceleration"]) == ("fast", "random", "4")]
    rows[0] = rows[0] | {"psnr": "inf"}
    np.testing.assert_allclose(_by_file([row for row in rows if not row["region"]]), [32, 31])


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no scores to draw"):
        write_figure(tmp_path / "psnr.png", [row for row in ROWS if row["region"]])
    with pytest.raises(InputError, match=r"'\.pdf'"):
        write_figure(tmp_path / "psnr.pdf", ROWS)


def test_summary() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(summary(ROWS))
    text = captured.get()
    assert text.count("means of 2 file(s)") == 2
    lines = [line.split() for line in text.splitlines()]
    assert ["4", "1.00", "fast", "31.00", "1.0000", "1.00000", "1"] in lines
    assert ["10", "1.00", "tear", "cg-sense", "29.00", "1.0000", "1.00000", "1"] in lines
    with console.capture() as captured:
        console.print(summary([row for row in ROWS if not row["region"]]))
    assert "region" not in captured.get()
