"""Scans made of ISMRMRD's header and acquisitions, wherever these come from.

Inati et al., ISMRM Raw data format: a proposed standard for MRI raw datasets (Magnetic Resonance in Medicine 77, 2017).
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from invdiff.data.formats.header import matrices, matrix_of, parse_header
from invdiff.data.scan import Scan
from invdiff.errors import InputError
from invdiff.files.declared import ALWAYS_BYTES

_SPARSEST = 64  # positions of the matrix for each that was measured, beyond which no scan goes


def scan_of_acquisitions(path: Path, xml: str, acquisitions: Sequence[Any]) -> Scan:
    """The scan that acquisitions make up: two-dimensional, Cartesian, of one encoding.

    Args:
        path: of what they come from, for its name.
        xml: the header.
        acquisitions: as objects of the library ``ismrmrd``.

    Raises:
        InputError: the header is broken, or they are of another kind of scan.
    """
    import ismrmrd

    header = parse_header(path, ismrmrd, xml)
    encoding = header.encoding[0]
    width, height, depth = matrix_of(path, encoding.encodedSpace)
    trajectory = str(getattr(encoding.trajectory, "value", encoding.trajectory))
    if trajectory.lower() != "cartesian" or depth != 1 or len(header.encoding) != 1:
        raise InputError(
            f"{path} holds a {trajectory} scan of {width} x {height} x {depth} in {len(header.encoding)} encodings; "
            "only two-dimensional Cartesian scans with one encoding can be read."
        )
    center = getattr(getattr(encoding.encodingLimits, "kspace_encoding_step_1", None), "center", height // 2)
    if not isinstance(center, int):
        raise InputError(f"{path}: the ISMRMRD header gives {center!r} for the central line, not a whole number.")
    shift = height // 2 - center
    imaging = _imaging(path, ismrmrd, acquisitions)
    coils = imaging[0].data.shape[0]
    slices = 1 + max(a.idx.slice for a in imaging)
    shape = (slices, coils, width, height)
    measured = sum(a.data.nbytes for a in imaging)
    if math.prod(shape) * np.dtype(np.complex64).itemsize > max(ALWAYS_BYTES, _SPARSEST * measured):
        raise InputError(f"{path} holds {measured:,} bytes of samples, too few for k-space of shape {shape}.")
    total = np.zeros(shape, np.complex64)
    counts = np.zeros((slices, width, height), np.int64)
    for a in imaging:
        samples = a.data[:, a.discard_pre : max(0, a.data.shape[1] - a.discard_post)]
        line, start = a.idx.kspace_encode_step_1 + shift, width // 2 - a.center_sample + a.discard_pre
        if len(samples) != coils or not 0 <= line < height or start < 0 or start + samples.shape[1] > width:
            raise InputError(
                f"{path}: line {line - shift} has {len(samples)} coils x {samples.shape[1]} samples, with "
                f"the centre at {a.center_sample}, which does not fit the encoded matrix of {coils} coils x "
                f"{width} x {height}."
            )
        total[a.idx.slice, :, start : start + samples.shape[1], line] += samples
        counts[a.idx.slice, start : start + samples.shape[1], line] += 1
    if not counts.any():
        raise InputError(f"{path} holds {len(imaging)} lines of an image, without a sample in any.")
    if not ((counts > 0) == (counts[0] > 0)).all():
        raise InputError(f"{path}: its {slices} slices were sampled along different lines; split the file by slice.")
    return Scan(
        kspace=(total / np.maximum(counts, 1)[:, None]).astype(np.complex64),
        mask=counts[0] > 0,
        noise=_noise(ismrmrd, acquisitions, imaging[0], float(counts[counts > 0].mean())),
        name=path.name,
        attributes=matrices(path, xml),
    )


def _noise(ismrmrd: Any, acquisitions: Sequence[Any], image: Any, averages: float) -> Any:
    """The samples of the noise measurements, scaled to the bandwidth and the averages of the image's."""
    found = [a for a in acquisitions if a.is_flag_set(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)]
    if not found or any(len(a.data) != len(image.data) for a in found):
        return None
    dwell = [a.sample_time_us for a in (found[0], image)]
    bandwidth = dwell[0] / dwell[1] if min(dwell) > 0 else 1.0
    return np.concatenate([a.data for a in found], axis=1) * np.sqrt(bandwidth / averages)


def _imaging(path: Path, ismrmrd: Any, acquisitions: Sequence[Any]) -> list[Any]:
    """The acquisitions that belong to the one image each slice has."""
    apart = (
        ismrmrd.ACQ_IS_NOISE_MEASUREMENT,
        ismrmrd.ACQ_IS_PARALLEL_CALIBRATION,
        ismrmrd.ACQ_IS_NAVIGATION_DATA,
        ismrmrd.ACQ_IS_PHASECORR_DATA,
        ismrmrd.ACQ_IS_HPFEEDBACK_DATA,
        ismrmrd.ACQ_IS_DUMMYSCAN_DATA,
        ismrmrd.ACQ_IS_RTFEEDBACK_DATA,
        ismrmrd.ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA,
    )
    imaging = [a for a in acquisitions if not any(a.is_flag_set(flag) for flag in apart)]
    if not imaging:
        raise InputError(f"{path} holds {len(acquisitions)} ISMRMRD acquisitions, none of them of an image.")
    for counter in ("kspace_encode_step_2", "contrast", "phase", "repetition", "set"):
        found = {getattr(a.idx, counter) for a in imaging}
        if len(found) > 1:
            raise InputError(
                f"{path} holds {len(found)} values of '{counter}'; split the file so that each slice has one image."
            )
    if any(a.is_flag_set(ismrmrd.ACQ_IS_REVERSE) for a in imaging):
        raise InputError(f"{path} holds lines that were read backwards (EPI), which need a phase correction first.")
    return imaging
