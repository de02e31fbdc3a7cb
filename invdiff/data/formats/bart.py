"""Scans in BART's files: complex numbers in NAME.cfl, their dimensions in NAME.hdr; along a trajectory, its points in
NAME_traj.cfl or traj.cfl beside, (3, samples, readouts) in units of the grid."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.axes import Axes
from invdiff.data.formats.contents import FASTEST_FIRST, Contents
from invdiff.data.formats.layout import Complete
from invdiff.data.formats.samples_along import SamplesAlong, points_in
from invdiff.data.formats.scan_arrays import read_scan_in
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scan import Scan
from invdiff.data.scan_file import ScanFile
from invdiff.data.volume import ArrayInFile, open_volume, read_volume
from invdiff.errors import InputError

AXES = (
    "READ", "PHS1", "PHS2", "COIL", "MAPS", "TE", "COEFF", "COEFF2",
    "ITER", "CSHIFT", "TIME", "TIME2", "LEVEL", "SLICE", "AVG", "BATCH",
)  # fmt: skip
"""What BART calls its dimensions, in their order."""

_SPACE, _COIL, _SLICE = (0, 1, 2), 3, 13
_TRAJECTORY = "traj"
_LONGEST_HEADER = 1 << 16


def read(path: Path) -> Scan | NonCartesianScan:
    """The scan in a pair of files, of which either is given.

    Raises:
        InputError: as `read_cfl`, `cartesian_kspace` and `read_volume`, or points and samples do not fit.
    """
    points = _trajectory_beside(path)
    if points is not None:
        return _scan_along(path, points)
    volume = _volume(path)
    return Scan(cartesian_kspace(read_cfl(path), path), name=path.name) if volume is None else read_volume(volume, {})


def open_slices(path: Path, axes: Axes | None, complete: Complete | None) -> Scan | ScanFile | NonCartesianScan:
    """The scan in a pair of files; of a three-dimensional one, slices are read when they are asked for.

    Args:
        path: of either.
        axes: of k-space, where the user says them.
        complete: adds to a scan what other files hold, where there are any.

    Raises:
        InputError: as `read`, or axes do not fit.
    """
    is_along = _trajectory_beside(path) is not None
    if is_along and axes is not None:
        raise InputError(f"{path} has a trajectory beside it, which tells what its axes are; leave out --axes.")
    volume = _volume(path) if axes is None and complete is None and not is_along else None
    if volume is not None:
        return open_volume(volume, {})
    scan = read(path) if axes is None else read_scan_in(contents, path, axes)
    return scan if complete is None else complete(scan, scan.slices, 0)


@contextmanager
def contents(path: Path) -> Iterator[Contents]:
    """The one array in a pair of files, without its axes of length one.

    Raises:
        InputError: as `read_cfl`.
    """
    array = read_cfl(path).squeeze()
    yield Contents([""], {"": array}.get, order=FASTEST_FIRST)


def read_cfl(path: Path) -> NDArray[np.complex64]:
    """The array of ``NAME.cfl``, complex64 with the sixteen axes of `AXES`, in the file's own units.

    Args:
        path: either file of the pair.

    Raises:
        InputError: one of the two is missing or can't be read, the header gives no dimensions, or they do not fit the
            size of the file.
    """
    with _opened(path) as numbers:
        return numbers[...]


def cartesian_kspace(array: NDArray[np.complex64], where: Path) -> NDArray[np.complex64]:
    """Two-dimensional k-space (slices, coils, H, W) of an array with BART's axes.

    H and W are the two of READ, PHS1 and PHS2 that are longer than one, in this order.

    Args:
        array: with the axes of `AXES`.
        where: it came from, for errors.

    Raises:
        InputError: the array has more axes, such as echoes or frames, or is not two-dimensional.
    """
    sides = [axis for axis in _SPACE if array.shape[axis] > 1]
    kept = (_SLICE, _COIL, *sides)
    more = [f"{n} along {AXES[i]}" for i, n in enumerate(array.shape) if n > 1 and i not in (*_SPACE, *kept)]
    if len(sides) != 2 or more:
        space = " x ".join(str(array.shape[axis]) for axis in _SPACE)
        raise InputError(
            f"{where} holds {', '.join([space, *more])}; only Cartesian k-space of two dimensions with coils and "
            "slices, or of three with coils, can be read: cut the rest out with BART's slice."
        )
    rest = [axis for axis in range(array.ndim) if axis not in kept]
    return np.ascontiguousarray(array.transpose(*kept, *rest).reshape([array.shape[axis] for axis in kept]))


def _trajectory_beside(path: Path) -> Path | None:
    """The file of the points of samples, which are those of a trajectory where READ is one long."""
    names = (f"{path.stem}_{_TRAJECTORY}.cfl", f"{_TRAJECTORY}.cfl")
    beside = next((found for name in names if (found := path.with_name(name)).is_file()), None)
    if beside is None or path.stem == _TRAJECTORY or not path.with_suffix(".hdr").is_file():
        return None
    return beside if _dimensions(path.with_suffix(".hdr"))[0] == 1 else None


def _scan_along(path: Path, trajectory: Path) -> NonCartesianScan:
    kspace, points = read_cfl(path), read_cfl(trajectory)
    kept = [axis for axis, n in enumerate(kspace.shape) if n > 1]
    apart = points.shape[_SLICE] > 1
    beyond = max(n for axis, n in enumerate(points.shape) if axis not in (0, 1, 2, _SLICE))
    if (
        not {1, 2, _COIL, _SLICE}.issuperset(kept)
        or points.shape[:3] != (3, *kspace.shape[1:3])
        or beyond > 1
        or (apart and points.shape[_SLICE] != kspace.shape[_SLICE])
    ):
        raise InputError(
            f"{path} holds samples of shape {_described(kspace)}, and {trajectory} points of {_described(points)}; "
            "they must be 1, samples, readouts, coils, with slices along SLICE, and 3, samples, readouts, which may "
            "have slices there, too."
        )
    order = (_SLICE, _COIL, 2, 1)
    samples = np.moveaxis(kspace, order, (0, 1, 2, 3)).reshape([kspace.shape[axis] for axis in order])
    order = (_SLICE, 2, 1, 0)
    what = str(trajectory)
    stored = np.moveaxis(points.real, order, (0, 1, 2, 3)).reshape([points.shape[axis] for axis in order])
    found = SamplesAlong(samples, points_in(stored, what, first=False), what)
    kspace, along, matrix, remarks = found.in_slices([], None)
    return NonCartesianScan(kspace, along, matrix, name=path.name, remarks=remarks)


def _described(array: NDArray[np.complex64]) -> str:
    kept = max((axis for axis, n in enumerate(array.shape) if n > 1), default=0) + 1
    return " x ".join(map(str, array.shape[:kept]))


@dataclass(frozen=True)
class _Numbers:
    """The numbers of a pair of files, of which some are asked for; mapped no longer than that takes, since what is
    mapped counts as memory."""

    path: Path
    shape: tuple[int, ...]

    def __getitem__(self, index: Any) -> NDArray[np.complex64]:
        return np.array(np.memmap(self.path, "<c8", "r", shape=self.shape, order="F")[index], np.complex64, order="F")


@contextmanager
def _opened(path: Path) -> Iterator[_Numbers]:
    """The numbers of a pair, which are as many as its header says."""
    shape, numbers = _dimensions(path.with_suffix(".hdr")), path.with_suffix(".cfl")
    _check_regular(numbers)
    try:
        size = numbers.stat().st_size
        if size != 8 * math.prod(shape):
            raise InputError(
                f"{numbers} has {size} bytes, but its header promises {' x '.join(map(str, shape))} numbers of 8; it "
                "is cut short, or the two files do not belong together."
            )
        yield _Numbers(numbers, shape)
    except OSError as error:
        raise InputError(f"{numbers} can't be read: {error.strerror}; a .hdr and a .cfl file go together.") from error


def _volume(path: Path) -> ArrayInFile | None:
    """Where the k-space of a three-dimensional scan lies; ``None`` where it has fewer or more axes."""
    with _opened(path) as numbers:
        sizes = numbers.shape
    if any((n > 1) != (axis in _SPACE) for axis, n in enumerate(sizes) if axis != _COIL):
        return None
    elsewhere = path.with_suffix(".cfl").absolute()  # workers of a cluster have working folders of their own
    return ArrayInFile(elsewhere, AXES[:3], _opened, (_COIL, *_SPACE), sizes, (1,) * len(sizes))


def _check_regular(path: Path) -> None:
    """Raise ``InputError`` where a device or a pipe has that name, which may have no end or no beginning."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no regular file; a .hdr and a .cfl file go together.")


def _dimensions(header: Path) -> tuple[int, ...]:
    _check_regular(header)
    try:
        with header.open(encoding="ascii", errors="replace") as file:
            lines = file.read(_LONGEST_HEADER).splitlines()
    except OSError as error:
        raise InputError(f"{header} can't be read: {error.strerror}; a .hdr and a .cfl file go together.") from error
    words = next((below.split() for line, below in pairwise(lines) if line == "# Dimensions"), [])
    if not 0 < len(words) <= len(AXES) or not all(re.fullmatch("0*[1-9][0-9]{0,9}", word) for word in words):
        raise InputError(f"{header} is no header of BART: a line '# Dimensions' and one to sixteen sizes are missing.")
    return (*map(int, words), *[1] * (len(AXES) - len(words)))
