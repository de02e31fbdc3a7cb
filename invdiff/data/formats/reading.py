"""Scans and images from files of any format."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from invdiff.data.formats.layout import picture_of
from invdiff.data.formats.table import find_format
from invdiff.data.geometry import Geometry
from invdiff.data.interpretation import interpreted
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.data.scan_file import ScanFile
from invdiff.data.series import SINGLE, Series
from invdiff.errors import InputError

Content = TypeVar("Content")


def read_scan(path: str | os.PathLike[str], series: Series = SINGLE) -> Scan:
    """The scan in a file, in the file's own units. What a file is, its first bytes say; its suffix, where they do not.

    - fastMRI-layout HDF5 (``.h5``, ``.hdf5``; Zbontar et al., arXiv 1811.08839): ``kspace`` (slices, coils, H, W), or
      (slices, H, W) from a single coil; if present ``mask`` (W,) or (H, W), ``sensitivity_maps`` (slices, coils, H, W)
      or (slices, sets, coils, H, W), ``ground_truth``, ``noise_std``, ``noise`` (coils, n) of a separate noise scan,
      and ``ismrmrd_header``, whose matrix sizes go to the attributes ``encoded_matrix`` and
      ``recon_matrix`` (x, y, z).
    - ISMRMRD raw data (``.h5``, ``.mrd``; Inati et al., Magnetic Resonance in Medicine 77, 2017): two-dimensional
      Cartesian imaging; averages are averaged, noise measurements become ``noise``, and calibration lines that are no
      lines of the image ``calibration``. Needs the ``ismrmrd`` library.
    - BART (``NAME.cfl`` and ``NAME.hdr``; either is given): two of READ, PHS1 and PHS2 are H and W, with COIL and
      SLICE.
    - NumPy archives (``.npz``) with the keys of the HDF5 layout.
    - Formats of other packages, which are entry points ``invdiff.formats``.

    Where k-space itself clearly says otherwise, it is believed: its energy is brought to the centre, and padding under
    a mask is not sampled; the scan's remarks say so.

    Args:
        path: the file.
        series: which measurement, where the file holds several: enough of it to tell it from the others.

    Raises:
        InputError: the file is missing, broken, of an unknown kind, declares more than it can hold, takes what it holds
            from other files, does not hold a scan, or of ``series`` none or several.
    """
    path = _existing(path, "a scan")
    found = find_format(path, "scans", lambda one: one.has_scan)
    assert found.scan is not None
    return interpreted(found.read(found.scan, path, series))


def list_series(path: str | os.PathLike[str]) -> tuple[Series, ...]:
    """The measurements in a file of scans, by all that is known of them, in order.

    Raises:
        InputError: as `read_scan`.
    """
    path = _existing(path, "a scan")
    return find_format(path, "scans", lambda one: one.has_scan).series_in(path)


def open_scan(path: str | os.PathLike[str], series: Series = SINGLE) -> Scan | ScanFile:
    """As `read_scan`; of more slices in an HDF5 file than are looked at together, each is read when it is asked for.

    Raises:
        InputError: as `read_scan`.
    """
    path = _existing(path, "a scan")
    found = find_format(path, "scans", lambda one: one.has_scan)
    opened = found.open or found.scan
    assert opened is not None
    scan = found.read(opened, path, series)
    return interpreted(scan) if isinstance(scan, Scan) else scan


def read_image(path: str | os.PathLike[str], slices: Sequence[int] | None = None) -> NDArray[Any]:
    """The image ``(slices, H, W)`` in a file, with the file's own values.

    NIfTI (``.nii``, ``.nii.gz``; slices along the last axis), DICOM (``.dcm``; frames are slices), pictures (``.png``,
    ``.tif``, ``.jpg``; colours turn to grey), or NumPy (``.npy``; (H, W) or (slices, H, W), real or complex).

    Args:
        path: the file.
        slices: which slices; all, where not given.

    Raises:
        InputError: the file is missing, broken, of an unknown kind, not two- or three-dimensional, or lacks a slice.
    """
    path = _existing(path, "an image")
    found = find_format(path, "images", lambda one: one.has_image)
    assert found.image is not None
    volume = _read(found.image, path)
    if volume.ndim == 2:
        volume = volume[None]
    if volume.ndim != 3 or volume.dtype.kind not in "buifc":
        raise InputError(
            f"{path} holds {volume.dtype} of shape {volume.shape}; an image is (H, W) or (slices, H, W) numbers."
        )
    if slices is None:
        return volume
    if not slices or any(not -len(volume) <= i < len(volume) for i in slices):
        raise InputError(f"{path} has slices 0 to {len(volume) - 1}; asked for {list(slices)}.")
    return volume[list(slices)]


def read_geometry(path: str | os.PathLike[str], slices: Sequence[int] | None = None) -> Geometry | None:
    """Where the pixels of the image in a file lie, of NIfTI and DICOM, as far as it tells; else None.

    Args:
        path: the file.
        slices: which slices; all, where not given.

    Raises:
        InputError: as `read_image`.
    """
    path = _existing(path, "an image")
    found = _read(find_format(path, "images", lambda one: one.has_image).geometry, path)
    return found if found is None or slices is None else found.select(slices)


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read ``image``, and where present ``mask``, ``noise_std`` and ``ground_truth``, from HDF5 or ``.npz``; or an
    image file alone.

    Raises:
        InputError: the file is missing or of another kind, or what it holds does not fit together.
    """
    path = _existing(path, "an image")
    found = find_format(path, "images", lambda one: one.has_picture)
    if found.picture is not None:
        return found.picture(path)
    return dataclasses.replace(picture_of(path, {"image": read_image(path)}), geometry=read_geometry(path))


def _read(reader: Callable[[Path], Content], path: Path) -> Content:
    try:
        return reader(path)
    except InputError:
        raise
    except Exception as error:  # damaged files fail in ways that no list holds
        raise InputError(
            f"{path} can't be read as an image: {' '.join(str(error).split()) or type(error).__name__}."
        ) from error


def _existing(path: str | os.PathLike[str], what: str) -> Path:
    path = Path(path)
    if not os.path.isfile(path):  # which answers for a name that is longer than any file's, too
        raise InputError(
            f"{path} {'is a folder' if os.path.isdir(path) else 'does not exist'}; give the path of {what}."
        )
    return path
