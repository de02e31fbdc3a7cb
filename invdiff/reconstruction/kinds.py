"""The kinds of problem there are: what they read, and how it becomes problems."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.bridges.instruments import Blur, Enlarger, Instrument, SinglePixelCamera, Tomograph
from invdiff.data.formats import open_scan, picture_suffixes, read_picture, read_recording, scan_suffixes
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.picture import Picture
from invdiff.data.recording import Recording
from invdiff.data.scan import ScanSlices
from invdiff.data.series import Series
from invdiff.named import named
from invdiff.reconstruction.cases import Cases, instrument_cases, picture_cases, scan_cases
from invdiff.reconstruction.cases.along_trajectory import NON_CARTESIAN
from invdiff.reconstruction.cases.scans import Maps, Target
from invdiff.reconstruction.sample import (
    holed_sample,
    magnitude_sample,
    multi_coil_sample,
    noisy_sample,
    radial_sample,
    single_coil_sample,
)

Mask = NDArray[np.bool_]
Measured = ScanSlices | Picture | Recording


@dataclass(frozen=True)
class Assumptions:
    """What a user says of a measurement, where the data would be asked.

    Attributes:
        noise_std: in each real number, in the file's units.
        map_sets: 1 or 2, of scans.
        crop: of ESPIRiT.
        maps: whether they are refined with the image; None: as the data ask for.
        noise_times: by what the noise level that the data term assumes is multiplied, as a search found best.
        truth_by: how the data from before undersampling make a ground truth.
        instrument: what measured it, beside MR scanners; None: the usual one of the kind.
        seed: of the noise of measurements that are made from pictures.
    """

    noise_std: float | None = None
    map_sets: int | None = None
    crop: float | None = None
    maps: Maps | None = None
    noise_times: float = 1.0
    truth_by: Target | None = None
    instrument: Instrument | None = None
    seed: int = 0


NOTHING_ASSUMED = Assumptions()


@dataclass(frozen=True)
class Kind:
    """A kind of problem.

    Attributes:
        name: on the command line.
        mathematics: the operator.
        reads: what its files hold, in words.
        begins_as: what to call its Aᴴ y.
        open: what is in a file.
        ships: an example that comes with the package, by a seed: what was measured, and how to undersample it.
        cases: the problems of a measurement, undersampled by a mask, bool ``(H, W)``, where one is given.
    """

    name: str
    mathematics: str
    reads: str
    begins_as: str
    open: Callable[..., Measured]
    ships: Callable[[int], tuple[Measured, Mask | None]]
    cases: Callable[[Any, Mask | None, Assumptions], Cases]

    def of(self, measured: Measured) -> "Kind":
        """The kind of what was measured: a file itself tells whether its samples lie along a trajectory."""
        return KINDS[NON_CARTESIAN] if isinstance(measured, NonCartesianScan) else self

    @property
    def is_sampled(self) -> bool:
        """Whether it measures k-space, so that samples can be left out."""
        return self.open is open_scan

    def read(self, path: Path, series: Series) -> Measured:
        """What is in a file.

        Args:
            path: of the file.
            series: which measurement, of k-space.

        Raises:
            InputError: as `open_scan` and `read_picture`.
        """
        return self.open(path, series) if self.is_sampled else self.open(path)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of its files."""
        return scan_suffixes() if self.is_sampled else picture_suffixes()

    def recognises(self, path: Path) -> bool:
        """Whether a file's name is that of one of its files."""
        return path.name.lower().endswith(self.suffixes) and not path.name.startswith(".")


def _scan_cases(operator: str, scan: ScanSlices, mask: Mask | None, assumed: Assumptions) -> Cases:
    return scan_cases(
        scan,
        operator,
        mask=mask,
        noise_std=assumed.noise_std,
        map_sets=assumed.map_sets,
        crop=assumed.crop,
        maps=assumed.maps,
        truth_by=assumed.truth_by,
    ).with_noise_times(assumed.noise_times)


def _picture_cases(operator: str, picture: Picture, mask: Mask | None, assumed: Assumptions) -> Cases:
    return picture_cases(picture, operator, noise_std=assumed.noise_std).with_noise_times(assumed.noise_times)


def _instrument_cases(
    operator: str, usual: Instrument, measured: Picture | Recording, mask: Mask | None, assumed: Assumptions
) -> Cases:
    instrument = assumed.instrument or usual
    cases = instrument_cases(measured, operator, instrument, noise_std=assumed.noise_std, seed=assumed.seed)
    return cases.with_noise_times(assumed.noise_times)


def _instrument_kind(name: str, mathematics: str, what: str, begins_as: str, usual: Instrument) -> Kind:
    """A kind whose files are pictures to be measured, or what was measured of them."""
    return Kind(
        name,
        mathematics,
        f"an 'image' to be measured, or a 'measurement' {what}: HDF5, .npz, NIfTI, DICOM, PNG or .npy",
        begins_as,
        read_recording,
        magnitude_sample,
        partial(_instrument_cases, name, usual),
    )


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "sense",
            "P(Λ) F S",
            "multi-coil k-space: HDF5 (fastMRI layout, ISMRMRD), BART, MATLAB, .npz, .npy; maps optional",
            "zero-filled",
            open_scan,
            multi_coil_sample,
            partial(_scan_cases, "sense"),
        ),
        Kind(
            "fourier",
            "P(Λ) F",
            "single-coil k-space: the same files with one coil",
            "zero-filled",
            open_scan,
            single_coil_sample,
            partial(_scan_cases, "fourier"),
        ),
        Kind(
            NON_CARTESIAN,
            "F(k) S",
            "samples along a trajectory (radial, spiral, ...): the same files with a trajectory, which are told by "
            "themselves",
            "gridded",
            open_scan,
            radial_sample,
            partial(_scan_cases, NON_CARTESIAN),
        ),
        Kind(
            "inpainting",
            "P(Λ)",
            "an 'image' and a 'mask' of known pixels: HDF5 or .npz",
            "zero-filled",
            read_picture,
            holed_sample,
            partial(_picture_cases, "inpainting"),
        ),
        Kind(
            "denoise",
            "I",
            "an 'image', 'noise_std' optional: HDF5, .npz, NIfTI, DICOM, PNG or .npy",
            "noisy",
            read_picture,
            noisy_sample,
            partial(_picture_cases, "denoise"),
        ),
        _instrument_kind("ct", "Radon", "(slices, detectors, views)", "filtered back-projection", Tomograph()),
        _instrument_kind("blur", "h *", "(slices, H, W)", "blurred", Blur()),
        _instrument_kind("super-resolution", "S h *", "(slices, H / factor, W / factor)", "enlarged", Enlarger()),
        _instrument_kind("single-pixel", "P(Λ) Hadamard", "(slices, patterns)", "back-projection", SinglePixelCamera()),
    )
}
"""Kinds of problem by name."""


def kind_of_coils(coils: int) -> Kind:
    """The kind of k-space by so many coils."""
    return KINDS["sense" if coils > 1 else "fourier"]


def find_kind(name: str) -> Kind:
    """The kind of that name.

    Raises:
        InputError: there is none.
    """
    return named(KINDS, name, "operator")
