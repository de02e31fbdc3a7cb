"""What a run writes down while it trains: CSV files, and the same for TensorBoard."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from invdiff.errors import InputError
from invdiff.files.atomic import atomic


class Logs:
    """Tables of numbers by step: NAME.csv in a folder, and scalars NAME/COLUMN in its ``tensorboard``.

    Args:
        folder: where they are.
        step: of the checkpoint that the run goes on from; later rows are of steps that will be done again, and go.

    Raises:
        InputError: tensorboard isn't installed, a table is damaged, or the folder can't be written to.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise InputError("Training writes for TensorBoard; install it: pip install 'invdiff[train]'.") from error
        self._folder = folder
        try:
            self._writer: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
        except OSError as error:
            raise _unwritable(folder / "tensorboard", error) from error
        for name in ("losses", "validation"):
            _cut(folder / f"{name}.csv", step)

    def add(self, table: str, step: int, row: Mapping[str, float]) -> None:
        """Write a row; the columns of a table stay the same.

        Raises:
            InputError: it can't be written.
        """
        path = self._folder / f"{table}.csv"
        begin = not path.exists()
        try:
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                if begin:
                    writer.writerow(["step", *row])
                writer.writerow([step, *(f"{value:.6g}" for value in row.values())])
        except OSError as error:
            raise _unwritable(path, error) from error
        for column, value in row.items():
            self._writer.add_scalar(f"{table}/{column}", value, step)

    def close(self) -> None:
        """Write out what waits."""
        self._writer.close()


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} can't be written: {error.strerror}. Make room, or move what is in the way.")


def _cut(path: Path, last: int) -> None:
    """Take out the rows after step ``last``, and one that was not finished."""
    if not path.exists():
        return
    try:
        with path.open(newline="", encoding="utf-8") as file:
            heading, *rows = [*csv.reader(file)] or [[]]
        kept = [row for row in rows if len(row) == len(heading) and row[0].isdecimal() and int(row[0]) <= last]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path} is no table as training writes it ({error}); move it elsewhere, or choose another folder."
        ) from error
    text = io.StringIO()
    csv.writer(text).writerows([heading, *kept])
    if not kept:
        path.unlink()
        return
    with atomic(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8", newline="")
