"""Standard input and output in the place of files: ``-``."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.data import Series

PIPE = Path("-")
"""Standard input among inputs, standard output as the folder for results."""


@contextmanager
def spooled(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The paths with a file in the place of standard input, which is read to its end; it is removed afterwards.

    Raises:
        InputError: standard input is given twice, is a terminal, or holds nothing.
    """
    if PIPE not in paths:
        yield list(paths)
        return
    if paths.count(PIPE) > 1:
        raise InputError("Standard input (-) is given twice, and can be read once.")
    if sys.stdin.buffer.isatty():
        raise InputError("Standard input (-) is a terminal; pipe a file into it: invdiff solve - < scan.h5.")
    with tempfile.TemporaryDirectory(prefix="invdiff-") as folder:
        held = Path(folder) / "stdin"
        with held.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 2**20)
        if not held.stat().st_size:
            raise InputError("Standard input (-) holds nothing.")
        yield [held if path == PIPE else path for path in paths]


@contextmanager
def results_folder(out: Path) -> Iterator[Path]:
    """The folder for results; where standard output takes their place, one that is removed afterwards."""
    if out != PIPE:
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="invdiff-") as folder:
        yield Path(folder)


def write_images(results: "Sequence[tuple[Path, Series]]", measured: Sequence[Path]) -> None:
    """Write the images of results to standard output, as a stream of MRD 2.

    Args:
        results: paths of ``reconstruction.h5`` files, and which measurement each is of.
        measured: paths of what was reconstructed; the header of the first that is such a stream is handed on.

    Raises:
        InputError: whoever reads standard output has gone.
    """
    from invdiff.data.formats.mrd_stream import header_of
    from invdiff.reconstruction.mrd_images import write_mrd_images

    header = next((found for path in measured if (found := header_of(path)) is not None), None)
    try:
        write_mrd_images(sys.stdout.buffer, results, header)
        sys.stdout.flush()
    except BrokenPipeError as error:
        sys.stdout = None  # nothing more is to be flushed into it at the end
        raise InputError("Whoever reads standard output has gone before it had all images.") from error
