"""The image and the standard deviation of the samples as a stream of MRD 2."""

from pathlib import Path

from invdiff.data.series import SINGLE
from invdiff.reconstruction.mrd_images import write_mrd_images
from invdiff.reconstruction.written_result import WrittenResult


def write(result: WrittenResult, path: Path) -> tuple[str, ...]:
    """Write what `invdiff solve --out -` gives to the next program of a pipe; see `write_mrd_images`.

    Raises:
        InputError: the result is damaged.
    """
    with path.open("wb") as file:
        write_mrd_images(file, [(result.path, SINGLE)])
    return ()
