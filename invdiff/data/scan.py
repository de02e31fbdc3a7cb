"""What a scanner (or a simulation of one) measured."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from invdiff.data.fourier import to_image
from invdiff.data.geometry import Geometry
from invdiff.data.noise import Noise, estimate_noise, noise_of_scan
from invdiff.data.scale import largest_part
from invdiff.data.zeros import sampled_of
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.notebook import card

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOGETHER = 8
"""Slices that are looked at together, at most: what is learnt of a scan as a whole is learnt of so many, evenly
spaced."""

STACKS = ("kspace", "maps", "ground_truth", "calibration")
"""What a scan has an entry of for every slice."""

_LARGEST = 1e35  # of a number: transforms add up hundreds


def evenly_spaced(count: int, most: int = TOGETHER) -> list[int]:
    """Positions of at most so many of ``count`` things, from the first to the last."""
    return [int(position) for position in np.unique(np.linspace(0, count - 1, min(most, count)).astype(int))]


def places_of(slices: Sequence[int], count: int, name: str) -> list[int]:
    """The places, from zero, of some of ``count`` slices; negative numbers count from the end.

    Raises:
        InputError: there is no such slice, or none is asked for.
    """
    asked = list(slices)
    if not asked or any(not -count <= index < count for index in asked):
        raise InputError(f"{name} has slices 0 to {count - 1}; asked for {asked or 'none'}.")
    return [index % count for index in asked]


class ScanSlices(Protocol):
    """A scan whose slices can be asked for: in memory, as `Scan`, or in a file, as `ScanFile`."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    @property
    def slices(self) -> int:
        """Number of slices."""

    @property
    def coils(self) -> int:
        """Number of coils."""

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W)."""

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """Where it was sampled, bool ``(H, W)``; None: everywhere."""

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """The mask, all true where the scan is fully sampled."""

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Whatever else the file says."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the file was understood, where that could be doubted."""

    @property
    def geometry(self) -> Geometry | None:
        """Where the pixels of its images lie in space, where that is known."""

    @property
    def empty(self) -> frozenset[int]:
        """Slices of which nothing was seen."""

    @property
    def has_ground_truth(self) -> bool:
        """Whether the image is known."""

    def select(self, slices: Sequence[int]) -> "CoilData":
        """These slices, in memory."""

    def digest(self, index: int) -> str:
        """The SHA-256 of all numbers of a slice."""


