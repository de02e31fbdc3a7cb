from pathlib import Path

import pytest

from invdiff.errors import InputError
from invdiff.files.csv_table import write_csv


def test_what_a_row_lacks_is_left_empty(tmp_path: Path) -> None:
    write_csv(tmp_path / "table.csv", ["file", "psnr"], [{"file": "a, b.h5", "psnr": 31.5}, {"file": "c.h5"}])
    assert (tmp_path / "table.csv").read_bytes() == b'file,psnr\n"a, b.h5",31.5\nc.h5,\n'


def test_a_table_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, ["file"], [{"file": "a.h5"}])
    with pytest.raises(ValueError, match="psnr"):
        write_csv(path, ["file"], [{"file": "b.h5"}, {"psnr": 31.5}])
    assert path.read_text() == "file\na.h5\n"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="can't be written"):
        write_csv(tmp_path / "missing" / "table.csv", ["file"], [])
