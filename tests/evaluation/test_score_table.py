import subprocess
import sys
from pathlib import Path

import pytest

from invdiff.errors import InputError
from invdiff.evaluation import ScoreTable
from invdiff.evaluation.score_table import COLUMNS, IDENTITY


def row(**changes: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "1") | changes


def test_rows_come_back(tmp_path: Path) -> None:
    table = ScoreTable(tmp_path / "scores.csv")
    rows = [row(file="a, b"), row(region='a "tear"\nof the meniscus')]
    table.append(rows[:1])
    table.append(rows)
    again = ScoreTable(tmp_path / "scores.csv")
    assert again.rows == table.rows == rows
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize("column", COLUMNS)
def test_identity(tmp_path: Path, column: str) -> None:
    table = ScoreTable(tmp_path / "scores.csv")
    table.append([row()])
    assert (row(**{column: "other"}) in table) == (column not in IDENTITY)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_row_cut_short_is_forgotten_and_written_anew(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "scores.csv"
    ScoreTable(path).append([row(file="a"), row(file="b")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    table = ScoreTable(path)
    assert [r["file"] for r in table.rows] == ["a"]
    assert path.read_bytes() == whole[:-cut]  # reading changes nothing
    table.append([row(file="b")])
    assert path.read_bytes() == whole


def test_nothing_to_add_leaves_no_trace(tmp_path: Path) -> None:
    table = ScoreTable(tmp_path / "scores.csv")
    table.append([])
    assert not table.path.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "no table of scores of this version"),
        (b"\xff\xfe\n", "can't be read"),
        (",".join(COLUMNS).encode() + b"\n1,2,3\n", f"row 2 does not have {len(COLUMNS)} columns"),
        (
            ",".join(COLUMNS).encode() + b"\n" + b",".join([b"1"] * 30) + b"\n",
            f"row 2 does not have {len(COLUMNS)} columns",
        ),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "scores.csv").write_bytes(content)
    with pytest.raises(InputError, match=words):
        ScoreTable(tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_bytes() == content


def test_a_table_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    table = ScoreTable(tmp_path / "file" / "scores.csv")
    with pytest.raises(InputError, match="can't be locked"):
        table.append([row()])
    table = ScoreTable(tmp_path / "scores.csv")
    (tmp_path / "scores.csv").mkdir()
    with pytest.raises(InputError, match="can't be"):
        table.append([row()])
    with pytest.raises(InputError, match="can't be read"):
        ScoreTable(tmp_path / "scores.csv")


class Forgetful(ScoreTable):
    """A table that takes no notice of what others add."""

    def reload(self) -> None:
        """Look at the file once alone."""
        if not hasattr(self, "_looked"):
            self._looked = True
            super().reload()


@pytest.mark.parametrize("kind", [ScoreTable, Forgetful])
def test_tables_that_are_added_to_in_turn_are_one(tmp_path: Path, kind: type[ScoreTable]) -> None:
    path = tmp_path / "scores.csv"
    one, other = kind(path), kind(path)
    one.append([row(file="a"), row(file="b")])
    other.append([row(file="b"), row(file="c")])
    one.append([row(file="c"), row(file="d")])
    lines = path.read_text(encoding="utf-8").splitlines()
    right = [line.split(",")[0] for line in lines] == ["file", "a", "b", "c", "d"]
    assert right == (kind is ScoreTable)
    if kind is ScoreTable:
        other.reload()
        assert other.rows == one.rows == ScoreTable(path).rows


ADDS = """
import sys
from pathlib import Path
from invdiff.evaluation import ScoreTable
from invdiff.evaluation.score_table import COLUMNS
table = ScoreTable(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(40):
    table.append([dict.fromkeys(COLUMNS, "1") | {"file": f"theirs{number}"}, dict.fromkeys(COLUMNS, "1")])
"""


def test_processes_add_to_one_table(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    with subprocess.Popen([sys.executable, "-c", ADDS, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "ready\n"
        table = ScoreTable(path)
        for number in range(40):
            table.append([row(file=f"ours{number}"), row()])
    assert other.returncode == 0
    found = [each["file"] for each in ScoreTable(path).rows]
    assert sorted(found) == sorted(["1", *(f"{whose}{number}" for whose in ("ours", "theirs") for number in range(40))])
