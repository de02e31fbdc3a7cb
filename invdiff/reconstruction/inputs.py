"""What is to be reconstructed: files, folders of them, or what ships; read when asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invdiff.data.condition import Condition
from invdiff.data.formats import NOTHING_GIVEN, Given, list_series, open_scan
from invdiff.data.held_out import held_out
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.picture import Picture
from invdiff.data.recording import Recording
from invdiff.data.series import SINGLE, Series, told_apart
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.reconstruction.cases import Cases
from invdiff.reconstruction.cases.along_trajectory import held_readouts
from invdiff.reconstruction.kinds import NOTHING_ASSUMED, Assumptions, Kind, Measured, find_kind

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Measurement:
    """What was measured, before anything is estimated from it.

    Attributes:
        measured: a scan or a picture, as read.
        kind: of problem.
        mask: undersample a scan with it first, bool ``(H, W)``.
        assumed: what the user says of it.
    """

    measured: Measured
    kind: Kind
    mask: Mask | None = field(default=None, repr=False)
    assumed: Assumptions = NOTHING_ASSUMED

    @property
    def name(self) -> str:
        """The file's."""
        return self.measured.name

    @property
    def sampled(self) -> Mask:
        """What there is to see, bool ``(H, W)``."""
        return self.measured.sampled if self.mask is None else self.measured.sampled & self.mask

    @property
    def has_ground_truth(self) -> bool:
        """Whether it brings one, or full data that make one where they are undersampled."""
        if isinstance(self.measured, Picture | Recording):
            return self.measured.ground_truth is not None
        return self.measured.has_ground_truth or (self.mask is not None and self.measured.mask is None)

    @property
    def digest(self) -> str:
        """The SHA-256 of all that its problems depend on."""
        slices = [self.measured.digest(index) for index in range(self.measured.slices)]
        return digest_of(
            self.kind.name,
            self.assumed.noise_std,
            self.assumed.map_sets,
            self.assumed.crop,
            self.assumed.maps,
            self.assumed.noise_times,
            *self._instrument,
            self.sampled,
            slices,
        )

    @property
    def _instrument(self) -> tuple[object, ...]:
        """What decides measurements that are made from pictures, where it is said."""
        said = self.assumed.instrument, self.assumed.seed
        return () if said == (None, 0) else said

    def hold_back(self, fraction: float, seed: int) -> Mask:
        """Samples of a scan to hold back: lines or points, bool ``(H, W)``, or of whole readouts, ``(samples,)``.

        Args:
            fraction: of the lines, points or readouts outside the calibration region.
            seed: of the draw.

        Raises:
            InputError: there are none.
        """
        if isinstance(self.measured, NonCartesianScan):
            return held_readouts(self.measured, fraction, seed, 1)
        return held_out(self.sampled, fraction, seed)

    def cases(self, keep: Mask | None = None) -> Cases:
        """The problems in it. Maps and noise that the file lacks are estimated from what is shown alone.

        Args:
            keep: the part of a scan's samples to show, bool of the shape of `hold_back`; ``None``: all.

        Raises:
            InputError: as `scan_cases` and `picture_cases`.
        """
        shown = self.mask if keep is None else keep if self.mask is None else self.mask & keep
        return self.kind.cases(self.measured, shown, self.assumed)


@dataclass(frozen=True)
class Input:
    """A file to be reconstructed, or what ships with the package.

    Attributes:
        kind: of problem.
        path: of the file; None: what ships.
        series: which of the file's measurements.
        seed: of what ships.
        condition: how a scan is undersampled first.
        assumed: what the user says of it.
        given: what the user says of a scan's file, and gives beside it.
    """

    kind: Kind
    path: Path | None = None
    series: Series = SINGLE
    seed: int = 0
    condition: Condition | None = None
    assumed: Assumptions = NOTHING_ASSUMED
    given: Given = NOTHING_GIVEN

    @property
    def name(self) -> str:
        """The file's and the measurement's, or what ships."""
        return "the package's brain scan" if self.path is None else self.series.of_file(self.path.name)

    @property
    def labels(self) -> tuple[str, str]:
        """Names for a folder: without the file's suffix, and with it."""
        whole = self.name if self.path is None else self.path.name
        short, label = whole.split(".")[0], self.series.label
        return (f"{short}-{label}", f"{whole}-{label}") if label else (short, whole)

    def read(self) -> Measurement:
        """What is in it.

        Raises:
            InputError: as `open_scan` and `read_picture`.
        """
        if self.path is None:
            measured, mask = self.kind.ships(self.seed)
            return Measurement(measured, self.kind, mask, self.assumed)
        if self.given == NOTHING_GIVEN:
            measured = self.kind.read(self.path, self.series)
        else:
            measured = open_scan(self.path, self.series, self.given)
        mask = None if self.condition is None else self.condition.draw(measured.image_shape)
        return Measurement(measured, self.kind.of(measured), mask, self.assumed)


