"""The table of scores: a tidy CSV that grows by whole rows, and knows what it holds."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from invdiff.errors import InputError
from invdiff.files.lock import folder_lock

Row = Mapping[str, str]
Key = tuple[str, ...]

IDENTITY = (
    "file",
    "data",
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
"""What tells rows apart. ``data`` is a digest of what the file holds, as another may take its name. An empty slice is
the whole volume, an empty region the whole image; ``slices`` are those that the volume was made of, since noise, range
and random numbers depend on them.
"""

RESULTS = (
    "psnr",
    "ssim",
    "nmse",
    "z_roughness",
    "achieved_acceleration",
    "nfe",
    "seconds",
    "weight",
    "noise_std",
    "versions",
)
"""What was found; ``z_roughness`` is of all slices as one volume, and empty for regions and where these are not
neighbours."""

COLUMNS = (*IDENTITY, *RESULTS)


class ScoreTable:
    """The rows of a CSV file, and those to come; several processes may add to it at once.

    A row that was cut short, as by a loss of power, is forgotten.

    Args:
        path: of the file; it need not be there yet.

    Raises:
        InputError: the file is something else, or can't be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.rows: list[Row] = []
        self._keys: set[Key] = set()
        self._whole = self._size = 0
        self.reload()

    def __contains__(self, row: Row) -> bool:
        """Whether this was scored already, whatever came of it."""
        return key(row) in self._keys

    def reload(self) -> None:
        """Take in what other processes have added.

        Raises:
            InputError: the file is something else, or can't be read.
        """
        try:
            size = self.path.stat().st_size if self.path.exists() else 0
            if size == self._size:
                return
            content = self.path.read_bytes() if size else b""
            whole = content.rfind(b"\n") + 1
            lines = csv.DictReader(io.StringIO(content[:whole].decode(), newline=""))
            rows = list(lines)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{self.path} can't be read as a table of scores: {error}.") from error
        if whole and tuple(lines.fieldnames or ()) != COLUMNS:
            raise InputError(f"{self.path} is no table of scores of this version; move it, or choose another folder.")
        for line, row in enumerate(rows, start=2):
            if None in row or None in row.values():  # what csv makes of too many fields, or too few
                raise InputError(
                    f"{self.path}: row {line} does not have {len(COLUMNS)} columns; mend or move the file."
                )
        self.rows, self._keys = [*rows], {key(row) for row in rows}
        self._whole, self._size = whole, len(content)

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows that are not there yet, in one piece, and see them to the disk.

        Raises:
            InputError: the file can't be written to.
        """
        rows = list(rows)
        if not rows:
            return
        with folder_lock(self.path.with_name(f".{self.path.name}.lock"), wait=True):
            self.reload()
            self._append([row for row in rows if row not in self])

    def _append(self, new: Sequence[Row]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        if not self._whole:
            writer.writeheader()
        writer.writerows(new)
        content = text.getvalue().encode()
        try:
            with self.path.open("ab") as file:
                file.truncate(self._whole)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path} can't be written: {error.strerror}.") from error
        self._whole = self._size = self._whole + len(content)
        self.rows += new
        self._keys |= {key(row) for row in new}


def key(row: Row) -> Key:
    """What tells the row apart."""
    return tuple(row[column] for column in IDENTITY)
