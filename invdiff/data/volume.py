"""Three-dimensional k-space as slices: positions along an axis that was sampled in full."""

import hashlib
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry
from invdiff.data.memory import check_memory
from invdiff.data.scan import Scan
from invdiff.data.scan_file import ScanFile
from invdiff.data.zeros import sampled_of
from invdiff.errors import InputError
from invdiff.files.content import Content
from invdiff.files.digest import digest_of

Complex = NDArray[np.complex64]

BLOCK_BYTES = 2**28
"""Of the slices that are made and held together."""
PART_BYTES = 2**24
"""Of the k-space that is transformed at a time, about."""
_LINE = 0.95  # of a line's samples are measured ones, at least: some may be zero by chance
_ROUNDING = 1e-6  # of the loudest slice's norm: what is left of zeros by a transform in single precision


class Part(NamedTuple):
    """Some of the k-space of a volume.

    Attributes:
        samples: complex ``(n, coils, rows, columns)``, the whole of axis ``n``, zero where nothing was measured.
        place: of the coils, rows and columns.
    """

    samples: NDArray[np.complexfloating[Any, Any]]
    place: tuple[slice, slice, slice]


class Samples(Hashable, Protocol):
    """Three-dimensional k-space in a file. What is equal reads the same, also in another process."""

    @property
    def path(self) -> Path:
        """Path of the file, absolute."""

    @property
    def axes(self) -> tuple[str, ...]:
        """What the format calls the axes of space along which slices may lie, which are the first: before others the
        one that is the readout where nothing tells otherwise."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Coils, and how many samples there are along each axis of space."""

    def parts(self, along: int) -> Iterator[Part]:
        """All of k-space once, in parts of about ``PART_BYTES`` which hold axis ``along`` of space whole; what is told
        of one place more than once is to be added up. Rows and columns are the other two axes, in their order.

        Raises:
            InputError: the file can't be read.
        """


