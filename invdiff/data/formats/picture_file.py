"""Images in the files of pictures."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.files.declared import check_declared

_LARGEST_PIXEL = 8  # bytes of Pillow's, and of the array that is made of it


def read(path: Path, kind: str) -> NDArray[Any]:
    """The image ``(H, W)`` in a picture, of colours their grey.

    Args:
        path: of the picture.
        kind: ``"PNG"``, ``"TIFF"`` or ``"JPEG"``; Pillow knows formats that would be run, such as PostScript.

    Raises:
        InputError: it declares more pixels than it can hold.
        Exception: of whatever kind Pillow raises at damage.
    """
    from PIL import Image

    with Image.open(path, formats=(kind,)) as picture:
        check_declared(str(path), (picture.height, picture.width), _LARGEST_PIXEL, path.stat().st_size)
        deep = picture.mode.startswith(("I", "F"))  # more than eight bits: keep them
        return np.asarray(picture if deep else picture.convert("L"))
