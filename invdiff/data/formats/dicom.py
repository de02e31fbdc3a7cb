"""Images in DICOM files (PS3.3, C.7.6.2 image plane, C.7.6.16 functional groups of frames)."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry, Plane, is_size
from invdiff.errors import InputError

_PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")  # little-endian, and nothing is compressed
_DEFLATED = ("1.2.840.10008.1.2.1.99",)  # a stream, which may unfold to any size
_BITS = (8, 16, 32)


def read(path: Path) -> NDArray[np.float64]:
    """The frames, float64 ``(frames, H, W)``, in the units that their slope and intercept give. Where low numbers are
    shown white (MONOCHROME1), they are turned, such that the darkest is zero.

    Raises:
        InputError: it is compressed or coloured, declares more than it holds, or the library that reads it is missing.
        Exception: of whatever kind pydicom raises at damage.
    """
    with _opened(path) as found:
        shape = _shape(path, found)
        allocated, stored = int(found.BitsAllocated), int(found.get("BitsStored", found.BitsAllocated))
        if int(found.get("SamplesPerPixel", 1)) != 1 or allocated not in _BITS or not 0 < stored <= allocated:
            raise InputError(
                f"{path} holds {found.get('SamplesPerPixel')} sample(s) a pixel, of {stored} bits in {allocated}; one "
                "grey value a pixel, in whole bytes, is read."
            )
        kind = f"<{'i' if int(found.get('PixelRepresentation', 0)) == 1 else 'u'}{allocated // 8}"
        raw = np.frombuffer(found.PixelData, kind, math.prod(shape)).reshape(shape)
        unused = allocated - stored  # bits that may hold overlays
        image = ((raw << unused) >> unused).astype(np.float64)
        for frame, numbers in enumerate(image):
            numbers *= (numbers_of(found, frame, "PixelValueTransformationSequence", "RescaleSlope") or [1.0])[0]
            numbers += (numbers_of(found, frame, "PixelValueTransformationSequence", "RescaleIntercept") or [0.0])[0]
        return image.max() - image if found.get("PhotometricInterpretation") == "MONOCHROME1" else image


def read_geometry(path: Path) -> Geometry | None:
    """The geometry of the frames, as far as the file tells: None where it has no size of pixels, or several.

    Raises:
        InputError: it is compressed, declares more than it holds, or the library that reads it is missing.
        Exception: of whatever kind pydicom raises at damage.
    """
    with _opened(path) as found:
        count, height, width = _shape(path, found)
        sizes = {tuple(numbers_of(found, frame, "PixelMeasuresSequence", "PixelSpacing")) for frame in range(count)}
        spacing = sizes.pop() if len(sizes) == 1 else ()
        if len(spacing) != 2 or not all(map(is_size, spacing)):
            return None
        thickness = numbers_of(found, 0, "PixelMeasuresSequence", "SliceThickness")
        planes = [plane_of(found, frame, (height, width), spacing) for frame in range(count)]
        known = tuple(plane for plane in planes if plane is not None)
        try:
            return Geometry(
                (height, width),
                (height * spacing[0], width * spacing[1]),
                thickness[0] if thickness and is_size(thickness[0]) else None,
                planes=known if len(known) == count else None,
            )
        except InputError:
            return None


def read_header(path: Path) -> Any:
    """The data set without its pixels, which may be compressed.

    Raises:
        InputError: all of it is compressed, or the library that reads it is missing.
        Exception: of whatever kind pydicom raises at damage.
    """
    with _reading(path) as (dcmread, syntax):
        if syntax in _DEFLATED:
            raise InputError(f"{path} is compressed as a whole; write it anew with `gdcmconv --raw`.")
        return dcmread(BytesIO(path.read_bytes()), stop_before_pixels=True)


def plane_of(found: Any, frame: int, shape: tuple[int, int], spacing: tuple[float, ...]) -> Plane | None:
    """Where a frame lies. The file gives the centre of its first pixel, and the directions along a row and a column."""
    first = np.array(numbers_of(found, frame, "PlanePositionSequence", "ImagePositionPatient"))
    directions = np.array(numbers_of(found, frame, "PlaneOrientationSequence", "ImageOrientationPatient"))
    if first.shape != (3,) or directions.shape != (6,):
        return None
    along_row, along_column = directions[:3], directions[3:]
    centre = first + along_column * spacing[0] * (shape[0] // 2) + along_row * spacing[1] * (shape[1] // 2)
    return Plane.known(centre, along_column, along_row, np.cross(along_row, along_column))


def numbers_of(found: Any, frame: int, group: str, name: str) -> list[float]:
    """The numbers of an attribute of a frame, which may stand in a functional group; none where it is missing."""
    value = _of(found, frame, group, name)
    return [] if value is None else [float(number) for number in np.atleast_1d(value)]


def _of(found: Any, frame: int, group: str, name: str) -> Any:
    """An attribute of a frame: its own, or what all frames share, or that of the whole image."""
    own = found.get("PerFrameFunctionalGroupsSequence") or []
    shared = found.get("SharedFunctionalGroupsSequence") or []
    for groups in (own[frame : frame + 1], shared[:1]):
        for items in groups:
            for item in items.get(group) or []:
                if item.get(name) is not None:
                    return item.get(name)
    return found.get(name)


def _shape(path: Path, found: Any) -> tuple[int, int, int]:
    """Frames, H and W, for which there are the pixels."""
    count, height, width = int(found.get("NumberOfFrames") or 1), int(found.Rows), int(found.Columns)
    held = len(found.get("PixelData") or b"")
    if min(count, height, width) < 1 or count * height * width * max(int(found.BitsAllocated), 1) > 8 * held:
        raise InputError(
            f"{path} declares {count} frame(s) of {height} x {width}, which its {held:,} bytes of pixels can't be; it "
            "is damaged or cut short."
        )
    return count, height, width


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The data set in a file that compresses nothing; another could unfold to any size while it is read."""
    with _reading(path) as (dcmread, syntax):
        if syntax not in _PLAIN:
            raise InputError(
                f"{path} is DICOM of transfer syntax {syntax}; little-endian without compression is read, which "
                "`gdcmconv --raw` makes of others."
            )
        yield dcmread(BytesIO(path.read_bytes()))  # whose reads end at its end, whatever lengths it declares


@contextmanager
def _reading(path: Path) -> Iterator[tuple[Any, Any]]:
    """What reads a data set, and in which transfer syntax the file is."""
    try:
        from pydicom import dcmread
        from pydicom.filereader import read_file_meta_info
    except ImportError as error:
        raise InputError(f"{path} is DICOM; install what reads it: pip install 'invdiff[formats]'.") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that break the standard; those that matter are looked at
        yield dcmread, read_file_meta_info(path).get("TransferSyntaxUID")
