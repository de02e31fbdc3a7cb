"""NIfTI files that anyone may have made."""

import gzip
import io
import math
from pathlib import Path
from typing import Any

from invdiff.errors import InputError
from invdiff.files.declared import check_declared, read_rest

_GZIP = b"\x1f\x8b"
_SECOND = 540  # bytes of the header of NIfTI-2, and its first number


def read_nifti_header(path: Path) -> Any:
    """The nibabel header of a NIfTI file.

    Raises:
        InputError: the library that reads it is missing.
        Exception: of whatever kind nibabel raises at damage.
    """
    with path.open("rb") as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        with gzip.open(raw) if packed else raw as file:
            return _kind_and_header(path, file.read(_SECOND))[1]


def open_nifti(path: Path) -> Any:
    """The nibabel image in a NIfTI file. One that gzip has compressed is read to its end, where its check sum is; of
    another, numbers are read when they are asked for.

    Raises:
        InputError: it declares more than it holds, or the library that reads it is missing.
        Exception: of whatever kind nibabel raises at damage.
    """
    with path.open("rb") as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        with gzip.open(raw) if packed else raw as file:
            start = file.read(_SECOND)
            kind, header = _kind_and_header(path, start)
            size, declared = path.stat().st_size, math.prod(header.get_data_shape())
            check_declared(str(path), header.get_data_shape(), header.get_data_dtype().itemsize, size)
            if not packed and path.suffix.lower() == ".nii":  # nibabel goes by the name
                return kind.from_file_map(kind.make_file_map({"image": str(path)}))
            end = int(header.get_data_offset()) + declared * header.get_data_dtype().itemsize
            check_declared(str(path), (end,), 1, size)  # what lies before the numbers may be of any length, too
            content = start + file.read(max(0, end - len(start)))
            read_rest(file.read, str(path))
    return kind.from_bytes(content)


def _kind_and_header(path: Path, start: bytes) -> tuple[Any, Any]:
    """The class of an image that begins so, and its header."""
    try:
        import nibabel
    except ImportError as error:
        raise InputError(f"{path} is NIfTI; install what reads it: pip install 'invdiff[formats]'.") from error
    sizes = {int.from_bytes(start[:4], order) for order in ("little", "big")}
    kind: Any = nibabel.Nifti2Image if _SECOND in sizes else nibabel.Nifti1Image
    return kind, kind.header_class.from_fileobj(io.BytesIO(start), check=False)
