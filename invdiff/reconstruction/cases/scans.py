"""A scan as problems: multi-coil or single-coil k-space."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from invdiff.data.calibration import FEWEST_COILS
from invdiff.data.centre import power_of
from invdiff.data.coils import combine_slices
from invdiff.data.fourier import to_image, to_kspace
from invdiff.data.held_out import held_out
from invdiff.data.scan import CoilData, ScanSlices, evenly_spaced
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.operators import LinearOperator, Sensitivities, fourier
from invdiff.problem import Problem
from invdiff.reconstruction.cases.along_trajectory import (
    NON_CARTESIAN,
    check_grid,
    density_along,
    gridded_images,
    held_readouts,
    kspace_along,
    samples_along,
    transform_along,
)
from invdiff.reconstruction.cases.base import Cases, Image, as_tensor
from invdiff.reconstruction.joint import Joint
from invdiff.reconstruction.preparation import at_own_intensities, prepare, prepare_alike

Complex = NDArray[np.complex64]
Maps = Literal["estimated", "joint"]
Target = Callable[[Complex, Complex], Complex]
"""An image of each slice from the coil images of full data and the coil maps."""


def _on_a_grid(scan: CoilData) -> LinearOperator:
    return fourier(as_tensor(scan.sampled))


def _samples(scan: CoilData) -> Tensor:
    return as_tensor(scan.kspace[0])[:, as_tensor(scan.sampled)]


def _transformed(scan: CoilData) -> Complex:
    return to_image(scan.kspace)


def _everywhere(scan: ScanSlices, coil_images: Complex) -> Complex:
    return to_kspace(coil_images)


def _held_positions(scan: CoilData, fraction: float, seed: int, least: int) -> NDArray[np.bool_]:
    return held_out(scan.sampled, fraction, seed, least=least)


def _at_positions(scan: CoilData) -> None:
    """No density: each sample lies at a position of the grid."""


@dataclass(frozen=True)
class Seen:
    """How an operator sees the image of a slice.

    Attributes:
        transform: of one coil's image of a slice, ``(H, W)``, to its samples ``(m,)``.
        samples: of a slice, ``(coils, m)``.
        coil_images: of the data alone, ``(slices, coils, H, W)``, from which zero-filled images are combined.
        kspace: of a scan's coils as it was read, of images of all coils, as of `ScanCases.kspace_of`.
        hold_back: samples, as of `Cases.hold_back`.
        density: of samples, as of `Cases.density`.
        through_maps: whether the coils' maps are a part of it; else there is one coil.
    """

    transform: Callable[[CoilData], LinearOperator]
    samples: Callable[[CoilData], Tensor]
    coil_images: Callable[[CoilData], Complex]
    kspace: Callable[[ScanSlices, Complex], Complex]
    hold_back: Callable[[CoilData, float, int, int], NDArray[np.bool_]]
    density: Callable[[CoilData], NDArray[np.float32] | None]
    through_maps: bool = True

    def problem(self, scan: CoilData, noise_std: float) -> Problem:
        """The problem of a slice, prepared."""
        transform, y = self.transform(scan), self.samples(scan)
        if not self.through_maps:
            return Problem(transform, y[0], noise_std)
        assert scan.maps is not None
        return Problem(transform @ Sensitivities(as_tensor(scan.maps[0])), y, noise_std)


_CARTESIAN = Seen(_on_a_grid, _samples, _transformed, _everywhere, _held_positions, _at_positions)

SEEN = {
    "sense": _CARTESIAN,
    "fourier": replace(_CARTESIAN, through_maps=False),
    NON_CARTESIAN: Seen(transform_along, samples_along, gridded_images, kspace_along, held_readouts, density_along),
}
"""Operators on scans, by name."""

FULL_DATA = "the combination of the full data's coils, by the same maps"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ScanCases(Cases):
    """A scan's slices; made by `scan_cases`.

    Attributes:
        scan: as read.
        learnt_from: numbers of the slices that noise, crop and map sets were learnt from.
        learnt: these, prepared.
        mask: of undersampling, on top of the scan's own; None: as measured.
        truth_by: makes a ground truth of full data; None where the scan brings one, or its data are not full.
        map_choices: numbers of map sets among which `known_maps` is to choose, as estimated or refined; none: the maps
            stay.
        joint: refines the maps of every slice with its image; None: they are as estimated.
    """

    scan: ScanSlices
    learnt_from: tuple[int, ...]
    learnt: CoilData = field(repr=False)
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)
    truth_by: Target | None = None
    map_choices: tuple[int, ...] = ()
    joint: Joint | None = None

    @property
    def name(self) -> str:
        """The scan's."""
        return self.scan.name

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """Where k-space was sampled, bool ``(H, W)``."""
        return self.learnt.sampled

    @property
    def density(self) -> NDArray[np.float32] | None:
        """How many samples of a trajectory lie near each position of k-space, ``(H, W)``; None where each lies at
        one."""
        return SEEN[self.operator].density(self.learnt)

    @property
    def is_complex(self) -> bool:
        """Always."""
        return True

    @property
    def noise_std(self) -> float:
        """The level that the data term assumes."""
        assert self.preparation is not None
        return self.preparation.data_noise_std

    def hold_back(self, fraction: float, seed: int, least: int) -> NDArray[np.bool_]:
        """Lines, points or readouts."""
        return SEEN[self.operator].hold_back(self.learnt, fraction, seed, least)

    @property
    def has_map_sets(self) -> bool:
        """Whether several images overlap, each with coil maps of its own."""
        return self.learnt.maps is not None and self.learnt.maps.ndim == 5

    @property
    def empty(self) -> frozenset[int]:
        """Slices whose k-space or coil maps are zero."""
        return self.scan.empty & frozenset(self.slices)

    @property
    def has_ground_truth(self) -> bool:
        """Whether the file brings one, or its full data make one."""
        return self.scan.has_ground_truth or self.truth_by is not None

    @property
    def target(self) -> str:
        """What the ground truth is: a part of every score."""
        return FULL_DATA if self.truth_by is not None else str(self.scan.attributes.get("target", super().target))

    @property
    def seen_by(self) -> str:
        """Its coils."""
        return f", {self.scan.coils} coils"

    @property
    def brightest(self) -> int:
        """Number of the slice with most signal, of those that were learnt from."""
        power = [power_of(kspace[None]).sum() for kspace in self.learnt.kspace]
        return self.learnt_from[int(np.argmax(power))]

    def with_noise_times(self, times: float) -> Self:
        """The preparation says so; what is known of the noise stays."""
        assert self.preparation is not None
        return replace(self, preparation=replace(self.preparation, noise_times=times))

    def _problem(self, number: int) -> Problem:
        return SEEN[self.operator].problem(self.prepared(number), self.noise_std)

    def zero_filled_of(self, number: int) -> Image:
        """Aᴴ y of a slice, ``(H, W)``; zero where nothing was seen."""
        if number in self.empty:
            return np.zeros(self.sampled.shape, np.complex64)
        scan = self.prepared(number)
        assert scan.maps is not None
        image: Image = combine_slices(SEEN[self.operator].coil_images(scan), scan.maps)[0]
        return image

    def ground_truth_of(self, number: int) -> Image | None:
        """The image of a slice, ``(H, W)``."""
        if self.truth_by is None:
            truth = self._raw(number).ground_truth
            return None if truth is None else truth[0]
        if number in self.empty:
            return np.zeros(self.sampled.shape, np.complex64)
        maps = self.prepared(number).maps
        assert self.preparation is not None
        assert maps is not None
        made: Image = self.truth_by(to_image(self.preparation.virtual_coils(self._raw(number).kspace)), maps)[0]
        return made

    def _digest(self, number: int) -> str:
        assert self.preparation is not None
        decided = (self.operator, self.sampled, self.target, self.scan.digest(number), self.map_choices)
        refined = () if self.joint is None else self.joint.decided
        return digest_of(*decided, *self.preparation.decided, *refined)

    def prepared(self, number: int) -> CoilData:
        """One slice with maps and noise level, in virtual coils where its noise is made white."""
        held = self._held
        if number not in held:
            held.clear()  # one at a time: slices are large
            held[number] = self._prepare(number)
        return held[number]

    def _prepare(self, number: int) -> CoilData:
        scan = self._estimated(number)
        if self.joint is None:
            return scan
        assert self.preparation is not None
        assert scan.maps is not None
        assert scan.noise_std is not None
        seen, maps = SEEN[self.operator], as_tensor(scan.maps[0])
        found, _ = self.joint(seen.samples(scan), seen.transform(scan), maps, scan.noise_std)
        return scan.changed(maps=at_own_intensities(found.cpu().numpy()[None], self.preparation))

    def _estimated(self, number: int) -> CoilData:
        if number in self.learnt_from:
            return self.learnt.select([self.learnt_from.index(number)])
        assert self.preparation is not None
        raw = self._raw(number)
        return prepare_alike(raw if self.mask is None else raw.undersample(self.mask), self.preparation)

    def _prepared_or_empty(self, number: int) -> CoilData:
        if number not in self.empty:
            return self.prepared(number)
        one = self.learnt.select([0])
        assert one.maps is not None
        return one.changed(kspace=np.zeros_like(one.kspace), maps=np.zeros_like(one.maps))

    def kspace_of(self, images: Image) -> Complex:
        """What the coils would see of images of all slices, ``(slices, H, W)``: everywhere in k-space, ``(slices,
        coils, H, W)``, or at all points of the trajectory, ``(slices, coils, samples)``."""
        seen = SEEN[self.operator]
        if not seen.through_maps:
            return seen.kspace(self.scan, images[:, None].astype(np.complex64))
        assert self.measured.maps is not None
        return seen.kspace(self.scan, images[:, None] * self.measured.maps)

    def _raw(self, number: int) -> CoilData:
        return self.scan.select([number])

    @cached_property
    def _held(self) -> dict[int, CoilData]:
        return {}

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name not in ("_held", "measured")}

    @cached_property
    def measured(self) -> CoilData:
        """All slices prepared, with noise level, maps and truth, in memory."""
        if self.slices == self.learnt_from and self.joint is None:
            every = self.learnt
        else:
            every = self.learnt.with_slices([self._prepared_or_empty(number) for number in self.slices])
        attributes = {**self.scan.attributes, "target": self.target} if self.has_ground_truth else self.scan.attributes
        return every.changed(
            noise_std=self.noise_std, ground_truth=self.ground_truth, attributes=attributes, geometry=self.geometry
        )


