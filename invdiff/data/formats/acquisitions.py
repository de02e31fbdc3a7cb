"""Scans made of ISMRMRD's header and acquisitions, wherever these come from.

Inati et al., ISMRM Raw data format: a proposed standard for MRI raw datasets (Magnetic Resonance in Medicine 77, 2017).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.acquisition_flags import Use, has_flag, is_reversed, unknown_flags, use_of
from invdiff.data.formats.described_spokes import trajectory_kind
from invdiff.data.formats.header import geometry_of, matrix_of, parse_header, wanted_along
from invdiff.data.formats.partitions import InMemory, Partitions, Source
from invdiff.data.formats.readouts import (
    central_line,
    centre_of,
    length_of,
    noise_of_acquisitions,
    planes_of,
    series_of_readout,
    usual_time_of,
)
from invdiff.data.formats.trajectory_acquisitions import scan_along
from invdiff.data.interpretation import interpreted
from invdiff.data.masks import calibration_region, central
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scale import largest_part
from invdiff.data.scan import Scan
from invdiff.data.series import SINGLE, Series
from invdiff.data.volume import read_volume
from invdiff.errors import InputError
from invdiff.files.declared import ALWAYS_BYTES

Complex = NDArray[np.complex64]

_SPARSEST = 64  # positions of the matrix for each that was measured, beyond which no scan goes
_APART = ("separate", "external")  # calibration modes whose lines are of another scan than the image's
_ALIKE = 0.1  # part of the positions that may have been measured more or less often than is usual
_LOUDER = 2.0  # times the image's central line, from which on another is the centre of calibration lines


def series_of(path: Path, acquisitions: Iterable[Any]) -> tuple[Series, ...]:
    """The measurements that acquisitions make up, in the order of their numbers.

    Args:
        path: of what they come from, for its name.
        acquisitions: as objects of the library ``ismrmrd``, or their heads alone.

    Raises:
        InputError: some are compressed.
    """
    found = set()
    for one in acquisitions:
        use = use_of(one.flags)
        if use is Use.REFUSED:
            raise InputError(f"{path} holds compressed lines, of which nothing is known; write them uncompressed.")
        if use is Use.IMAGE:
            found.add(series_of_readout(one))
    return tuple(sorted(found, key=astuple))


def is_needed(acquisition: Any, series: Series) -> bool:
    """Whether a line counts for a measurement: it is its own, or no line of an image.

    Args:
        acquisition: or its head alone.
        series: as of `series_of`.
    """
    return use_of(acquisition.flags) is not Use.IMAGE or series_of_readout(acquisition) == series


def scan_of_acquisitions(
    path: Path, xml: str, acquisitions: Sequence[Any], series: Series = SINGLE
) -> Scan | NonCartesianScan:
    """The scan that acquisitions make up: of one encoding, on a grid or along a trajectory; of three dimensions, see
    `invdiff.data.volume`.

    Lines of one place are averaged by their noise, whose variance is that of a unit of time over the time that a
    sample took. Calibration lines that fit between those of the image are lines of it, unless the header says that
    they are of another scan; then they become ``calibration``, as do those of another series where this has none.

    Args:
        path: of what they come from, for its name.
        xml: the header.
        acquisitions: as objects of the library ``ismrmrd``.
        series: which measurement, where there are several.

    Raises:
        InputError: the header is broken, they are of another kind of scan, or of several and ``series`` holds more or
            less than one.
    """
    encoding = _encoding(path, xml)
    if trajectory_kind(encoding) != "cartesian":
        chosen = series.one_of(series_of(path, acquisitions), str(path))
        return scan_along(path, xml, encoding, acquisitions, chosen)
    volume = volume_of_acquisitions(InMemory(acquisitions), path, xml, acquisitions, series)
    if volume is not None:
        return read_volume(*volume)
    width, height, _ = matrix_of(path, encoding.encodedSpace)
    image, apart, matrix = _lines(path, encoding, acquisitions, series)
    partitions = {one.idx.kspace_encode_step_2 for one in image}
    if len(partitions) > 1:
        raise InputError(
            f"{path} holds {len(partitions)} values of 'kspace_encode_step_2', but its header speaks of two dimensions."
        )
    kspace, times = matrix.filled(image)
    if not times.any():
        raise InputError(f"{path} holds {len(image)} lines of an image, without a sample in any.")
    if not ((times > 0) == (times[0] > 0)).all():
        raise InputError(
            f"{path}: its {len(matrix.slices)} slices were sampled along different lines; split the file by slice."
        )
    calibration, unused = _calibration(matrix, apart)
    is_counted = matrix.slices == tuple(range(len(matrix.slices)))
    geometry = geometry_of(path, xml, (matrix.width, height), planes_of(image))
    return Scan(
        kspace=kspace,
        mask=times[0] > 0,
        noise=noise_of_acquisitions(acquisitions, matrix.coils, matrix.usual_time, float(np.median(times[times > 0]))),
        calibration=calibration,
        name=path.name,
        attributes={} if is_counted else {"slice_numbers": matrix.slices},
        remarks=(
            *_remarks(image, times, matrix.width, width),
            *unused,
            *(() if geometry is None else geometry.remarks),
        ),
        geometry=geometry,
    )


def volume_of_acquisitions(
    source: Source, path: Path, xml: str, acquisitions: Sequence[Any], series: Series = SINGLE
) -> tuple[Partitions, dict[str, Any], int] | None:
    """The k-space of a three-dimensional scan, what else is known of it, and how many positions along the readout are
    in the field of view, as `invdiff.data.volume.open_volume` takes them; None where the header tells two dimensions.

    Args:
        source: of the acquisitions, where their samples are to be read later.
        path: as for `scan_of_acquisitions`, like the others.
        xml: the header.
        acquisitions: of the source.
        series: which measurement, where there are several.

    Raises:
        InputError: as `scan_of_acquisitions`, or there are several slabs.
    """
    encoding = _encoding(path, xml)
    width, height, depth = matrix_of(path, encoding.encodedSpace)
    if depth == 1 or trajectory_kind(encoding) != "cartesian":
        return None
    image, apart, matrix = _lines(path, encoding, acquisitions, series)
    if len(matrix.slices) > 1:
        raise InputError(f"{path} holds {len(matrix.slices)} three-dimensional slabs; split the file by slice.")
    shape = (matrix.coils, matrix.width, height, depth)
    matrix.check_held(shape, image)
    centre = central_line(path, encoding, "kspace_encoding_step_2", depth)
    columns = np.array([one.idx.kspace_encode_step_2 - centre + depth // 2 for one in image], np.int32)
    beyond = np.flatnonzero((columns < 0) | (columns >= depth))
    if len(beyond):
        raise InputError(
            f"{path}: a line is of partition {image[beyond[0]].idx.kspace_encode_step_2}, which is none of the {depth} "
            f"of the encoded matrix, of which {centre} is the central one."
        )
    rows = np.array([matrix.place(one)[1] for one in image])
    each, times = np.array([matrix.time(one) for one in image]), np.zeros((height, depth))
    np.add.at(times, (rows, columns), each)
    weights = (each / times[rows, columns]).astype(np.float32)
    order = {id(one): number for number, one in enumerate(acquisitions)}
    numbers = np.array([order[id(one)] for one in image], np.int32)
    geometry = geometry_of(path, xml, (height, depth), axes=(1, 2, 0))
    planes, wanted = planes_of(image), wanted_along(path, xml, matrix.width, 0)
    if geometry is not None and planes is not None and geometry.slice_thickness is not None:
        geometry = replace(geometry, planes=planes[0].across(wanted, geometry.slice_thickness))
    left_out = ("Calibration lines were left out, as those apart from a three-dimensional image are.",) if apart else ()
    lines = Partitions(path.absolute(), shape, source, matrix, numbers, columns, weights)
    known = {
        "mask": times > 0,
        "noise": noise_of_acquisitions(
            acquisitions, matrix.coils, matrix.usual_time, float(np.median(times[times > 0]))
        ),
        "geometry": geometry,
        "remarks": (
            *_remarks(image, times, matrix.width, width),
            *left_out,
            *(() if geometry is None else geometry.remarks),
        ),
    }
    return lines, known, wanted


def _encoding(path: Path, xml: str) -> Any:
    """What the header says of the one encoding."""
    import ismrmrd

    encodings = parse_header(path, ismrmrd, xml).encoding
    if len(encodings) != 1:
        raise InputError(f"{path} holds a scan in {len(encodings)} encodings; only those with one can be read.")
    return encodings[0]


def _lines(
    path: Path, encoding: Any, acquisitions: Sequence[Any], series: Series
) -> tuple[list[Any], list[Any], "_Matrix"]:
    """The lines of the image, calibration lines that are none of it, and where lines belong."""
    width, height, _ = matrix_of(path, encoding.encodedSpace)
    chosen = series.one_of(series_of(path, acquisitions), str(path))
    image = [one for one in acquisitions if use_of(one.flags) is Use.IMAGE and series_of_readout(one) == chosen]
    held = {one.idx.slice for one in image}
    slices = tuple(sorted(held))
    embedded, apart = _calibration_lines(encoding, acquisitions, chosen, image)
    image += [one for one in embedded if one.idx.slice in held]
    corrects = any(has_flag(one.flags, "IS_PHASECORR_DATA") for one in acquisitions)
    if corrects and any(is_reversed(one.flags) for one in image):
        raise InputError(f"{path} holds lines that were read backwards (EPI), which need a phase correction first.")
    samples = _readout(path, encoding, width, image)
    centre = central_line(path, encoding, "kspace_encoding_step_1", height)
    matrix = _Matrix(path, slices, int(image[0].active_channels), samples, height, centre, usual_time_of(image))
    return image, apart, matrix


@dataclass(frozen=True)
class _Matrix:
    """Where lines belong.

    Attributes:
        path: for the sentence.
        slices: their numbers.
        coils: how many there are.
        width: samples of a line.
        height: lines.
        centre: number of the central line.
        usual_time: that a sample took, in microseconds; zero where it is not known of every line.
    """

    path: Path
    slices: tuple[int, ...]
    coils: int
    width: int
    height: int
    centre: int
    usual_time: float

    def filled(self, lines: Sequence[Any]) -> tuple[Complex, NDArray[np.float64]]:
        """K-space ``(slices, coils, width, height)`` of the lines, and how long each position was measured for,
        ``(slices, width, height)``, in units of the usual time."""
        shape = (len(self.slices), self.coils, self.width, self.height)
        self.check_held(shape, lines)
        total = np.zeros(shape, np.complex64)
        times = np.zeros((shape[0], *shape[2:]))
        index = {number: position for position, number in enumerate(self.slices)}
        for line in lines:
            along, place = self.place(line)
            position, time = index[line.idx.slice], self.time(line)
            with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is refused with the scan
                total[position, :, along, place] += time * self.samples(line)
            times[position, along, place] += time
        with np.errstate(over="ignore", invalid="ignore"):
            return (total / np.where(times > 0, times, 1)[:, None]).astype(np.complex64), times

    def check_held(self, shape: tuple[int, ...], lines: Sequence[Any]) -> None:
        """Raise ``InputError`` if lines are too few to be of k-space of this shape."""
        itemsize = np.dtype(np.complex64).itemsize
        measured = sum(itemsize * line.active_channels * line.number_of_samples for line in lines)
        if math.prod(shape) * itemsize > max(ALWAYS_BYTES, _SPARSEST * measured):
            raise InputError(f"{self.path} holds {measured:,} bytes of samples, too few for k-space of shape {shape}.")

    def samples(self, line: Any) -> Complex:
        """The samples of a line that count, from the beginning of k-space to its end: ``(coils, n)``."""
        kept: Complex = line.data[:, line.discard_pre : line.discard_pre + length_of(line)]
        return kept[:, ::-1] if is_reversed(line.flags) else kept

    def place(self, line: Any) -> tuple[slice, int]:
        """Where a line's samples belong along the readout, and which line of the matrix it is.

        Raises:
            InputError: nowhere.
        """
        place = line.idx.kspace_encode_step_1 - self.centre + self.height // 2
        start, length = self.width // 2 - centre_of(line), length_of(line)
        if line.active_channels != self.coils or not (0 <= place < self.height and 0 <= start <= self.width - length):
            raise InputError(
                f"{self.path}: line {line.idx.kspace_encode_step_1} has {line.active_channels} coils x {length} "
                f"samples, with the centre at {line.center_sample}, which does not fit the encoded matrix of "
                f"{self.coils} coils x {self.width} x {self.height}."
            )
        return slice(start, start + length), place

    def time(self, line: Any) -> float:
        """How long a sample of a line took, in units of the usual time."""
        return float(line.sample_time_us / self.usual_time) if self.usual_time > 0 else 1.0


def _calibration_lines(
    encoding: Any, acquisitions: Sequence[Any], series: Series, image: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Calibration lines that are lines of the image, too, and those that are of another scan."""
    every = [one for one in acquisitions if use_of(one.flags) is Use.CALIBRATION]
    if not every:
        return [], []
    own = [one for one in every if series_of_readout(one) == series]
    if own and _fits_in(encoding, own, image):
        return own, []
    first = min((series_of_readout(one) for one in every), key=astuple)
    return [], own or [one for one in every if series_of_readout(one) == first]


