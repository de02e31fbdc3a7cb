"""Damaged files: each reader reads or refuses them, and does nothing else."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.mutations import READERS, damaged, outcome

COUNT = 50


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable()  # nibabel tells of damage, too
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    reader, path = READERS[name], tmp_path / f"file{READERS[name].suffix}"
    reader.fill(path)
    good = path.read_bytes()
    assert outcome(reader, path, good) == "read"
    found = {number: outcome(reader, path, damaged(good, name, number)) for number in range(COUNT)}
    assert {number: said for number, said in found.items() if said not in ("read", "InputError")} == {}
    assert "InputError" in found.values()


def test_a_reader_that_lets_another_exception_through_is_found(tmp_path: Path) -> None:
    reader = replace(READERS["npy"], read=lambda path: path.read_bytes().decode("ascii"))
    assert outcome(reader, tmp_path / "file.npy", b"\xff").startswith("UnicodeDecodeError: ")
