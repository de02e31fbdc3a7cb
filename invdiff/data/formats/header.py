"""The XML header of ISMRMRD data (Inati et al., Magnetic Resonance in Medicine 77, 2017)."""

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

from invdiff.errors import InputError


@lru_cache(maxsize=8)  # every slice that is read by itself asks for those of its file
def matrices(path: Path, xml: str) -> dict[str, tuple[int, int, int]]:
    """Matrix sizes (x, y, z) from an ISMRMRD header, where the library that reads it is installed.

    Raises:
        InputError: it is no such header.
    """
    try:
        import ismrmrd
    except ImportError:
        return {}
    encoding = parse_header(path, ismrmrd, xml).encoding[0]
    spaces = {"encoded_matrix": encoding.encodedSpace, "recon_matrix": encoding.reconSpace}
    return {key: matrix_of(path, space) for key, space in spaces.items() if space is not None}


def matrix_of(path: Path, space: Any) -> tuple[int, int, int]:
    """The matrix (x, y, z) of an encoding's space.

    Raises:
        InputError: its sizes are none.
    """
    size = getattr(space, "matrixSize", None)
    found = (getattr(size, "x", None), getattr(size, "y", None), getattr(size, "z", None))
    x, y, z = found
    if not (isinstance(x, int) and isinstance(y, int) and isinstance(z, int) and min(x, y, z) > 0):
        raise InputError(f"{path}: the ISMRMRD header gives the matrix {found}; its x, y and z must be sizes.")
    return x, y, z


def parse_header(path: Path, ismrmrd: Any, xml: str) -> Any:
    """A header as the library's own objects.

    Args:
        path: of its file.
        ismrmrd: the library.
        xml: the header.

    Raises:
        InputError: it is no such header, or describes no encoding.
    """
    try:
        if "<!" in xml.replace("<!--", "").replace("<![CDATA[", ""):
            raise ValueError("it declares entities, which may stand for other files and for any amount of text")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values of the wrong kind stay text, and those that matter are looked at
            header = ismrmrd.xsd.CreateFromDocument(xml)
    except Exception as error:  # the generated parser has no exception of its own
        raise InputError(f"{path}: the ISMRMRD header can't be parsed: {error}.") from error
    if not header.encoding:
        raise InputError(f"{path}: the ISMRMRD header describes no encoding.")
    return header