class CoilData(ABC):
    """What scans have in common, on a grid or along a trajectory: the coils' data of slices, and what is known of them.

    Attributes are those of `Scan`.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]  # which every kind of scan is
    kspace: NDArray[np.complex64]
    maps: NDArray[np.complex64] | None
    noise_std: float | None
    noise: NDArray[np.complex64] | None
    ground_truth: NDArray[np.complex64] | None
    calibration: NDArray[np.complex64] | None
    name: str
    attributes: Mapping[str, Any]
    remarks: tuple[str, ...]
    geometry: Geometry | None

    @property
    @abstractmethod
    def image_shape(self) -> tuple[int, int]:
        """(H, W)."""

    @property
    @abstractmethod
    def mask(self) -> NDArray[np.bool_] | None:
        """The same as ``sampled``; None where that is everywhere."""

    @property
    @abstractmethod
    def sampled(self) -> NDArray[np.bool_]:
        """The positions of k-space that were sampled, bool ``(H, W)``."""

    @property
    @abstractmethod
    def filled(self) -> NDArray[np.bool_]:
        """The positions of k-space that the samples tell, bool ``(H, W)``."""

    @abstractmethod
    def undersample(self, mask: NDArray[np.bool_]) -> Self:
        """The scan as it would have been with a mask ``(H, W)`` on top of its own.

        Raises:
            InputError: it has another shape, or samples lie on no grid.
        """

    @abstractmethod
    def own_noise(self) -> Noise:
        """The noise that the data show: that of a noise scan, or else their own.

        Raises:
            InputError: they show none.
        """

    @abstractmethod
    def with_calibration(self) -> Self:
        """The scan with k-space on a grid that maps can be estimated from: its centre, or its calibration.

        Raises:
            InputError: too little of the centre was sampled.
        """

    def _check_known(self) -> None:
        """Convert all that is known beside k-space; raise ``InputError`` where it does not fit."""
        kspace, slices = self.kspace, self.slices
        every_coil = (slices, self.coils, *self.image_shape)
        shapes: tuple[tuple[str, tuple[int, ...]], ...] = (
            ("maps", every_coil),
            ("ground_truth", (slices, *self.image_shape)),
        )
        for dataset, expected in shapes:
            given = getattr(self, dataset)
            if given is None:
                continue
            array = self._complex(dataset, given, real_allowed=dataset == "ground_truth")
            if dataset == "maps" and array.ndim == 5 and array.shape[1] > 0:
                expected = (slices, array.shape[1], *every_coil[1:])
            if array.shape != expected:
                raise InputError(
                    f"{self.name}: {dataset} has shape {array.shape}, but kspace {kspace.shape} asks for {expected}."
                )
            if dataset == "maps" and not array.any():
                raise InputError(f"{self.name}: maps are zero everywhere, so the coils have seen nothing.")
            self._set(dataset, array)
        if self.calibration is not None:
            calibration = self._complex("calibration", self.calibration)
            if calibration.ndim != 4 or calibration.shape[:2] != kspace.shape[:2] or not calibration.any():
                raise InputError(
                    f"{self.name}: calibration of shape {calibration.shape} must be signal of these slices and coils, "
                    f"({slices}, {self.coils}, h, w)."
                )
            self._set("calibration", calibration)
        if self.noise is not None:
            noise = self._complex("noise", self.noise)
            if noise.ndim != 2 or len(noise) != self.coils:
                raise InputError(
                    f"{self.name}: noise has shape {noise.shape}; a noise scan of these coils has ({self.coils}, n)."
                )
            self._set("noise", noise)
        if self.noise_std is not None:
            if not (np.isfinite(self.noise_std) and self.noise_std >= 0):
                raise InputError(
                    f"{self.name}: noise_std is {self.noise_std}; it must be a finite number, zero or more."
                )
            self._set("noise_std", float(self.noise_std))
        if self.geometry is not None:
            self.geometry.check(self.name, self.image_shape, self.slices)

    def _set(self, attribute: str, value: object) -> None:
        object.__setattr__(self, attribute, value)

    def _complex(self, dataset: str, array: NDArray[Any], real_allowed: bool = False) -> NDArray[np.complex64]:
        array = np.asarray(array)
        if not (np.iscomplexobj(array) or (real_allowed and array.dtype.kind in "fiu")):
            raise InputError(f"{self.name}: {dataset} of shape {array.shape} holds {array.dtype}, not complex numbers.")
        if not np.isfinite(array).all():
            raise InputError(f"{self.name}: {dataset} of shape {array.shape} holds NaN or infinity.")
        largest = largest_part(array) if array.size else 0.0
        if largest > _LARGEST:
            raise InputError(
                f"{self.name}: {dataset} of shape {array.shape} holds numbers up to {largest:.2g}, too large for "
                f"single precision, where sums of those beyond {_LARGEST:g} are infinite; divide all that has its "
                "units by a power of ten."
            )
        return array.astype(np.complex64, copy=False)

    def _check_signal(self, kspace: NDArray[np.complex64]) -> None:
        if not kspace.any():
            raise InputError(
                f"{self.name}: kspace of shape {kspace.shape} is zero everywhere, so there is nothing to reconstruct."
            )

    @property
    def slices(self) -> int:
        """Number of slices."""
        return int(self.kspace.shape[0])

    @property
    def coils(self) -> int:
        """Number of coils."""
        return int(self.kspace.shape[1])

    @property
    def _described(self) -> dict[str, str]:
        """What tells it from others at a glance."""
        height, width = self.image_shape
        known = [name for name in (*STACKS[1:], "noise", "geometry") if getattr(self, name) is not None]
        return {
            "slices": f"{self.slices} of {height} x {width}",
            "coils": str(self.coils),
            "k-space": f"{self.kspace.shape} {self.kspace.dtype}",
            "acceleration": f"{self.sampled.size / np.count_nonzero(self.sampled):.2f}",
            "noise_std": "unknown" if self.noise_std is None else f"{self.noise_std:.3g}",
            "known": ", ".join(known) or "nothing else",
        }

    def __repr__(self) -> str:
        said = ", ".join(f"{name}: {value}" for name, value in self._described.items())
        return f"{type(self).__name__}({self.name!r}, {said})"

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        return card(f"{type(self).__name__} {self.name}", self._described)

    def __len__(self) -> int:
        return self.slices

    def __iter__(self) -> Iterator[Self]:
        """Slice by slice."""
        return (self.select([index]) for index in range(self.slices))

    def __getitem__(self, index: int | slice) -> Self:
        """The scan of one slice, or of a range of them.

        Raises:
            InputError: as of `select`.
        """
        return self.select(range(self.slices)[index] if isinstance(index, slice) else [index])

    def select(self, slices: Sequence[int]) -> Self:
        """The scan of these slices alone; negative numbers count from the end.

        Raises:
            InputError: there is no such slice, or none is asked for.
        """
        index = places_of(slices, self.slices, self.name)
        stacks = {name: getattr(self, name) for name in STACKS}
        return self.changed(
            **{name: None if stack is None else stack[index] for name, stack in stacks.items()},
            geometry=None if self.geometry is None else self.geometry.select(index),
        )

    def changed(self, **attributes: Any) -> Self:
        """The scan with other attributes, which are known to fit it: nothing is looked at again, as `replace` would."""
        new = copy.copy(self)
        for name in vars(self).keys() - {one.name for one in fields(self)}:  # what was found out of the others
            del vars(new)[name]
        for name, value in attributes.items():
            new._set(name, value)
        return new

    def with_slices(self, scans: Sequence[Self]) -> Self:
        """The scan with k-space and maps of others, one slice after the other, in the place of its own."""
        maps = [scan.maps for scan in scans if scan.maps is not None]
        return self.changed(kspace=np.concatenate([scan.kspace for scan in scans]), maps=np.concatenate(maps))

    @cached_property
    def empty(self) -> frozenset[int]:
        """Slices of which nothing was seen, such as padding at the ends of a volume: the signal or every coil map is
        zero."""
        seen = self.kspace.any(axis=(1, 2, 3))
        if self.maps is not None:
            seen &= self.maps.reshape(self.slices, -1).any(axis=1)
        return frozenset(np.flatnonzero(~seen).tolist())

    @property
    def has_ground_truth(self) -> bool:
        """Whether the image is known."""
        return self.ground_truth is not None

    def digest(self, index: int) -> str:
        """The SHA-256 of all that is known of a slice."""
        stacks = (getattr(self, name) for name in STACKS)
        return digest_of(self.noise_std, self.noise, *(None if stack is None else stack[index] for stack in stacks))


Coils = TypeVar("Coils", bound=CoilData)


@dataclass(frozen=True, eq=False, repr=False)
class Scan(CoilData):
    """Cartesian k-space of one or more slices, and what is known about it.

    Arrays of another precision are converted; nothing is rescaled, so intensities are in the file's own units.
    The Fourier convention is centred and orthonormal: the centre of k-space lies at ``(H // 2, W // 2)``.

    Args:
        kspace: complex64 ``(slices, coils, H, W)``, zero where nothing was sampled. Axis -2 is the readout where it is
            known.
        mask: bool ``(H, W)``, true where sampled, the same for all slices; 1-D ``(W,)`` is widened. Where it is not
            given, it is found from the lines, blocks or many points that are zero in every slice and coil; see
            `invdiff.data.zeros`. None after construction: fully sampled.
        maps: coil sensitivities, complex64 ``(slices, coils, H, W)``, or ``(slices, sets, coils, H, W)`` where several
            images overlap (soft SENSE).
        noise_std: standard deviation of the noise in each real and each imaginary part.
        noise: samples of a separate noise scan, complex64 ``(coils, n)``, in the units of k-space.
        ground_truth: complex64 ``(slices, H, W)``, for scans that were simulated.
        calibration: k-space of the same slices, coils and field of view that was measured apart, fully sampled,
            complex64 ``(slices, coils, h, w)`` about its own centre ``(h // 2, w // 2)``, at any intensity scale: maps
            are estimated from it. None: from the centre of ``kspace``.
        name: what to call the scan in tables and messages; readers put the file's path here.
        attributes: whatever else the file says.
        remarks: how the file was understood, where that could be doubted: sentences that a user is warned by.
        geometry: of the image grid ``(H, W)``, and where every slice lies; None where unknown.

    Raises:
        InputError: shapes do not agree, numbers are not finite or beyond 1e35, everything is zero, or there is signal
            where the mask has none.
    """

    kspace: NDArray[np.complex64]
    mask: NDArray[np.bool_] | None = None
    maps: NDArray[np.complex64] | None = None
    noise_std: float | None = None
    noise: NDArray[np.complex64] | None = None
    ground_truth: NDArray[np.complex64] | None = None
    calibration: NDArray[np.complex64] | None = None
    name: str = "scan"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    geometry: Geometry | None = None

    def __post_init__(self) -> None:
        kspace = self._complex("kspace", self.kspace)
        if kspace.ndim != 4 or kspace.size == 0:
            raise InputError(
                f"{self.name}: kspace has shape {kspace.shape}; it must be (slices, coils, H, W), none of them empty."
            )
        self._check_signal(kspace)
        self._set("kspace", kspace)
        self._set("mask", self._sampled(kspace))
        self._check_known()

    def _sampled(self, kspace: NDArray[np.complex64]) -> NDArray[np.bool_] | None:
        nonzero = np.asarray(kspace.any(axis=(0, 1)))
        if self.mask is None:
            found = sampled_of(nonzero)
            return None if found.all() else found
        mask = _binary(self.mask, nonzero.shape, self.name)
        stray = int(np.count_nonzero(nonzero & ~mask))
        if stray:
            raise InputError(
                f"{self.name}: {stray} of {mask.size} k-space positions hold signal though the mask says they were not "
                "sampled; give the mask that belongs to this k-space, set those samples to zero, or leave the mask out "
                "of the file and undersample by it (--mask)."
            )
        if not mask.any():
            raise InputError(f"{self.name}: the mask of shape {mask.shape} samples nothing.")
        return None if mask.all() else mask

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.kspace.shape[2], self.kspace.shape[3]

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """The mask, all true where the scan is fully sampled."""
        return np.ones(self.image_shape, dtype=bool) if self.mask is None else self.mask

    @property
    def root_sum_of_squares(self) -> NDArray[np.float32]:
        """Of the coils' images, of what was sampled alone, ``(slices, H, W)`` (Roemer 1990)."""
        found: NDArray[np.float32] = np.sqrt((np.abs(to_image(self.kspace)) ** 2).sum(axis=1))
        return found

    def _repr_html_(self) -> str:
        middle = self[self.slices // 2]
        seen = {"root sum of squares": middle.root_sum_of_squares, "sampled": self.sampled.astype(np.float32)}
        return card(f"Scan {self.name}", self._described, seen)

    def plot(self) -> "Figure":
        """A figure of the coils' root sum of squares, of what was sampled alone; of k-space, as the logarithm of its
        root sum of squares over coils; and of the mask. At most eight slices are shown."""
        from invdiff.pictures import Column, brightest_of, draw_columns

        image, kspace = self.root_sum_of_squares, np.sqrt((np.abs(self.kspace) ** 2).sum(axis=1))
        logarithm = np.log1p(1e3 * kspace / kspace.max())
        mask = np.broadcast_to(self.sampled, image.shape).astype(np.float32)
        return draw_columns(
            [
                Column("root sum of squares", image, brightest_of(image)),
                Column("k-space", logarithm, float(logarithm.max())),
                Column("sampled", mask, 1.0),
            ]
        )

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Where it was sampled."""
        return self.sampled

    def own_noise(self) -> Noise:
        """From the noise scan, or else from k-space.

        Raises:
            InputError: as of `estimate_noise` and `noise_of_scan`.
        """
        return estimate_noise(self.kspace, self.mask) if self.noise is None else noise_of_scan(self.noise)

    def with_calibration(self) -> Self:
        """As it is: its centre is on a grid."""
        return self

    def undersample(self, mask: NDArray[np.bool_]) -> Self:
        """The scan as it would have been with this mask ``(H, W)`` or ``(W,)`` on top of its own.

        Raises:
            InputError: the mask has another shape, or is not made of zeros and ones.
        """
        keep = _binary(mask, self.image_shape, self.name) & self.sampled
        if not (self.kspace[..., keep] != 0).any():
            raise InputError(
                f"{self.name}: the mask keeps {np.count_nonzero(keep)} of {keep.size} k-space positions, all of them "
                "zero; choose another mask."
            )
        return self.changed(kspace=np.where(keep, self.kspace, 0), mask=None if keep.all() else keep)


def _binary(mask: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[np.bool_]:
    mask = np.asarray(mask)
    if mask.ndim > 2 and mask.size == shape[-1]:  # fastMRI's mask functions return (1, 1, W, 1)
        mask = mask.reshape(-1)
    if mask.shape not in (shape, shape[-1:]):
        raise InputError(
            f"{name}: the mask has shape {mask.shape}, but k-space asks for {shape} or, for lines, {shape[-1:]}."
        )
    if not ((mask == 0) | (mask == 1)).all():
        raise InputError(f"{name}: the mask of shape {mask.shape} holds {mask.dtype} numbers other than 0 and 1.")
    return np.broadcast_to(mask.astype(bool), shape).copy()
