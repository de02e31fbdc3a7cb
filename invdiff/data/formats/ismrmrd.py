"""Scans in ISMRMRD raw data (Inati et al., Magnetic Resonance in Medicine 77, 2017)."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from invdiff.data.formats.header import geometry_of, matrix_of, parse_header
from invdiff.data.geometry import Plane
from invdiff.data.scan import Scan
from invdiff.errors import InputError
from invdiff.files.declared import ALWAYS_BYTES
from invdiff.files.hdf5 import check_rows, find, find_dataset, find_text, reading

if TYPE_CHECKING:
    import h5py

_SPARSEST = 64  # positions of the matrix for each that was measured, beyond which no scan goes


def holds_acquisitions(path: Path) -> bool:
    """Whether an HDF5 file holds raw data; false where it can't be read."""
    import h5py

    try:
        with reading(path) as file:
            group = find(file, "dataset")
            return isinstance(group, h5py.Group) and {"xml", "data"} <= set(group)
    except InputError:  # its reader says what is wrong with it
        return False


def read(path: Path) -> Scan:
    """The scan in a file: two-dimensional, Cartesian, of one encoding.

    Raises:
        InputError: the file is broken, of another kind of scan, or the library that reads it is missing.
    """
    try:
        import ismrmrd
    except ImportError as error:
        raise InputError(
            f"{path} holds ISMRMRD raw data; install the library that reads it: pip install ismrmrd."
        ) from error
    with reading(path) as file:
        xml, everything = find_text(file, "dataset/xml") or "", _acquisitions(file, ismrmrd)
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
    acquisitions = _imaging(path, ismrmrd, everything)
    coils = acquisitions[0].data.shape[0]
    slices = 1 + max(a.idx.slice for a in acquisitions)
    shape = (slices, coils, width, height)
    measured = sum(a.data.nbytes for a in acquisitions)
    if math.prod(shape) * np.dtype(np.complex64).itemsize > max(ALWAYS_BYTES, _SPARSEST * measured):
        raise InputError(f"{path} holds {measured:,} bytes of samples, too few for k-space of shape {shape}.")
    total = np.zeros(shape, np.complex64)
    counts = np.zeros((slices, width, height), np.int64)
    for a in acquisitions:
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
        raise InputError(f"{path} holds {len(acquisitions)} lines of an image, without a sample in any.")
    if not ((counts > 0) == (counts[0] > 0)).all():
        raise InputError(f"{path}: its {slices} slices were sampled along different lines; split the file by slice.")
    geometry = geometry_of(path, xml, (width, height), _planes(acquisitions, slices))
    return Scan(
        kspace=(total / np.maximum(counts, 1)[:, None]).astype(np.complex64),
        mask=counts[0] > 0,
        noise=_noise(ismrmrd, everything, acquisitions[0], float(counts[counts > 0].mean())),
        name=path.name,
        remarks=() if geometry is None else geometry.remarks,
        geometry=geometry,
    )


def _acquisitions(file: "h5py.File", ismrmrd: Any) -> list[Any]:
    """Acquisitions as the library's own reader makes them, which would open the file for writing."""
    import h5py

    data = find_dataset(file, "dataset/data")
    if data is None or data.dtype.names != ("head", "traj", "data"):
        return []
    if any(h5py.check_vlen_dtype(data.dtype[name]) != np.float32 for name in ("traj", "data")):
        raise InputError(
            f"{data.file.filename}: dataset/data holds {data.dtype}, which are no acquisitions of ISMRMRD."
        )
    places = [data.dtype.fields[name][1] for name in ("traj", "data")]  # as in the file, where references are as long
    check_rows(data, data.id.get_type().get_size(), places)
    return [_acquisition(data[i], ismrmrd) for i in range(data.size)]


def _acquisition(record: Any, ismrmrd: Any) -> Any:
    coils, length = int(record["head"]["active_channels"]), int(record["head"]["number_of_samples"])
    if not coils * length or record["data"].shape != (2 * coils * length,):  # the library makes room for what heads say
        raise ValueError(f"{coils} coils x {length} samples can't be the {record['data'].size} numbers of a line")
    acquisition = ismrmrd.Acquisition(record["head"])
    acquisition.data[:] = record["data"].view(np.complex64).reshape(coils, length)
    return acquisition


def _planes(acquisitions: list[Any], slices: int) -> tuple[Plane, ...] | None:
    """Where every slice lies, by one of its acquisitions each; None where one does not tell."""
    heads = {a.idx.slice: a for a in acquisitions}
    found = [Plane.known(a.position, a.read_dir, a.phase_dir, a.slice_dir) for _, a in sorted(heads.items())]
    known = tuple(plane for plane in found if plane is not None)
    return known if len(known) == slices else None


def _noise(ismrmrd: Any, everything: list[Any], image: Any, averages: float) -> Any:
    """The samples of the noise measurements, scaled to the bandwidth and the averages of the image's."""
    found = [a for a in everything if a.is_flag_set(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)]
    if not found or any(len(a.data) != len(image.data) for a in found):
        return None
    dwell = [a.sample_time_us for a in (found[0], image)]
    bandwidth = dwell[0] / dwell[1] if min(dwell) > 0 else 1.0
    return np.concatenate([a.data for a in found], axis=1) * np.sqrt(bandwidth / averages)


def _imaging(path: Path, ismrmrd: Any, everything: list[Any]) -> list[Any]:
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
    imaging = [a for a in everything if not any(a.is_flag_set(flag) for flag in apart)]
    if not imaging:
        raise InputError(f"{path} holds {len(everything)} ISMRMRD acquisitions, none of them of an image.")
    for counter in ("kspace_encode_step_2", "contrast", "phase", "repetition", "set"):
        found = {getattr(a.idx, counter) for a in imaging}
        if len(found) > 1:
            raise InputError(
                f"{path} holds {len(found)} values of '{counter}'; split the file so that each slice has one image."
            )
    if any(a.is_flag_set(ismrmrd.ACQ_IS_REVERSE) for a in imaging):
        raise InputError(f"{path} holds lines that were read backwards (EPI), which need a phase correction first.")
    return imaging
