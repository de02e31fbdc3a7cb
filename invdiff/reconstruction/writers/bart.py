"""The image as BART has it: numbers in NAME.cfl, their dimensions in NAME.hdr."""

from pathlib import Path

import numpy as np

from invdiff.data.formats.bart import AXES
from invdiff.reconstruction.written_result import WrittenResult


def write(result: WrittenResult, path: Path) -> tuple[str, ...]:
    """Write the image, complex64, with rows along READ, columns along PHS1 and slices along SLICE, the first dimension
    the fastest.

    Raises:
        InputError: the result is damaged.
    """
    image = result.image
    lengths = dict(zip(("SLICE", "READ", "PHS1"), image.shape, strict=True))
    sizes = " ".join(str(lengths.get(axis, 1)) for axis in AXES)
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{sizes}\n", encoding="ascii")
    path.with_suffix(".cfl").write_bytes(np.ascontiguousarray(image.swapaxes(1, 2), "<c8").tobytes())
    return ()
