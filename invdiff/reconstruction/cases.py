"""From what was measured to the problems that a sampler solves, one image each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from invdiff.data.coils import combine_slices, one_image
from invdiff.data.fourier import to_image
from invdiff.data.masks import achieved_acceleration
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.diffusion import Problem
from invdiff.errors import InputError
from invdiff.operators import denoising, fourier, inpainting, sense
from invdiff.reconstruction.preparation import Preparation, prepare

Complex = NDArray[np.complex64]

FULL_DATA = "the combination of the full data's coils, by the same maps"


@dataclass(frozen=True)
class Cases:
    """The images to reconstruct from one file.

    Attributes:
        operator: ``"fourier"``, ``"sense"``, ``"inpainting"`` or ``"denoise"``.
        measured: the scan with maps and noise level filled in, or the picture.
        initial: images ``(slices, H, W)`` in the file's units that late starts can begin from, or ``None``.
        preparation: what was done to the scan; ``None`` for pictures.

    Raises:
        InputError: there is a ground truth that nothing can be compared with, since it is zero everywhere, or the
            initial images are not of the slices' shape or meet several map sets.
    """

    operator: str
    measured: Scan | Picture
    initial: NDArray[np.inexact] | None = None
    preparation: Preparation | None = None

    def __post_init__(self) -> None:
        shape = (self.count, *self.measured.sampled.shape)
        if self.initial is not None and self.initial.shape != shape:
            raise InputError(f"The images to start from have shape {self.initial.shape}, but the slices have {shape}.")
        if self.initial is not None and self.has_map_sets:
            raise InputError(
                f"{self.measured.name} is seen through several map sets, with an image each, and an image to start "
                "from does not tell them apart; start from zero-filled or least-squares, or take --map-sets 1."
            )
        if self.ground_truth is not None and not self.ground_truth.any():
            raise InputError(f"{self.measured.name}: ground_truth is zero everywhere; leave it out of the file.")

    def __iter__(self) -> Iterator[Problem]:
        """One problem for each slice that holds something."""
        for _, problem in self.numbered():
            yield problem

    def numbered(self) -> Iterator[tuple[int, Problem]]:
        """The problems with the numbers of their slices; those in `empty` have none."""
        for index in range(self.count):
            if index not in self.empty:
                problem = self._problem(index)
                yield index, problem if self.initial is None else replace(problem, initial=_tensor(self.initial[index]))

    def _problem(self, index: int) -> Problem:
        match self.measured:
            case Scan() as scan:
                mask = _tensor(scan.sampled)
                y = _tensor(scan.kspace[index])[:, mask]
                if self.operator == "fourier":
                    return Problem(fourier(mask), y[0], scan.noise_std)
                assert scan.maps is not None
                return Problem(sense(mask, _tensor(scan.maps[index])), y, scan.noise_std)
            case Picture() as picture:
                image = _tensor(picture.image[index])
                if self.operator == "denoise":
                    return Problem(denoising(tuple(image.shape)), image, picture.noise_std)
                mask = _tensor(picture.sampled)
                return Problem(inpainting(mask), image[mask], picture.noise_std)

    @property
    def count(self) -> int:
        """How many slices there are."""
        return len(self.measured.kspace if isinstance(self.measured, Scan) else self.measured.image)

    @cached_property
    def empty(self) -> frozenset[int]:
        """Slices of which nothing was seen, such as padding at the ends of a volume: the signal or every coil map is
        zero. Their images are zero."""
        if not isinstance(self.measured, Scan):
            return frozenset()
        seen = self.measured.kspace.any(axis=(1, 2, 3))
        if self.measured.maps is not None:
            seen &= self.measured.maps.reshape(self.count, -1).any(axis=1)
        return frozenset(np.flatnonzero(~seen).tolist())

    @property
    def is_complex(self) -> bool:
        """Whether the images are complex."""
        return isinstance(self.measured, Scan) or np.iscomplexobj(self.measured.image)

    @property
    def has_map_sets(self) -> bool:
        """Whether several images overlap, each with coil maps of its own."""
        return isinstance(self.measured, Scan) and self.measured.maps is not None and self.measured.maps.ndim == 5

    @property
    def description(self) -> str:
        """One line on what is reconstructed."""
        measured = self.measured
        height, width = measured.sampled.shape
        coils = f", {measured.coils} coils" if isinstance(measured, Scan) else ""
        noise_std = measured.noise_std if self.preparation is None else self.preparation.known_noise_std
        achieved = achieved_acceleration(measured.sampled)
        empty = ", ".join(map(str, sorted(self.empty)))
        nothing_in = f" (empty: slice{'s' * (len(self.empty) > 1)} {empty})" if empty else ""
        sampling = "" if achieved == 1 else f"acceleration {achieved:.2f}, "
        return (
            f"{measured.name}: {self.count} slice(s){nothing_in} of {height} x {width}{coils}, {sampling}noise "
            f"{noise_std:.3g} in each real number"
        )

    @property
    def target(self) -> str:
        """What the ground truth is: a part of every score."""
        attributes = self.measured.attributes if isinstance(self.measured, Scan) else {}
        return str(attributes.get("target", "the ground truth of the file"))

    @property
    def zero_filled(self) -> NDArray[np.inexact]:
        """Aᴴ y for each slice, coils combined by least squares: ``(slices, H, W)``."""
        if isinstance(self.measured, Scan):
            assert self.measured.maps is not None
            return combine_slices(to_image(self.measured.kspace), self.measured.maps)
        return np.stack([problem.zero_filled.numpy() for problem in self])

    def whole(self, images: Mapping[int, NDArray[np.inexact]]) -> NDArray[np.inexact]:
        """One image for each slice, ``(slices, ..., H, W)``, zero where there is none; those of several map sets become
        one.

        Args:
            images: by the number of their slice, all of one shape.
        """
        first = next(iter(images.values()))
        whole = np.zeros((self.count, *first.shape), first.dtype)
        for index, image in images.items():
            whole[index] = image
        return one_image(whole) if self.has_map_sets else whole

    @property
    def ground_truth(self) -> NDArray[np.inexact] | None:
        """The image that was measured, where it is known."""
        return self.measured.ground_truth


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    """The array as a tensor, also where it was flipped: torch knows no negative strides."""
    return torch.from_numpy(np.ascontiguousarray(array))


def scan_cases(
    scan: Scan,
    operator: str,
    *,
    mask: NDArray[np.bool_] | None = None,
    noise_std: float | None = None,
    map_sets: int | None = None,
    crop: float | None = None,
) -> Cases:
    """The problems of a scan. Maps and noise that the file lacks are estimated from the sampled data alone.

    Coils are made virtual ones with noise alike in all, where its covariance can be told; see
    `invdiff.reconstruction.preparation`.

    Args:
        scan: as read.
        operator: ``"fourier"`` for one coil, ``"sense"`` for several.
        mask: undersample with it first, bool ``(H, W)``. Where the scan was fully sampled and has no ground truth, the
            combination of all its data with the same maps (and virtual coils) then serves as one.
        noise_std: in each real number of k-space, in the scan's units, instead of what the file says.
        map_sets: 1 or 2, instead of what the calibration data ask for.
        crop: of ESPIRiT, instead of the highest that explains the calibration data.

    Raises:
        InputError: the operator does not suit the number of coils, the noise level is negative or not finite, or maps
            or noise can't be estimated.
    """
    if operator == "fourier" and scan.coils > 1:
        raise InputError(
            f"{scan.name} has {scan.coils} coils, but the operator fourier is for one; use --operator sense."
        )
    full = scan
    if mask is not None:
        scan = scan.undersample(mask)
    scan, preparation = prepare(scan, noise_std=noise_std, map_sets=map_sets, crop=crop)
    if scan.ground_truth is None and mask is not None and full.mask is None:
        assert scan.maps is not None
        truth = combine_slices(to_image(preparation.virtual_coils(full.kspace)), scan.maps)
        scan = replace(scan, ground_truth=truth, mask=scan.sampled, attributes={**scan.attributes, "target": FULL_DATA})
    return Cases(operator, scan, preparation=preparation)


def picture_cases(picture: Picture, operator: str, *, noise_std: float | None = None) -> Cases:
    """The problems of an image with missing pixels (``"inpainting"``) or with noise (``"denoise"``).

    Args:
        picture: as read. A noise level that it lacks is estimated.
        operator: ``"inpainting"`` or ``"denoise"``.
        noise_std: in each real number, in the picture's units, instead of what the file says.

    Raises:
        InputError: inpainting without a mask, or the noise level is negative, not finite, or can't be estimated.
    """
    if operator == "inpainting" and picture.mask is None:
        raise InputError(
            f"{picture.name} has no dataset 'mask', so there is nothing to inpaint; store one, true where known."
        )
    if noise_std is not None:
        picture = replace(picture, noise_std=noise_std)
    return Cases(operator, picture.with_noise_std())