def find_inputs(
    paths: Sequence[Path],
    kind: Kind,
    *,
    series: Series = SINGLE,
    seed: int = 0,
    condition: Condition | None = None,
    assumed: Assumptions = NOTHING_ASSUMED,
    given: Given = NOTHING_GIVEN,
) -> list[Input]:
    """An input for each measurement in each file among ``paths``, and in those of the folders among them whose name is
    of that kind, in the order of names; what ships where there are no paths.

    Args:
        paths: files and folders.
        kind: of problem.
        series: of each file, the measurements that it holds.
        seed: of what ships.
        condition: how scans are undersampled first.
        assumed: what the user says of them.
        given: what the user says of files of scans, and gives beside them; these files are no inputs.

    Raises:
        InputError: a path does not exist, a folder holds no such file, or what ships is to be undersampled, or a
            measurement chosen of it or of pictures, or anything given beside them.
    """
    if given != NOTHING_GIVEN and not (paths and kind.is_sampled):
        raise InputError("--axes, --maps, --mask and --noise are for k-space given as INPUT.")
    if series != SINGLE and not (paths and kind.is_sampled):
        raise InputError(f"{series.options} is for k-space given as INPUT, of which a file can hold several.")
    if condition is not None and not (paths and kind.is_sampled):
        raise InputError("--undersample is for k-space given as INPUT; the package's own scan comes undersampled.")
    if not paths:
        return [Input(kind, seed=seed, assumed=assumed)]
    beside = {file.absolute() for file in given.files.values()}
    one = Input(kind, seed=seed, condition=condition, assumed=assumed, given=given)
    files = [file for path in paths for file in _files(path, kind)]
    files = [file for file in files if file.absolute() not in beside or file in paths]
    if not kind.is_sampled:
        return [replace(one, path=file) for file in files]
    return [replace(one, path=file, series=found) for file in files for found in find_series(file, series)]


def find_series(path: Path, series: Series) -> tuple[Series, ...]:
    """The measurements in a file of k-space that another holds, each by what tells it from all of the file.

    One that the file does not have, and any of a file that can't be read, is given back as it is, to be refused when it
    is read.

    Args:
        path: of the file.
        series: what all of them have in common.
    """
    try:
        held = list_series(path)
    except InputError:
        return (series,)
    found = [short for one, short in zip(held, told_apart(held), strict=True) if series.holds(one)]
    return tuple(found) or (series,)


def _files(path: Path, kind: Kind) -> list[Path]:
    if not path.is_dir():
        return [path]  # one that does not exist is refused by its reader, in the reader's own words
    files = [file for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
    known = [file for file in files if kind.recognises(file)]
    if not known:
        held = f"its {len(files)} file(s) are of other kinds" if files else "it is empty"
        raise InputError(f"The folder {path} holds no {', '.join(kind.suffixes)} file, as {kind.name} reads; {held}.")
    return known


def sample_cases(operator: str, seed: int, assumed: Assumptions = NOTHING_ASSUMED) -> Cases:
    """The scan that ships with the package, as the problems of a kind.

    ``sense``: 20 central lines and every fourth of the others are kept, offset by the seed. ``fourier``: the same of
    the coils' combination as a single coil. ``inpainting``: half of that image's pixels, drawn by the seed.
    ``denoise``: that image with as much noise again as a twentieth of its largest magnitude. The others: measurements
    of that image's magnitude, with noise of a hundredth of their largest number, drawn by the assumed seed.

    Args:
        operator: one of `KINDS`.
        seed: zero or more.
        assumed: instead of what is known or estimated.
    """
    return Input(find_kind(operator), seed=seed, assumed=assumed).read().cases()
