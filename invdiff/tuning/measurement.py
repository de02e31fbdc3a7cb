"""What a method's parameters are judged on: scans and pictures as they were measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invdiff.data import Picture, read_picture
from invdiff.data.formats import SCAN_SUFFIXES, read_scan
from invdiff.data.masks import equispaced
from invdiff.data.scan import Scan
from invdiff.errors import InputError
from invdiff.reconstruction import Cases, picture_cases, sample_cases, sample_scan, scan_cases
from invdiff.reconstruction.sample import CENTRE_LINES, EVERY

Mask = NDArray[np.bool_]

_PICTURES = (".h5", ".hdf5", ".npz", ".npy", ".nii", ".nii.gz", ".png", ".tif", ".jpg")


@dataclass(frozen=True)
class Measurement:
    """A scan or picture of the validation set, before anything is estimated from it.

    Args:
        measured: as read.
        operator: ``"sense"`` or ``"fourier"`` for scans, ``"inpainting"`` or ``"denoise"`` for pictures.
        mask: undersample the scan with it first, bool ``(H, W)``.
        noise_std: in each real number, in the file's units, instead of what it says.
    """

    measured: Scan | Picture
    operator: str
    mask: Mask | None = None
    noise_std: float | None = None

    @property
    def sampled(self) -> Mask:
        """What there is to see, bool ``(H, W)``."""
        return self.measured.sampled if self.mask is None else self.measured.sampled & self.mask

    def cases(self, keep: Mask | None = None) -> Cases:
        """The problems in it. Maps (one set) and noise that the file lacks are estimated from what is shown alone.

        Args:
            keep: the part of a scan's samples to show, bool ``(H, W)``; ``None``: all.

        Raises:
            InputError: as `scan_cases` and `picture_cases`.
        """
        if isinstance(self.measured, Picture):
            return picture_cases(self.measured, self.operator, noise_std=self.noise_std)
        mask = self.mask if keep is None else self.sampled & keep
        return scan_cases(self.measured, self.operator, mask=mask, noise_std=self.noise_std, map_sets=1)


def find_files(paths: Sequence[Path], operator: str) -> list[Path]:
    """The files among ``paths``, and those in the folders among them that may hold what the operator reads, by name.

    Raises:
        InputError: a folder holds none.
    """
    suffixes = SCAN_SUFFIXES if operator in ("sense", "fourier") else _PICTURES
    files: list[Path] = []
    for path in paths:
        found = sorted(file for file in path.iterdir() if file.name.endswith(suffixes)) if path.is_dir() else [path]
        if not found:
            raise InputError(f"The folder {path} holds no {', '.join(suffixes)} file, so there is nothing to tune on.")
        files += found
    return files


def read_measurement(
    path: Path, operator: str, *, mask: Callable[[tuple[int, int]], Mask] | None = None, noise_std: float | None = None
) -> Measurement:
    """What a file holds.

    Args:
        path: of the file.
        operator: as for `Measurement`.
        mask: makes the mask of a scan from its shape (H, W).
        noise_std: as for `Measurement`.

    Raises:
        InputError: as `read_scan` and `read_picture`.
    """
    if operator not in ("sense", "fourier"):
        return Measurement(read_picture(path), operator, noise_std=noise_std)
    scan = read_scan(path)
    return Measurement(scan, operator, None if mask is None else mask(scan.image_shape), noise_std)


def sample_measurement(operator: str, seed: int, *, noise_std: float | None = None) -> Measurement:
    """The package's scan, made a problem for the operator; see `sample_cases`."""
    if operator == "sense":
        scan = sample_scan()
        mask = equispaced(scan.image_shape, EVERY, CENTRE_LINES, offset=seed % EVERY)
        return Measurement(scan, operator, mask, noise_std)
    measured = sample_cases(operator, seed, noise_std=noise_std).measured
    if isinstance(measured, Scan):  # its noise was estimated, and is to be estimated from what is shown
        measured = replace(measured, noise_std=None, mask=measured.sampled)
    return Measurement(measured, operator, noise_std=noise_std)
