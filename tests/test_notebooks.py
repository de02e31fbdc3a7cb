"""The notebooks of the docs run, and show what is stored in them."""

import json
import re
from copy import deepcopy
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.printed import differences

nbformat = pytest.importorskip("nbformat", reason="needs nbclient and ipykernel")
pytest.importorskip("nbclient", reason="needs nbclient and ipykernel")
pytest.importorskip("nibabel", reason="needs nibabel")
DOCS = Path(__file__).parents[1] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def notebook_runs() -> ModuleType:
    spec = util.spec_from_file_location("notebook_runs", DOCS / "notebook_runs.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def shown(cell: Any) -> str:
    """The text of what a cell shows, and what kinds of pictures."""
    said = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        said += [
            output.get("text", ""),
            re.sub(r"src='[^']*'", "", data.get("text/html", "")),
            data.get("text/plain", ""),
        ]
        said += [kind for kind in data if kind.startswith("image/")] + [output.get("ename", "")]
    return "\n".join(said)


def told_otherwise(stored: Any, ran: Any) -> dict[int, list[str]]:
    """Of each cell that shows something else than is stored: what."""
    pairs = zip(stored.cells, ran.cells, strict=True)
    found = {number: differences(shown(one), shown(other)) for number, (one, other) in enumerate(pairs)}
    return {number: said for number, said in found.items() if said}


def test_there_is_a_notebook_for_each_story() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["a-folder-to-a-report", "compose-a-solver", "train-on-bids"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*TCP without encryption", "ignore::ResourceWarning")
def test_a_notebook_shows_what_is_stored(notebook_runs: ModuleType, path: Path, tmp_path: Path) -> None:
    stored = read(path)
    assert told_otherwise(stored, notebook_runs.run(deepcopy(stored), tmp_path)) == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_is_small_and_was_run_from_the_first_cell_on(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        pictures = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
        assert all(len(picture) < 300_000 for picture in pictures)
        assert bool(pictures) == bool(cell.metadata.get("alt"))  # each picture is told to who can't see it
        assert "error" not in {output.output_type for output in cell.outputs}
        assert not re.search("^invdiff: ", shown(cell), re.MULTILINE)  # as a command begins that can't do it


def test_another_output_is_found() -> None:
    stored = read(NOTEBOOKS[0])
    ran = deepcopy(stored)
    number, printing = next((n, one) for n, one in enumerate(ran.cells) if "PSNR" in json.dumps(one))
    printing.outputs[0].text = printing.outputs[0].text.replace("audit: error", "Audit: error", 1)
    assert told_otherwise(stored, ran) == {number: ["['audit:'] became ['Audit:']"]}


@pytest.mark.parametrize(
    ("told", "printed", "found"),
    [
        ("36.94 dB in 0:00:04", "36.95   dB in\r\n0:01:04", []),
        ("36.94 dB", "38.94 dB", ["36.94 became 38.94"]),
        ("0.00123", "0.00126", []),
        ("0.00123", "0.00133", ["0.00123 became 0.00133"]),
        ("7.1e-05", "7.1e-03", ["7.1e-05 became 7.1e-03"]),
        ("estimate ━━━ 100%\n4 files", "4 files", []),
        ("on cpu with 1 thread\n", "on cpu with 16 threads\n", []),
        ("a b", "\x1b[1ma\x1b[0m c", ["['b'] became ['c']"]),
        ("   (dB)  s /\n slice\n tv  36.1  0.35\n", "   (dB)  s /\n slice\n tv  36.1  9.35\n", []),
        ("   (dB)  s /\n slice\n tv  36.1  0.35\n", "   (dB)  s /\n slice\n tv  39.1  0.35\n", ["36.1 became 39.1"]),
    ],
)
def test_words_count_and_numbers_nearly(told: str, printed: str, found: list[str]) -> None:
    assert differences(told, printed) == found
