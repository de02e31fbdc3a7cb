"""The scans that methods are compared on: fully sampled, along a trajectory with a truth, or simulated from images."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from invdiff.data import (
    NonCartesianScan,
    Scan,
    achieved_acceleration,
    image_suffixes,
    open_scan,
    read_image,
    scan_suffixes,
    simulate,
)
from invdiff.data.condition import Condition
from invdiff.data.formats import NOTHING_GIVEN, Given
from invdiff.data.scan import CoilData
from invdiff.data.series import SINGLE, Series
from invdiff.errors import InputError
from invdiff.evaluation.as_measured import AsMeasured
from invdiff.files.digest import digest_of
from invdiff.files.hdf5 import find_numbers, reading
from invdiff.reconstruction import find_series, sample_scan

_FULL = 0.5  # fastMRI's matrices are wider than what was scanned, and hold zeros beyond


@dataclass(frozen=True)
class Simulation:
    """How images are scanned; see `invdiff.data.simulate`."""

    coils: int = 8
    noise_std: float = 0.005
    seed: int = 0

    def __call__(self, path: Path) -> Scan:
        """The scan of the image in a file, fully sampled."""
        return simulate(read_image(path), coils=self.coils, noise_std=self.noise_std, seed=self.seed, name=path.name)

    def __str__(self) -> str:
        return f"simulated from an image: {self.coils} coils, noise {self.noise_std:g}"


@dataclass(frozen=True)
class Subject:
    """A scan whose image is known, and what need not be read twice: fully sampled, or along a trajectory.

    Attributes:
        name: of its file.
        stem: the name without its suffix, as tables of annotations give it.
        source: ``"measured"``, or how it was simulated.
        read: reads it, also in another process.
        content: SHA-256 of the slices that are compared.
        depth: how many slices it has.
        slices: which of them are compared.
        kspace_shape: (coils, H, W).
        field_of_view: (h, w) of the central part that is scored: the recon field of view, by millimetres, or what
            fastMRI's own reconstruction has of it.
        has_maps: whether coil maps are known.
        as_measured: how its samples lie along a trajectory; None where masks undersample it.
        target: what the ground truth is that it brings, or None where it brings none.
        remarks: on how the file was understood.
    """

    name: str
    stem: str
    source: str
    read: Callable[[], CoilData]
    content: str
    depth: int
    slices: tuple[int, ...]
    kspace_shape: tuple[int, int, int]
    field_of_view: tuple[int, int]
    has_maps: bool
    as_measured: AsMeasured | None
    target: str | None
    remarks: tuple[str, ...]

    @property
    def data(self) -> str:
        """What tells its scores from those of another file of its name: 12 digits of a digest."""
        return digest_of(self.content, self.field_of_view)[:12]

    @property
    def is_volume(self) -> bool:
        """Whether several slices are compared, each the neighbour of the next."""
        return len(self.slices) > 1 and self.slices[-1] - self.slices[0] == len(self.slices) - 1

    def conditions(self, asked: Sequence[Condition]) -> Sequence[Condition | AsMeasured]:
        """Under which it is compared: the masks that are asked for, or as it was measured."""
        return asked if self.as_measured is None else (self.as_measured,)

    def scan(self) -> CoilData:
        """The slices that are compared, fully sampled or along their trajectory."""
        return self.read().select(self.slices)


def find_subjects(
    place: Path | None,
    simulation: Simulation,
    *,
    series: Series = SINGLE,
    slices: Sequence[int] | None = None,
    given: Given = NOTHING_GIVEN,
    bad: Callable[[InputError], None] | None = None,
) -> list[Subject]:
    """Every scan and image in a folder, in the order of their names; each is read once, so that bad ones show early.

    Args:
        place: a folder, a file, or None for the scan that ships with the package.
        simulation: for images.
        series: of each file of scans, the measurements that it holds.
        slices: which slices of each; all, where not given. Negative numbers count from the end.
        given: what the user says of files of scans, and gives beside them.
        bad: told of each file that can't be used; where not given, the first one is an error.

    Raises:
        InputError: there is nothing to compare on, or a file can't be used: it is broken, undersampled, along a
            trajectory without a truth, or lacks a slice.
    """
    if place is None:
        return [_subject("the package's brain scan", "brain_pulseq_16ch", "measured", sample_scan, slices)]
    found = []
    beside = {file.absolute() for file in given.files.values()}
    files = [path for path in _files(place) if path.absolute() not in beside]
    measurements = [(path, one) for path in files for one in _series(path, series)]
    for path, one in measurements:
        try:
            found.append(_from_file(path, one, simulation, slices, given))
        except InputError as error:
            if bad is None:
                raise
            bad(error)
    if not found:
        raise InputError(f"None of the files in {place} can be used.")
    return found


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InputError(f"{place} does not exist; give a folder of fully sampled scans, or of images.")
    files = [path for path in sorted(place.iterdir()) if path.is_file() and not path.name.startswith(".")]
    known = [path for path in files if path.name.lower().endswith(scan_suffixes() + image_suffixes())]
    if not known:
        scans, images = ", ".join(scan_suffixes()), ", ".join(image_suffixes())
        raise InputError(
            f"The folder {place} holds no scan ({scans}) and no image ({images}); "
            f"its {len(files)} file(s) are of other kinds."
            if files
            else f"The folder {place} is empty; give one with fully sampled scans, or with images."
        )
    return known


def _series(path: Path, series: Series) -> tuple[Series, ...]:
    return (SINGLE,) if path.name.lower().endswith(image_suffixes()) else find_series(path, series)


def _from_file(
    path: Path, series: Series, simulation: Simulation, slices: Sequence[int] | None, given: Given
) -> Subject:
    stem = path.name.split(".")[0]
    if path.name.lower().endswith(image_suffixes()):
        return _subject(path.name, stem, str(simulation), partial(simulation, path), slices)
    read = partial(_read, path, series, given)
    subject = _subject(series.of_file(path.name), stem, "measured", read, slices)
    return dataclasses.replace(subject, field_of_view=_field_of_view(path, subject))


def _read(path: Path, series: Series, given: Given) -> CoilData:
    scan = open_scan(path, series, given)
    return scan.select(range(scan.slices))


def _subject(name: str, stem: str, source: str, read: Callable[[], CoilData], slices: Sequence[int] | None) -> Subject:
    try:
        scan = read()
        chosen = _chosen(scan, slices)
    except InputError as error:
        raise error if name.partition(", ")[0] in str(error) else InputError(f"{name}: {error}") from error
    as_measured = AsMeasured.of(scan) if isinstance(scan, NonCartesianScan) else None
    if as_measured is None:
        _check_full(scan)
    elif scan.ground_truth is None:
        raise InputError(
            f"{name} was measured along a trajectory and has no ground truth, so there is nothing to score against; "
            "give scans that bring one, as `invdiff simulate --trajectory` writes them."
        )
    empty = [i for i in chosen if not scan.kspace[i].any()]
    if empty:
        raise InputError(f"{name}: slice {empty[0]} is zero everywhere; choose slices that hold something.")
    height, width = scan.image_shape
    return Subject(
        name=name,
        stem=stem,
        source=source,
        read=read,
        content=digest_of([scan.digest(index) for index in chosen]),
        depth=scan.slices,
        slices=chosen,
        kspace_shape=(scan.coils, height, width),
        field_of_view=scan.image_shape if scan.geometry is None else scan.geometry.cropped.shape,
        has_maps=scan.maps is not None,
        as_measured=as_measured,
        target=None if scan.ground_truth is None else "ground truth" if source == "measured" else "simulated image",
        remarks=scan.remarks,
    )


def _chosen(scan: CoilData, slices: Sequence[int] | None) -> tuple[int, ...]:
    """Indices in the file's order, each once."""
    if slices is None:
        return tuple(range(scan.slices))
    if any(not -scan.slices <= i < scan.slices for i in slices):
        raise InputError(f"{scan.name} has slices 0 to {scan.slices - 1}; asked for {list(slices)}.")
    return tuple(sorted({i % scan.slices for i in slices}))


def _check_full(scan: CoilData) -> None:
    """A rectangle of samples, with nothing but zeros around it, is as full as a scan gets."""
    rows, columns = (np.flatnonzero(scan.sampled.any(axis=axis)) for axis in (1, 0))
    rectangle = scan.sampled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if not (rectangle.all() and rectangle.size >= _FULL * scan.sampled.size):
        raise InputError(
            f"{scan.name} is undersampled (acceleration {achieved_acceleration(scan.sampled):.2f}), so there is no "
            "truth to score against; give fully sampled scans."
        )


def _field_of_view(path: Path, subject: Subject) -> tuple[int, int]:
    """That of fastMRI's own reconstruction, where the file holds one: a header may promise another."""
    if path.suffix.lower() not in (".h5", ".hdf5"):
        return subject.field_of_view
    with reading(path) as file:
        image = find_numbers(file, "reconstruction_rss")
        if image is None or image.ndim != 3 or 0 in image.shape:
            return subject.field_of_view
        (_, height, width), (_, h, w) = subject.kspace_shape, image.shape
        return min(h, height), min(w, width)