def scan_cases(
    scan: ScanSlices,
    operator: str,
    *,
    mask: NDArray[np.bool_] | None = None,
    noise_std: float | None = None,
    map_sets: int | None = None,
    crop: float | None = None,
    maps: Maps | None = None,
    truth_by: Target | None = None,
) -> ScanCases:
    """The problems of a scan. Maps and noise that the file lacks are estimated from the sampled data alone.

    Coils are made virtual ones with noise alike in all, where its covariance can be told; see
    `invdiff.reconstruction.preparation`. Noise, crop and the number of map sets are learnt from at most eight slices,
    evenly spaced; the maps of a slice from its own data.

    Args:
        scan: as read.
        operator: ``"fourier"`` for one coil, ``"sense"`` for several.
        mask: undersample with it first, bool ``(H, W)``. Where the scan was fully sampled and has no ground truth, the
            combination of all its data with the same maps (and virtual coils) then serves as one.
        noise_std: in each real number of k-space, in the scan's units, instead of what the file says.
        map_sets: 1 or 2, instead of what the calibration data ask for.
        crop: of ESPIRiT, instead of the highest that explains the calibration data.
        maps: ``"joint"`` to have `known_maps` refine them with the image, ``"estimated"`` to leave them; else they are
            refined where estimated ones leave calibration data unexplained.
        truth_by: how the data from before undersampling make a ground truth, also where the scan's own mask leaves
            out a margin.

    Raises:
        InputError: there is no such operator, or it does not suit the number of coils, the noise level is negative or
            not finite, there is a ground truth that is zero everywhere, or maps or noise can't be estimated.
    """
    if operator not in SEEN:
        raise InputError(f"A scan is seen by {' or '.join(SEEN)}, not {operator!r}.")
    if scan.coils > 1 and not SEEN[operator].through_maps:
        raise InputError(
            f"{scan.name} has {scan.coils} coils, but the operator {operator} is for one; use --operator sense."
        )
    check_grid(scan, operator)
    slices = tuple(range(scan.slices))
    full = [number for number in slices if number not in scan.empty] or slices
    learnt_from = tuple(full[k] for k in evenly_spaced(len(full)))
    raw = scan.select(learnt_from)
    if raw.ground_truth is not None and not raw.ground_truth.any():
        raise InputError(f"{scan.name}: ground_truth is zero everywhere; leave it out of the file.")
    shown = raw if mask is None else raw.undersample(mask)
    learnt, preparation = prepare(shown, noise_std=noise_std, map_sets=map_sets, crop=crop)
    found = preparation.calibration
    map_choices: tuple[int, ...] = ()
    in_doubt = found is not None and found.crop is not None and not found.explains
    if found is not None and SEEN[operator].through_maps and (maps == "joint" or (maps is None and in_doubt)):
        is_given = map_sets is not None or crop is not None or found.crop is None
        map_choices = (found.sets,) if is_given or scan.coils < FEWEST_COILS else (1, 2)
    makes_truth = not scan.has_ground_truth and mask is not None and (scan.mask is None or truth_by is not None)
    return ScanCases(
        operator=operator,
        slices=slices,
        preparation=preparation,
        geometry=scan.geometry,
        scan=scan,
        learnt_from=learnt_from,
        learnt=learnt,
        mask=mask,
        truth_by=(truth_by or combine_slices) if makes_truth else None,
        map_choices=map_choices,
    )
