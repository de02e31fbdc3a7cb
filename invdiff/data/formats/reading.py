"""Scans and images from files of any format."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from invdiff.data.axes import Axes
from invdiff.data.formats.companions import NOTHING_GIVEN, Given
from invdiff.data.formats.format import Format
from invdiff.data.formats.layout import picture_of
from invdiff.data.formats.scan_arrays import read_scan_in
from invdiff.data.formats.table import existing, find_format
from invdiff.data.geometry import Geometry
from invdiff.data.interpretation import interpreted
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.data.scan_file import ScanFile
from invdiff.data.series import SINGLE, Series
from invdiff.errors import InputError
from invdiff.files.damage import read_as

Content = TypeVar("Content")
OpenScan = Scan | ScanFile | NonCartesianScan


def read_scan(
    path: str | os.PathLike[str],
    series: Series = SINGLE,
    *,
    axes: str | Sequence[str] | None = None,
    maps: str | os.PathLike[str] | None = None,
    mask: str | os.PathLike[str] | None = None,
    noise: str | os.PathLike[str] | None = None,
) -> Scan:
    """The scan in a file, in the file's own units. What a file is, its first bytes say; its suffix, where they do not.

    - HDF5 (``.h5``, ``.hdf5``), as fastMRI has it (Zbontar et al., arXiv 1811.08839): ``kspace`` (slices, coils, H, W),
      (slices, H, W) from a single coil or (coils, H, W) of a slice; if present ``mask`` (W,) or (H, W),
      ``sensitivity_maps`` (slices, coils, H, W) or (slices, sets, coils, H, W), ``ground_truth``, ``noise_std``,
      ``noise`` (coils, n) of a separate noise scan, ``calibration``, ``ismrmrd_header`` and the group ``geometry``.
      Other names and orders are rows of `invdiff.data.formats.layouts`; of others, the numbers tell the order of axes,
      and the only array of complex numbers is k-space: both are remarked.
    - ISMRMRD raw data (``.h5``, ``.mrd``; Inati et al., Magnetic Resonance in Medicine 77, 2017) and streams of MRD 2:
      Cartesian imaging; averages are averaged, noise measurements become ``noise``, and calibration lines that are no
      lines of the image ``calibration``. Needs the ``ismrmrd`` library, and of streams ``mrd-python``.
    - BART (``NAME.cfl`` and ``NAME.hdr``; either is given, or NAME): two of READ, PHS1 and PHS2 are H and W, with COIL
      and SLICE.
    - Three-dimensional k-space in BART's files, as HDF5 ``kspace`` (1, coils, z, y, x), or (coils, z, y, x) where the
      header's encoded matrix is of that size, and of ISMRMRD scans with partitions is a stack of slices along the first
      axis that was sampled in full.
    - NumPy archives (``.npz``) and MATLAB's files (``.mat``) with the names of the HDF5 layouts, and ``.npy``.
    - Formats of other packages, which are entry points ``invdiff.formats``.

    Where k-space itself clearly says otherwise, it is believed: its energy is brought to the centre, and padding under
    a mask is not sampled; the scan's remarks say so, and where it looks like an image.

    Args:
        path: of the file.
        series: which measurement, where the file holds several: enough of it to tell it from the others.
        axes: of its k-space, the slowest first or, in MATLAB's files, as MATLAB shows them; see `invdiff.data.Axes`.
        maps: file of coil maps, with or without an axis of slices and one of sets, in any of these formats.
        mask: file of a mask (W,) or (H, W); what it leaves out is left out of the scan.
        noise: file of a noise scan: any array with an axis of coils.

    Raises:
        InputError: a file is missing, broken, of an unknown kind, declares more than it can hold, takes what it holds
            from other files, or does not hold a scan; axes do not fit or are not told; files do not fit together; or
            there are of ``series`` none or several.
    """
    given = given_of(axes, maps, mask, noise)
    path, found = _scan_format(path, given)
    scan = _read_whole(path, found, series, given)
    if isinstance(scan, NonCartesianScan):
        raise InputError(
            f"{path} holds samples along a trajectory, where k-space on a grid is needed; invdiff solve and open_scan "
            "read it."
        )
    return interpreted(scan)


def _read_whole(path: Path, found: Format, series: Series, given: Given) -> Scan | NonCartesianScan:
    if found.scan is not None and given.axes is None:
        scan = found.read(found.scan, path, series)
    else:
        assert found.contents is not None
        scan = found.read(partial(read_scan_in, found.contents), path, series, given.axes)
    return given.completed(scan, scan.slices)


def list_series(path: str | os.PathLike[str]) -> tuple[Series, ...]:
    """The measurements in a file of scans, by all that is known of them, in order.

    Raises:
        InputError: as `read_scan`.
    """
    path = existing(path, "a scan")
    return find_format(path, "scans", lambda one: one.has_scan).series_in(path)


def open_scan(path: str | os.PathLike[str], series: Series = SINGLE, given: Given = NOTHING_GIVEN) -> OpenScan:
    """As `read_scan`, and scans along a trajectory; of more slices in an HDF5 file than are looked at together, and of
    three-dimensional k-space, each is read when it is asked for.

    Raises:
        InputError: as `read_scan`.
    """
    path, found = _scan_format(path, given)
    if found.open is None or (found.contents is None and given.files):
        scan: OpenScan = _read_whole(path, found, series, given)
    elif found.contents is None:
        scan = found.read(found.open, path, series)
    else:
        scan = found.read(found.open, path, series, given.axes, given.elsewhere.completed if given.files else None)
    return interpreted(scan) if isinstance(scan, Scan) else scan


def given_of(
    axes: str | Sequence[str] | None = None,
    maps: str | os.PathLike[str] | None = None,
    mask: str | os.PathLike[str] | None = None,
    noise: str | os.PathLike[str] | None = None,
) -> Given:
    """What a user says of a scan's file, of names and paths.

    Raises:
        InputError: there is no such axis.
    """
    files = (None if file is None else Path(file) for file in (maps, mask, noise))
    return Given(None if axes is None else Axes.parse(axes), *files)


def _scan_format(path: str | os.PathLike[str], given: Given) -> tuple[Path, Format]:
    path = existing(path, "a scan")
    found = find_format(path, "scans", lambda one: one.has_scan)
    if given.axes is not None and found.contents is None:
        raise InputError(f"{path} is {found.name}, which says what its axes are; leave out --axes.")
    return path, found


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
    path = existing(path, "an image")
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
    path = existing(path, "an image")
    found = _read(find_format(path, "images", lambda one: one.has_image).geometry, path)
    return found if found is None or slices is None else found.select(slices)


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read ``image``, and where present ``mask``, ``noise_std`` and ``ground_truth``, from HDF5, ``.npz`` or
    ``.mat``; or an image file alone.

    Raises:
        InputError: the file is missing or of another kind, or what it holds does not fit together.
    """
    path = existing(path, "an image")
    found = find_format(path, "images", lambda one: one.has_picture)
    if found.picture is not None:
        return found.picture(path)
    return dataclasses.replace(picture_of(path, {"image": read_image(path)}), geometry=read_geometry(path))


def _read(reader: Callable[[Path], Content], path: Path) -> Content:
    with read_as("an image", path):
        return reader(path)
