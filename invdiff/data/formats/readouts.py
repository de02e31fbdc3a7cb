"""What readouts of ISMRMRD say of themselves, and of the scan that they are of."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.acquisition_flags import Use, is_reversed, use_of
from invdiff.data.geometry import Plane
from invdiff.data.series import Series
from invdiff.errors import InputError

Complex = NDArray[np.complex64]


def series_of_readout(acquisition: Any) -> Series:
    """The measurement that it is of."""
    counters = acquisition.idx
    return Series(None, counters.contrast, counters.repetition, counters.phase, counters.set)


def length_of(line: Any) -> int:
    """How many samples of a line count."""
    return max(0, int(line.number_of_samples) - int(line.discard_pre) - int(line.discard_post))


def centre_of(line: Any) -> int:
    """Which of the samples that count is at the centre. The head's number counts along k-space, not along time, as
    MRpro and mapVBVD take it."""
    return int(line.center_sample) - int(line.discard_post if is_reversed(line.flags) else line.discard_pre)


def central_line(path: Path, encoding: Any, counter: str, count: int) -> int:
    """The number of the line, or partition, at the centre of k-space, as an encoding's limits say it.

    Args:
        path: of the file, for the sentence.
        encoding: of the header.
        counter: which limits.
        count: of lines; the middle one is meant where limits say nothing.

    Raises:
        InputError: they say no whole number.
    """
    centre = getattr(getattr(encoding.encodingLimits, counter, None), "center", count // 2)
    if not isinstance(centre, int):
        raise InputError(f"{path}: the ISMRMRD header gives {centre!r} for the central line, not a whole number.")
    return centre


def usual_time_of(lines: Sequence[Any]) -> float:
    """Time that a sample took, in microseconds; zero where it is not known of every line."""
    times = [line.sample_time_us for line in lines]
    return float(np.median(times)) if all(0 < time < np.inf for time in times) else 0.0


def planes_of(image: Sequence[Any]) -> tuple[Plane, ...] | None:
    """Where every slice lies, by one of its lines each; None where one does not tell."""
    heads = {line.idx.slice: line for line in image}
    found = [Plane.known(a.position, a.read_dir, a.phase_dir, a.slice_dir) for _, a in sorted(heads.items())]
    known = tuple(plane for plane in found if plane is not None)
    return known if len(known) == len(found) else None


def noise_of_acquisitions(acquisitions: Sequence[Any], coils: int, time: float, times: float) -> Complex | None:
    """The samples of the noise measurements, as loud as in the image, whose positions took ``times`` samples of
    ``time`` microseconds."""
    found = [one for one in acquisitions if use_of(one.flags) is Use.NOISE]
    if not found or any(one.active_channels != coils for one in found):
        return None
    bandwidth = found[0].sample_time_us / time if min(found[0].sample_time_us, time) > 0 else 1.0
    samples: Complex = np.concatenate([one.data for one in found], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        samples *= np.float32(math.sqrt(bandwidth / times))
    return samples
