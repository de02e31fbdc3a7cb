"""A scan in a file, of which a slice is read when it is asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.centre import power_of
from invdiff.data.geometry import Geometry, Plane
from invdiff.data.interpretation import Interpretation, interpret
from invdiff.data.scan import STACKS, Scan, evenly_spaced, places_of
from invdiff.errors import InputError

Read = Callable[[Sequence[int]], Sequence[Scan | None]]


@dataclass(frozen=True, eq=False)
class ScanFile:
    """Slices of a long scan, in memory one by one; made by `survey`, or by `invdiff.data.volume.open_volume`.

    Attributes:
        name: of the file.
        read: the scans of slices, one each, as they are meant; ``None`` where nothing was seen.
        common: a slice of it, for all that is the same in every slice.
        mask: bool ``(H, W)``; None: fully sampled.
        empty: slices of which nothing was seen.
        digests: the SHA-256 of each slice.
        remarks: those of all slices, each once.
        planes: where every slice lies; None where unknown.
    """

    name: str
    read: Read = field(repr=False)
    common: Scan = field(repr=False)
    mask: NDArray[np.bool_] | None = field(repr=False)
    empty: frozenset[int]
    digests: tuple[str, ...] = field(repr=False)
    remarks: tuple[str, ...] = ()
    planes: tuple[Plane, ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.geometry is not None:
            self.geometry.check(self.name, self.image_shape, self.slices)

    @classmethod
    def survey(cls, path: Path, read: Read, count: int, planes: tuple[Plane, ...] | None = None) -> Self:
        """Look at every slice once: what was sampled, which slices are empty, whether numbers are finite, and how the
        k-space of all of them is meant.

        Args:
            path: of the file.
            read: as of the attributes.
            count: of slices.
            planes: as of the attributes; slices that are read do not know where they lie.

        Raises:
            InputError: as `Scan`, of any slice, or there is another number of planes.
        """
        common: Scan | None = None
        sampled, power, empty, digests = None, None, set(), []
        remarks: dict[str, None] = {}
        for index in range(count):
            (scan,) = read([index])
            digests.append("" if scan is None else scan.digest(0))
            if scan is None:
                empty.add(index)
                continue
            common = common or scan
            sampled = scan.sampled if sampled is None else sampled | scan.sampled
            power = power_of(scan.kspace) if power is None else power + power_of(scan.kspace)
            remarks |= dict.fromkeys(scan.remarks)
        if common is None or sampled is None or power is None:
            raise InputError(
                f"{path.name}: all {count} slices are zero everywhere, so there is nothing to reconstruct."
            )
        as_read = cls(path.name, read, common, sampled, frozenset(empty), tuple(digests), tuple(remarks), planes)
        return as_read.interpreted(power)

    def interpreted(self, power: NDArray[np.float64]) -> Self:
        """The scan as its k-space is meant.

        Args:
            power: of all slices, ``(H, W)``, as of `invdiff.data.centre.power_of`.
        """
        full = [index for index in range(self.slices) if index not in self.empty]
        some = [full[k] for k in evenly_spaced(len(full))]
        shown = partial(_kspace_of, self.read, some)
        meant = interpret(power, self.sampled, self.common.noise_std, self.common.kspace[0], shown)
        return replace(
            self,
            read=partial(_interpreted, self.read, meant),
            common=meant(self.common),
            mask=None if meant.mask.all() else meant.mask,
            remarks=(*self.remarks, *meant.remarks),
        )

    @property
    def slices(self) -> int:
        """Number of slices."""
        return len(self.digests)

    def __len__(self) -> int:
        return self.slices

    def __iter__(self) -> Iterator[Scan]:
        """Slice by slice, each read when it is reached."""
        return (self.select([index]) for index in range(self.slices))

    def __getitem__(self, index: int | slice) -> Scan:
        """The scan of one slice, or of a range of them, read now.

        Raises:
            InputError: as of `select`.
        """
        return self.select(range(self.slices)[index] if isinstance(index, slice) else [index])

    @property
    def coils(self) -> int:
        """Number of coils."""
        return self.common.coils

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.common.image_shape

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """The mask, all true where the scan is fully sampled."""
        return np.ones(self.image_shape, dtype=bool) if self.mask is None else self.mask

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Whatever else the file says."""
        return self.common.attributes

    @property
    def geometry(self) -> Geometry | None:
        """Where the pixels of its images lie in space, where that is known."""
        common = self.common.geometry
        return None if common is None else replace(common, planes=self.planes)

    @property
    def has_ground_truth(self) -> bool:
        """Whether the image is known."""
        return self.common.has_ground_truth

    def digest(self, index: int) -> str:
        """The SHA-256 of all numbers of a slice."""
        return self.digests[index]

    def select(self, slices: Sequence[int]) -> Scan:
        """The scan of these slices, read now; the numbers of those that hold nothing are zero, and negative indices
        count from the end.

        Raises:
            InputError: there is no such slice, none is asked for, or the file is no longer what it was.
        """
        places = places_of(slices, self.slices, self.name)
        parts = [self._nothing if scan is None else scan for scan in self.read(places)]

        def stack(name: str) -> NDArray[Any] | None:
            arrays = [getattr(part, name) for part in parts]
            return None if arrays[0] is None else np.concatenate(arrays)

        return self.common.changed(
            **{name: stack(name) for name in STACKS},
            mask=self.mask,
            name=self.name,
            remarks=self.remarks,
            geometry=None if self.geometry is None else self.geometry.select(places),
        )

    @property
    def _nothing(self) -> Scan:
        arrays = {name: getattr(self.common, name) for name in STACKS}
        return self.common.changed(**{name: None if a is None else np.zeros_like(a) for name, a in arrays.items()})


def _interpreted(read: Read, meant: Interpretation, slices: Sequence[int]) -> list[Scan | None]:
    return [None if scan is None else meant(scan) for scan in read(slices)]


def _kspace_of(read: Read, slices: Sequence[int]) -> NDArray[np.complex64]:
    return np.concatenate([scan.kspace for scan in read(slices) if scan is not None])
