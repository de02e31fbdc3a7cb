"""Scans in streams of MRD 2 (ISMRM Raw Data, version 2), as its tools pass them through pipes and write them to files.

What is in them are ISMRMRD's header and acquisitions in another encoding, so they are handed on as those.
"""

from pathlib import Path
from typing import IO, Any

import numpy as np

from invdiff.data.formats.acquisitions import scan_of_acquisitions, series_of
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.scan import Scan
from invdiff.data.series import SINGLE, Series
from invdiff.errors import InputError
from invdiff.files.damage import read_as

SIGNATURE = b"yardl"
"""The first bytes of a stream."""

_COUNTERS = (
    "kspace_encode_step_1",
    "kspace_encode_step_2",
    "average",
    "slice",
    "contrast",
    "phase",
    "repetition",
    "set",
    "segment",
)
_LIMITS = tuple(name.replace("_encode_", "_encoding_") for name in _COUNTERS)
_VECTORS = ("position", "read_dir", "phase_dir", "slice_dir", "patient_table_position")


def series(path: Path) -> tuple[Series, ...]:
    """The measurements in a stream, each of which is read by itself.

    Raises:
        InputError: as `read`, but for what concerns one measurement alone.
    """
    return series_of(path, _parts(path)[1])


def read(path: Path, series: Series = SINGLE) -> Scan | NonCartesianScan:
    """The scan in a file that holds a stream.

    Args:
        path: of the file.
        series: which measurement, where the stream holds several.

    Raises:
        InputError: the stream is broken, declares more than it holds, or holds no scan, or several and ``series`` more
            or less than one of them; or a library that reads it is missing.
    """
    xml, acquisitions = _parts(path)
    return scan_of_acquisitions(path, xml, acquisitions, series)


def _parts(path: Path) -> tuple[str, list[Any]]:
    """The header as ISMRMRD's text, and the acquisitions as that library's own."""
    try:
        import ismrmrd
        import mrd
    except ImportError as error:
        raise InputError(
            f"{path} is a stream of MRD 2; install what reads it: pip install 'invdiff[formats]'."
        ) from error
    with read_as("a stream of MRD 2", path), path.open("rb") as file:
        stream = _stream(file, path)
        header = stream.read_header()
        acquisitions = [
            _acquisition(item.value, ismrmrd)
            for item in stream.read_data()
            if isinstance(item, mrd.StreamItem.Acquisition)
        ]
        stream.close()
    if header is None or not header.encoding:
        raise InputError(f"{path} is a stream of MRD 2 whose header does not say what was encoded.")
    return _xml(header, ismrmrd), acquisitions


def header_of(path: Path) -> Any:
    """The header of a stream, as mrd-python has it; None where the file is no stream that can be read, or has none."""
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return None
        file.seek(0)
        return _stream(file, path).read_header()


def _stream(file: IO[bytes], path: Path) -> Any:
    """The library's reader, which makes no room for more bytes than the file has."""
    import mrd

    stream = mrd.BinaryMrdReader(file)
    size, coded = path.stat().st_size, stream._stream
    kind: Any = type(coded)

    class Bounded(kind):  # type: ignore[misc]
        def read_view(self, count: int) -> Any:
            check_held(count)
            return super().read_view(count)

        def read_bytearray(self, count: int) -> Any:
            check_held(count)
            return super().read_bytearray(count)

    def check_held(count: int) -> None:
        if count > size:
            raise InputError(f"{path} has {size:,} bytes and declares {count:,}; it is damaged or cut short.")

    coded.__class__ = Bounded
    return stream


def _acquisition(found: Any, ismrmrd: Any) -> Any:
    """An acquisition of MRD 2 as one of ISMRMRD's; what is not said is zero there, and the centre the middle."""
    head, data = found.head, np.ascontiguousarray(found.data, np.complex64)
    places = np.zeros((0, data.shape[1])) if found.trajectory is None else np.atleast_2d(found.trajectory)
    made = ismrmrd.Acquisition()
    made.resize(data.shape[1], data.shape[0], len(places) if places.shape[1] == data.shape[1] else 0)
    made.data[:] = data
    if made.trajectory_dimensions:
        made.traj[:] = places.T
    made.version = 1
    made.available_channels = data.shape[0]
    made.flags = int(head.flags)
    made.center_sample = data.shape[1] // 2 if head.center_sample is None else head.center_sample
    for name in ("discard_pre", "discard_post", "encoding_space_ref", "sample_time_us", "scan_counter"):
        setattr(made, name, getattr(head, name) or 0)
    for name in _VECTORS:
        getattr(made, name)[:] = getattr(head, name)
    for name in _COUNTERS:
        setattr(made.idx, name, getattr(head.idx, name) or 0)
    return made


def _xml(header: Any, ismrmrd: Any) -> str:
    """What is needed of a header of MRD 2, as that of ISMRMRD."""
    xsd = ismrmrd.xsd

    def space(found: Any) -> Any:
        size, extent = getattr(found, "matrix_size", None), getattr(found, "field_of_view_mm", None)
        if size is None or not (size.x or size.y or size.z):  # left as the library makes it
            return None
        width = xsd.fieldOfViewMm(x=0.0, y=0.0, z=0.0)
        if extent is not None:
            width = xsd.fieldOfViewMm(x=float(extent.x), y=float(extent.y), z=float(extent.z))
        return xsd.encodingSpaceType(
            matrixSize=xsd.matrixSizeType(x=int(size.x), y=int(size.y), z=int(size.z)), fieldOfView_mm=width
        )

    def limits(found: Any) -> Any:
        given = {name: getattr(found, name, None) for name in _LIMITS}
        return xsd.encodingLimitsType(
            **{
                name: xsd.limitType(minimum=int(one.minimum), maximum=int(one.maximum), center=int(one.center))
                for name, one in given.items()
                if one is not None
            }
        )

    def parallel(found: Any) -> Any:
        if found is None or found.acceleration_factor is None:
            return None
        factor, mode = found.acceleration_factor, getattr(found.calibration_mode, "name", "").lower()
        known = {one.value: one for one in xsd.calibrationModeType}
        return xsd.parallelImagingType(
            accelerationFactor=xsd.accelerationFactorType(
                kspace_encoding_step_1=int(factor.kspace_encoding_step_1),
                kspace_encoding_step_2=int(factor.kspace_encoding_step_2),
            ),
            calibrationMode=known.get(mode),
        )

    def description(found: Any) -> Any:
        identifier = getattr(found, "identifier", "")
        return xsd.trajectoryDescriptionType(identifier=identifier) if identifier else None

    kinds = {one.value: one for one in xsd.trajectoryType}
    made = xsd.ismrmrdHeader(
        experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=0),
        encoding=[
            xsd.encodingType(
                encodedSpace=space(one.encoded_space),
                reconSpace=space(one.recon_space),
                encodingLimits=limits(one.encoding_limits),
                trajectory=kinds.get(getattr(one.trajectory, "name", "").lower(), xsd.trajectoryType.OTHER),
                trajectoryDescription=description(one.trajectory_description),
                parallelImaging=parallel(one.parallel_imaging),
            )
            for one in header.encoding
        ],
    )
    text: str = xsd.ToXML(made)
    return text