@dataclass(frozen=True)
class ArrayInFile:
    """Three-dimensional k-space that is one array in a file.

    Attributes:
        path: of the file, absolute.
        axes: as of `Samples`; the last is the slowest in the file.
        opened: the array, of any number of axes, of which slices are read when they are asked for.
        places: which axis of the array the coils are, and those of space. Others are one long.
        sizes: of all axes of the array.
        steps: how many are read together at least along each axis of the array, such as those of a chunk.
    """

    path: Path
    axes: tuple[str, str, str]
    opened: Callable[[Path], AbstractContextManager[Any]]
    places: tuple[int, int, int, int]
    sizes: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Coils, and how many samples there are along each axis of space."""
        coils, first, second, third = (self.sizes[place] for place in self.places)
        return coils, first, second, third

    def parts(self, along: int) -> Iterator[Part]:
        """Coil by coil, in slabs of columns."""
        coil, *space = self.places
        whole = space.pop(along)
        rows, columns = space
        height, width = self.sizes[rows], self.sizes[columns]
        itemsize = np.dtype(np.complex64).itemsize
        least = self.steps[columns]
        step = least * max(1, PART_BYTES // (itemsize * self.sizes[whole] * height * least))
        order = np.argsort(np.argsort([whole, rows, columns]))  # what is left of the axes, back from the file's order
        with self.opened(self.path) as array:
            for number in range(self.sizes[coil]):
                for start in range(0, width, step):
                    stop = min(start + step, width)
                    index: list[int | slice] = [0] * len(self.sizes)
                    index[coil] = number
                    index[whole] = index[rows] = slice(None)
                    index[columns] = slice(start, stop)
                    samples = np.asarray(array[tuple(index)]).transpose(order)
                    yield Part(samples[:, None], (slice(number, number + 1), slice(0, height), slice(start, stop)))


@dataclass(frozen=True)
class Volume:
    """Three-dimensional k-space, of which the positions along one axis are slices; found as a file is read or opened.

    Attributes:
        samples: all of k-space.
        along: the axis of space that was sampled in full.
        positions: number of slices, about the middle of it.
    """

    samples: Samples
    along: int
    positions: int

    @property
    def slice_shape(self) -> tuple[int, int, int]:
        """(coils, H, W): the axes of space that are left stay in their order."""
        coils, *space = self.samples.shape
        del space[self.along]
        return coils, space[0], space[1]

    def kspace(self, positions: Sequence[int]) -> Complex:
        """Two-dimensional k-space of slices: the inverse Fourier transform along the axis, centred and orthonormal, so
        that noise keeps its level.

        Args:
            positions: along the axis, of those that are slices.

        Returns:
            ``(slices, coils, H, W)``.

        Raises:
            InputError: the file can't be read.
        """
        kspace = np.zeros((len(positions), *self.slice_shape), np.complex64)
        for samples, place in self.samples.parts(self.along):
            kspace[:, *place] += self.transformed(samples)[list(positions)]
        return kspace

    def transformed(self, samples: NDArray[np.complexfloating[Any, Any]]) -> Complex:
        """All slices of a part of k-space."""
        with np.errstate(over="ignore", invalid="ignore"):  # too large for single precision is refused by its scan
            single = np.fft.ifftshift(samples.astype(np.complex64, copy=False), 0)
            every: Complex = np.fft.fftshift(np.fft.ifft(single, axis=0, norm="ortho"), 0)
        first = len(every) // 2 - self.positions // 2
        return every[first : first + self.positions]


def _per_block(volume: Volume) -> int:
    """How many slices are made together."""
    return max(1, BLOCK_BYTES // (np.dtype(np.complex64).itemsize * math.prod(volume.slice_shape)))


_HELD: dict[tuple[Volume, int, Content], Complex] = {}


def _block(volume: Volume, number: int) -> Complex:
    """The k-space of neighbouring slices, held for those that are asked for next."""
    key = (volume, number, _content(volume.samples.path))
    block = _HELD.get(key)
    if block is None:
        _HELD.clear()  # one at a time: blocks are large
        count = _per_block(volume)
        block = _HELD[key] = volume.kspace(range(number * count, min((number + 1) * count, volume.positions)))
    return block


def _content(path: Path) -> Content:
    try:
        return Content.now(path)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from error


@dataclass(frozen=True, eq=False)
class _Survey:
    """What all of k-space tells at one reading.

    Attributes:
        volume: and the axis of its slices.
        mask: bool ``(H, W)``, where something was sampled, as of `invdiff.data.zeros`.
        digest: of all numbers.
    """

    volume: Volume
    mask: NDArray[np.bool_]
    digest: str


def _survey(samples: Samples, wanted: int | None) -> _Survey:
    measured, digest = np.zeros(samples.shape[1:], bool), hashlib.sha256()
    for part, (coils, rows, columns) in samples.parts(0):
        if part.dtype.kind != "c":
            raise InputError(f"{samples.path}: kspace holds {part.dtype}, not complex numbers.")
        if not np.isfinite(part).all():
            raise InputError(f"{samples.path}: kspace of shape {samples.shape} holds NaN or infinity.")
        measured[:, rows, columns] |= part.any(axis=1)
        digest.update(f"{coils} {rows} {columns}".encode())
        digest.update(np.ascontiguousarray(part).data)
    along = _full_axis(samples, measured)
    positions = samples.shape[1 + along] if wanted is None or along > 0 else wanted
    mask = sampled_of(np.asarray(measured.any(axis=along)))
    return _Survey(Volume(samples, along, positions), mask, digest.hexdigest())


def _full_axis(samples: Samples, measured: NDArray[np.bool_]) -> int:
    """The first axis of space along which every line that was measured at all was measured from end to end.

    Raises:
        InputError: there is none.
    """
    if not measured.any():
        raise InputError(
            f"{samples.path}: kspace of shape {samples.shape} is zero everywhere, so there is nothing to reconstruct."
        )
    found = []
    for axis, name in enumerate(samples.axes):
        lines = np.moveaxis(measured, axis, 0)
        counts = lines.sum(axis=0)
        reached = int(lines.any(axis=(1, 2)).sum())
        if reached == len(lines) and (counts[counts > 0] >= _LINE * len(lines)).all():
            return axis
        found.append(f"{name} at {reached} of {len(lines)}" if reached < len(lines) else f"{name} here and there")
    raise InputError(
        f"{samples.path} holds three-dimensional k-space of which no axis was sampled from end to end "
        f"({', '.join(found)}), as by a partial echo; only along one that was is it a stack of slices. Fill it up "
        "first by a method for partial Fourier, or reconstruct it with a three-dimensional one."
    )


def read_volume(samples: Samples, known: Mapping[str, Any], wanted: int | None = None) -> Scan:
    """All slices of three-dimensional k-space, in memory.

    Args:
        samples: all of k-space.
        known: what else there is to a `Scan`: the noise, attributes; a mask of the two axes that are left, in their
            order, instead of the places of what is not zero; the geometry of slices along the first axis.
        wanted: how many positions along the first axis, about its middle, are in the field of view; None: all.

    Raises:
        InputError: no axis was sampled in full, numbers are not finite, the file can't be read, or there is not the
            memory.
    """
    seen = _survey(samples, wanted)
    count = math.prod(samples.shape)
    check_memory(f"{samples.path} of {count:,} samples", np.dtype(np.complex64).itemsize * count)
    kspace = seen.volume.kspace(range(seen.volume.positions))
    kspace[sorted(_empty(np.array([np.square(np.abs(y), dtype=np.float64).sum() for y in kspace]), samples.path))] = 0
    return Scan(kspace, name=samples.path.name, **_known(known, seen))


def open_volume(samples: Samples, known: Mapping[str, Any], wanted: int | None = None) -> ScanFile:
    """The slices of three-dimensional k-space, read when they are asked for.

    The file is read twice now, and once for each block of slices later; as many are a block as fit in ``BLOCK_BYTES``.

    Args:
        samples: all of k-space.
        known: as for `read_volume`.
        wanted: likewise.

    Raises:
        InputError: as `read_volume`, but for memory.
    """
    seen = _survey(samples, wanted)
    volume = seen.volume
    power, of_plane = np.zeros(volume.positions), np.zeros(volume.slice_shape[1:])
    for part, (_, rows, columns) in samples.parts(volume.along):
        positions = volume.transformed(part)
        energy = np.square(positions.real, dtype=np.float64) + np.square(positions.imag, dtype=np.float64)
        power += energy.sum(axis=(1, 2, 3))
        of_plane[rows, columns] += energy.sum(axis=(0, 1))
    empty, of_all = _empty(power, samples.path), _known(known, seen)
    geometry: Geometry | None = of_all.pop("geometry")
    of_slice = {**of_all, "geometry": None if geometry is None else replace(geometry, planes=None)}
    read = partial(_read, volume, empty, of_slice)
    (common,) = read([int(power.argmax())])
    assert common is not None
    decided = (volume.positions, common.sampled, common.noise_std, common.noise)
    digests = tuple(digest_of(seen.digest, volume.along, position, *decided) for position in range(volume.positions))
    planes = None if geometry is None else geometry.planes
    name, remarks = samples.path.name, common.remarks
    return ScanFile(name, read, common, common.mask, empty, digests, remarks, planes).interpreted(of_plane)


def _empty(power: NDArray[np.float64], path: Path) -> frozenset[int]:
    """Slices of which nothing was seen, by the power of each; what is not finite its scan refuses."""
    if power.max() == 0:
        raise InputError(f"{path}: kspace is zero everywhere in single precision; multiply it by a large number.")
    return frozenset(np.flatnonzero((power <= _ROUNDING**2 * power.max()) & np.isfinite(power)).tolist())


def _known(known: Mapping[str, Any], seen: _Survey) -> dict[str, Any]:
    """What is known of slices, by the arguments of a scan."""
    mask, geometry = known.get("mask"), known.get("geometry")
    return {
        **known,
        "mask": seen.mask if mask is None else mask,
        "geometry": geometry if seen.volume.along == 0 else None,
    }


def _read(
    volume: Volume, empty: frozenset[int], known: Mapping[str, Any], positions: Sequence[int]
) -> list[Scan | None]:
    """The scans of slices, ``None`` where nothing was seen."""
    blocks = {position // _per_block(volume) for position in positions}
    if len(blocks) > 1:
        kspace = volume.kspace(positions)
    else:
        (number,) = blocks
        first = number * _per_block(volume)
        kspace = _block(volume, number)[[position - first for position in positions]]
    return [
        None if position in empty else Scan(y[None], name=volume.samples.path.name, **known)
        for position, y in zip(positions, kspace, strict=True)
    ]