def _fits_in(encoding: Any, calibration: Sequence[Any], image: Sequence[Any]) -> bool:
    """Whether calibration lines lie between those of the image, and were measured alike; lines that were measured for
    both purposes have the flag for both."""
    mode = getattr(encoding.parallelImaging, "calibrationMode", None)
    mode = getattr(mode, "value", mode)
    alike = {_shape(one) for one in calibration} <= {_shape(one) for one in image}
    between = {_place(one) for one in calibration}.isdisjoint(_place(one) for one in image)
    return alike and mode not in _APART and (between or mode == "embedded")


def _shape(line: Any) -> tuple[Any, ...]:
    return line.active_channels, line.number_of_samples, line.center_sample, line.sample_time_us


def _place(line: Any) -> tuple[int, ...]:
    return line.idx.slice, line.idx.kspace_encode_step_1, line.idx.kspace_encode_step_2


def _readout(path: Path, encoding: Any, encoded: int, image: Sequence[Any]) -> int:
    """Samples of a line: as encoded, or, where all lines have the number and the centre of the reconstructed matrix,
    as that: their oversampling was taken out, and the header left as it was."""
    space = encoding.reconSpace
    if space is None:
        return encoded
    reconstructed = matrix_of(path, space)[0]
    is_cut = {(length_of(one), centre_of(one)) for one in image} == {(reconstructed, reconstructed // 2)}
    return min(encoded, reconstructed) if is_cut else encoded


def _calibration(matrix: _Matrix, lines: Sequence[Any]) -> tuple[Complex | None, tuple[str, ...]]:
    """The fully sampled centre of calibration lines of their own, ``(slices, coils, h, w)``, or why there is none."""
    used = [line for line in lines if line.idx.slice in matrix.slices and line.data.size]
    if not used:
        return None, ()
    matrix = replace(matrix, centre=_own_centre(used, matrix.centre), usual_time=usual_time_of(used))
    try:
        kspace, times = matrix.filled(used)
        scan = interpreted(Scan(kspace, times.min(axis=0) > 0, name="The calibration"))
    except InputError as error:
        return None, (f"Calibration lines were left out: {error}",)
    remarks = tuple(f"Of the calibration lines: {remark}" for remark in scan.remarks)
    region = calibration_region(scan.sampled)
    if 0 in region:
        return None, (*remarks, "Calibration lines were left out, since they do not hold the centre of every slice.")
    return np.ascontiguousarray(scan.kspace[:, :, *central(scan.image_shape, region)]), remarks


def _own_centre(lines: Sequence[Any], given: int) -> int:
    """The central one of calibration lines, which may be counted as the image's are or from their own first: then the
    middle one is clearly louder than the image's."""
    numbers = [line.idx.kspace_encode_step_1 for line in lines]
    middle = (min(numbers) + max(numbers) + 1) // 2
    loudest = {middle: 0.0, given: 0.0}
    for line, number in zip(lines, numbers, strict=True):
        for centre in loudest:
            if abs(number - centre) <= 1:
                loudest[centre] = max(loudest[centre], largest_part(line.data))
    return middle if loudest[middle] > _LOUDER * loudest[given] else given


def _remarks(image: Sequence[Any], times: NDArray[np.float64], samples: int, encoded: int) -> tuple[str, ...]:
    found = []
    if samples < encoded:
        found.append(
            f"The header speaks of {encoded} samples a line, but lines have {samples}: the readout's oversampling was "
            "removed before."
        )
    measured = times[times > 0]
    usual = float(np.median(measured))
    if float((np.abs(measured / usual - 1) > 0.25).mean()) > _ALIKE:
        found.append(
            f"Averages differ: positions were measured {measured.min():.3g} to {measured.max():.3g} times, and the "
            f"noise is taken for that of {usual:.3g}."
        )
    unknown = sorted({number for one in image for number in unknown_flags(one.flags)})
    if unknown:
        found.append(
            f"Lines have the flags {', '.join(map(str, unknown))}, which the standard does not know; they were taken "
            "for lines of the image."
        )
    return tuple(found)
