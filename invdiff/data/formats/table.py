"""The formats there are, and which of them a file is of."""

import os
from collections.abc import Callable
from functools import cache, partial
from itertools import chain
from pathlib import Path

from invdiff.data.formats import bart, dicom, hdf5, ismrmrd, layout, mat, mrd_stream, nifti, npy, npz, picture_file
from invdiff.data.formats.format import Format
from invdiff.data.formats.offered import offered_in
from invdiff.errors import InputError

ENTRY_POINTS = "invdiff.formats"
"""Group of entry points, each a ``Format`` of another package."""

_BEGINNING = 4096
_HDF5 = tuple((place, b"\x89HDF\r\n\x1a\n") for place in (0, 512, 1024, 2048))  # after a block of the user's
_TIFF = ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+"))
_NIFTI = ((344, b"n+1\0"), (4, b"n+2\0"))

FORMATS = (
    Format(
        "HDF5",
        (".h5", ".hdf5"),
        _HDF5,
        lambda path: not (mat.signs(path) or ismrmrd.holds_acquisitions(path)),
        scan=hdf5.read,
        contents=hdf5.contents,
        open=hdf5.open_slices,
        picture=partial(layout.read_picture_in, hdf5.contents),
    ),
    Format(
        "ISMRMRD",
        (".mrd",),
        _HDF5,
        ismrmrd.holds_acquisitions,
        scan=ismrmrd.read,
        open=ismrmrd.open_slices,
        series=ismrmrd.series,
    ),
    Format(
        "a stream of MRD 2",
        (".mrd2",),
        ((0, mrd_stream.SIGNATURE),),
        scan=mrd_stream.read,
        series=mrd_stream.series,
    ),
    Format("BART", (".cfl",), companions=(".hdr",), scan=bart.read, contents=bart.contents, open=bart.open_slices),
    Format(
        "a NumPy archive",
        (".npz",),
        ((0, b"PK\3\4"),),
        contents=npz.contents,
        picture=partial(layout.read_picture_in, npz.contents),
    ),
    Format("NumPy", (".npy",), ((0, b"\x93NUMPY"),), contents=npy.contents, image=npy.read),
    Format(
        "MATLAB",
        (".mat",),
        mat.SIGNATURES,
        contents=mat.contents,
        picture=partial(layout.read_picture_in, mat.contents),
    ),
    Format(
        "NIfTI",
        (".nii", ".nii.gz"),
        (*_NIFTI, (0, b"\x1f\x8b\x08")),
        image=nifti.read,
        geometry=nifti.read_geometry,
    ),
    Format("PNG", (".png",), ((0, b"\x89PNG\r\n\x1a\n"),), image=partial(picture_file.read, kind="PNG")),
    Format("TIFF", (".tif",), _TIFF, image=partial(picture_file.read, kind="TIFF")),
    Format("JPEG", (".jpg",), ((0, b"\xff\xd8\xff"),), image=partial(picture_file.read, kind="JPEG")),
    Format("DICOM", (".dcm",), ((128, b"DICM"),), image=dicom.read, geometry=dicom.read_geometry),
)
"""The package's own."""


@cache
def formats() -> tuple[Format, ...]:
    """All formats in the order that a file is asked whether it is of them: those of other packages come first.

    Raises:
        InputError: an entry point of another package gives something other than a format.
    """
    return (*offered_in(ENTRY_POINTS, Format), *FORMATS)


def find_format(path: Path, held: str, holds: Callable[[Format], bool]) -> Format:
    """The format of a file: what its first bytes say, and its suffix where they say nothing.

    Args:
        path: of a file that exists.
        held: what is to be read, for the sentence: ``"scans"``.
        holds: whether files of a format hold that.

    Raises:
        InputError: the file can't be read, or its format is unknown or holds something else.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from error
    named = [one for one in formats() if one.names(path)]
    signed = [one for one in formats() if one.signs(path, beginning)]
    by_name_alone = [one for one in named if not one.signatures]
    candidates = by_name_alone or signed or named
    found = next(filter(holds, candidates), None)
    if found is not None:
        return found
    kinds = ", ".join(suffixes_of(holds))
    if signed:
        raise InputError(f"{path} holds {signed[0].name}; {held} are read from {kinds} files.")
    raise InputError(f"{path} has the suffix '{path.suffix}'; {held} are read from {kinds} files.")


def existing(path: str | os.PathLike[str], what: str) -> Path:
    """The path of a file, which may be given without its suffix where one file alone has that name.

    Raises:
        InputError: there is no such file.
    """
    path = Path(path)
    if os.path.isfile(path):  # which answers for a name that is longer than any file's, too
        return path
    suffixes = dict.fromkeys(suffix for one in formats() for suffix in one.suffixes)
    named = [longer for suffix in suffixes if path.name and os.path.isfile(longer := Path(f"{path}{suffix}"))]
    if len(named) == 1 and not os.path.isdir(path):
        return named[0]
    several = f"; there are {', '.join(longer.name for longer in named)}" if len(named) > 1 else ""
    raise InputError(
        f"{path} {'is a folder' if os.path.isdir(path) else 'does not exist'}{several}; give the path of {what}."
    )


def suffixes_of(holds: Callable[[Format], bool]) -> tuple[str, ...]:
    """The suffixes of all formats whose files hold something."""
    return tuple(dict.fromkeys(chain.from_iterable(one.suffixes for one in formats() if holds(one))))


def scan_suffixes() -> tuple[str, ...]:
    """Suffixes of the files that `read_scan` reads, each scan once."""
    return suffixes_of(lambda one: one.has_scan)


def image_suffixes() -> tuple[str, ...]:
    """Suffixes of the files that `read_image` reads."""
    return suffixes_of(lambda one: one.has_image)


def picture_suffixes() -> tuple[str, ...]:
    """Suffixes of the files that `read_picture` reads."""
    return suffixes_of(lambda one: one.has_picture)
