"""What was given and can't be used, as a notebook tells it: a sentence, and the line of the cell."""

from pathlib import Path

from invdiff.data import read_scan
from invdiff.errors import InputError


def test_a_notebook_shows_the_line_of_the_cell_and_the_sentence(tmp_path: Path) -> None:
    cell = tmp_path / "cell.py"
    cell.write_text("x = 1\nscan = read('nowhere.h5')\n", encoding="utf-8")
    try:
        exec(compile(cell.read_text(encoding="utf-8"), str(cell), "exec"), {"read": read_scan})
    except InputError as error:
        shown = error._render_traceback_()
    assert shown == [
        "line 2: scan = read('nowhere.h5')",
        "InputError: nowhere.h5 does not exist; give the path of a scan.",
    ]


def test_without_a_line_the_sentence_is_shown() -> None:
    assert InputError("a\x1b[2J")._render_traceback_() == ["InputError: a\\x1b[2J"]
