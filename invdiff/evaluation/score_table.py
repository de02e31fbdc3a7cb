"""The table of scores: a tidy CSV that grows by whole rows, and knows what it holds."""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from invdiff.errors import InputError

Row = Mapping[str, str]
Key = tuple[str, ...]

IDENTITY = (
    "file",
    "slices",
    "slice",
    "region",
    "box",
    "method",
    "mask",
    "acceleration",
    "centre_fraction",
    "convention",
    "target",
    "source",
    "seed",
    "settings",
)
"""What tells rows apart. An empty slice is the whole volume, an empty region the whole image; ``slices`` are those that
the volume was made of, since noise, range and random numbers depend on them.
"""

RESULTS = ("psnr", "ssim", "nmse", "achieved_acceleration", "nfe", "seconds", "weight", "noise_std", "versions")
"""What was found."""

COLUMNS = (*IDENTITY, *RESULTS)


class ScoreTable:
    """The rows of a CSV file, and those to come.

    A row that was cut short, as by a loss of power, is forgotten.

    Args:
        path: of the file; it need not be there yet.

    Raises:
        InputError: the file is something else, or can't be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.rows: list[Row] = []
        try:
            content = self.path.read_bytes() if self.path.exists() else b""
            self._whole = content.rfind(b"\n") + 1
            lines = csv.DictReader(io.StringIO(content[: self._whole].decode(), newline=""))
            self.rows = list(lines)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{self.path} can't be read as a table of scores: {error}.") from error
        if self._whole and tuple(lines.fieldnames or ()) != COLUMNS:
            raise InputError(f"{self.path} is no table of scores of this version; move it, or choose another folder.")
        for line, row in enumerate(self.rows, start=2):
            if None in row or None in row.values():  # what csv makes of too many fields, or too few
                raise InputError(
                    f"{self.path}: row {line} does not have {len(COLUMNS)} columns; mend or move the file."
                )
        self._torn = self._whole < len(content)
        self._keys = {key(row) for row in self.rows}

    def __contains__(self, row: Row) -> bool:
        """Whether this was scored already, whatever came of it."""
        return key(row) in self._keys

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows that are not there yet, in one piece, and see them to the disk.

        Raises:
            InputError: the file can't be written to.
        """
        new = [row for row in rows if row not in self]
        if not new:
            return
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        if not self._whole:
            writer.writeheader()
        writer.writerows(new)
        content = text.getvalue().encode()
        try:
            if self._torn:
                os.truncate(self.path, self._whole)
            with self.path.open("ab") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path} can't be written: {error.strerror}.") from error
        self._whole += len(content)
        self._torn = False
        self.rows += new
        self._keys |= {key(row) for row in new}


def key(row: Row) -> Key:
    """What tells the row apart."""
    return tuple(row[column] for column in IDENTITY)
