"""What a scanner measured along a trajectory: radial scans, spirals, and any others of two dimensions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry
from invdiff.data.gridded_images import gridded_images
from invdiff.data.gridding import Gridded, filled_side, gridded_centre
from invdiff.data.masks import central
from invdiff.data.noise import Noise, noise_of_scan
from invdiff.data.scan import CoilData, places_of
from invdiff.data.trajectory import Trajectory
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.notebook import card

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Complex = NDArray[np.complex64]

_ALWAYS = 2**16  # pixels that any scan may have
_SPARSEST = 64  # pixels for each sample, beyond which no scan goes


@dataclass(frozen=True, eq=False, repr=False)
class NonCartesianScan(CoilData):
    """Samples of one or more slices along a trajectory, and what is known about them.

    Nothing is rescaled. A sample at the point k is the orthonormal sum ``(H W)^(-1/2) sum x(r) exp(-2 pi i k r)`` over
    pixels ``r`` counted from ``(H // 2, W // 2)``, as of a `Scan` where k is a position of its grid.

    Args:
        kspace: complex64 ``(slices, coils, readouts, samples)``, of readouts of several lengths zero behind their ends.
        trajectory: where they lie, of as many readouts and samples; in all slices alike, or in each elsewhere.
        matrix: (H, W) of the image.
        maps: as of `Scan`, like the others: ``(slices, coils, H, W)`` or ``(slices, sets, coils, H, W)``.
        noise_std: in each real number of ``kspace``.
        noise: samples of a separate noise scan, ``(coils, n)``.
        ground_truth: ``(slices, H, W)``.
        calibration: k-space on a grid, ``(slices, coils, h, w)``; None: from the centre of ``kspace``.
        name: of the scan.
        attributes: whatever else the file says.
        remarks: how the file was understood, where that could be doubted.
        geometry: of the image grid.

    Raises:
        InputError: as of `Scan`, the trajectory has another shape than the data, or the matrix is too large for them.
    """

    kspace: Complex
    trajectory: Trajectory
    matrix: tuple[int, int]
    maps: Complex | None = None
    noise_std: float | None = None
    noise: Complex | None = None
    ground_truth: Complex | None = None
    calibration: Complex | None = None
    name: str = "scan"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    geometry: Geometry | None = None

    def __post_init__(self) -> None:
        kspace = self._complex("kspace", self.kspace)
        expected, apart = self.trajectory.points.shape[-3:-1], self.trajectory.slices
        if kspace.ndim != 4 or kspace.size == 0 or kspace.shape[2:] != expected or apart not in (None, kspace.shape[0]):
            slices = "slices" if apart is None else apart
            raise InputError(
                f"{self.name}: kspace has shape {kspace.shape}; with a trajectory of {expected[0]} readouts of "
                f"{expected[1]} samples it must be ({slices}, coils, {expected[0]}, {expected[1]}), none of them empty."
            )
        self._check_signal(kspace)
        if len(self.matrix) != 2 or min(self.matrix) < 2:
            raise InputError(f"{self.name}: the image's matrix is (H, W), of two pixels at least, not {self.matrix}.")
        if math.prod(self.matrix) > max(_ALWAYS, _SPARSEST * math.prod(expected)):
            raise InputError(
                f"{self.name}: the matrix of {self.matrix[0]:,} x {self.matrix[1]:,} pixels is too large for "
                f"{math.prod(expected):,} samples; give the image's own matrix, and the trajectory in its units."
            )
        self._set("kspace", kspace)
        self._check_known()

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.matrix

    @cached_property
    def sampled(self) -> NDArray[np.bool_]:
        """The positions of the grid to which some sample is nearest, bool ``(H, W)``; where slices have trajectories of
        their own, those of the first, as many as of others."""
        return self.trajectory.cells(self.matrix)

    @cached_property
    def density(self) -> NDArray[np.float32]:
        """How many samples lie near each position of the grid, ``(H, W)``; of the first slice, as ``sampled``."""
        return self.trajectory.density(self.matrix)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The positions of the grid to which some sample is nearest, as ``sampled``."""
        return self.sampled

    @cached_property
    def filled(self) -> NDArray[np.bool_]:
        """The square about the centre that readouts fill, bool ``(H, W)``; none where that is too small."""
        found, side = np.zeros(self.matrix, bool), filled_side(self.trajectory, self.matrix)
        found[central(self.matrix, (side, side))] = True
        return found

    def select(self, slices: Sequence[int]) -> Self:
        """As of `CoilData`, with the trajectory of these slices."""
        places = places_of(slices, self.slices, self.name)
        return super().select(places).changed(trajectory=self.trajectory.select(places))

    def with_slices(self, scans: Sequence[Self]) -> Self:
        """As of `CoilData`, and with their trajectories, where slices have their own."""
        joined = super().with_slices(scans)
        if self.trajectory.slices is None:
            return joined
        points = np.concatenate([scan.trajectory.points for scan in scans])
        return joined.changed(trajectory=Trajectory(points, self.trajectory.measured))

    @property
    def coil_images(self) -> Complex:
        """Images of the samples, weighed by the density of their points, ``(slices, coils, H, W)``."""
        each = (
            gridded_images(self.trajectory.sampled(kspace), self.trajectory.places(index), self.matrix)
            for index, kspace in enumerate(self.kspace)
        )
        return np.stack(list(each))

    @property
    def _described(self) -> dict[str, str]:
        return {**super()._described, "trajectory": str(self.trajectory)}

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from invdiff.pictures import brightness_of

        return card(f"NonCartesianScan {self.name}", self._described, {"density": brightness_of(self.density)})

    def plot(self) -> "Figure":
        """A figure of the root sum of squares of the coils' images, weighed by the density of their samples, and of
        that density. At most eight slices are shown."""
        from invdiff.pictures import Column, brightest_of, brightness_of, draw_columns

        image = np.sqrt((np.abs(self.coil_images) ** 2).sum(axis=1))
        density = np.broadcast_to(brightness_of(self.density), image.shape)
        return draw_columns([Column("gridded", image, brightest_of(image)), Column(str(self.trajectory), density, 1.0)])

    def undersample(self, mask: NDArray[np.bool_]) -> Self:
        """The scan without some of its samples.

        Args:
            mask: bool ``(samples,)``, as `Trajectory.places` has them: those to keep.

        Raises:
            InputError: the mask is another, such as of positions on a grid, of which samples on none know nothing; or
                all that it keeps is zero.
        """
        where = self.trajectory.where
        if mask.shape == (np.count_nonzero(where),):
            kept = np.zeros_like(where)
            kept[where] = mask
            self._check_signal(self.kspace[..., kept])
            trajectory = Trajectory(self.trajectory.points, kept)
            return self.changed(kspace=np.where(kept, self.kspace, 0), trajectory=trajectory)
        raise InputError(
            f"{self.name}: a mask leaves nothing out of samples along a trajectory; leave out --mask and "
            "--undersample, and readouts of the file instead."
        )

    def own_noise(self) -> Noise:
        """From the noise scan, or else what no image explains of the samples about the centre.

        Raises:
            InputError: too few readouts cross there.
        """
        return self._centre.noise() if self.noise is None else noise_of_scan(self.noise)

    def with_calibration(self) -> Self:
        """The scan with its centre on a grid.

        Raises:
            InputError: too few readouts cross there.
        """
        if self.calibration is not None:
            return self
        try:
            return self.changed(calibration=self._centre.kspace)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from error

    @cached_property
    def _centre(self) -> Gridded:
        return gridded_centre(self.kspace, self.trajectory, self.matrix)

    def digest(self, index: int) -> str:
        """The SHA-256 of all that is known of a slice, and of where its samples lie."""
        return digest_of(super().digest(index), self.trajectory.places(index), self.matrix)
