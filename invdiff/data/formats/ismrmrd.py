"""ISMRMRD raw data (Inati et al., Magnetic Resonance in Medicine 77, 2017) in HDF5 files: a header and acquisitions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from invdiff.data.formats.acquisitions import scan_of_acquisitions
from invdiff.data.scan import Scan
from invdiff.errors import InputError
from invdiff.files.hdf5 import check_rows, find, find_dataset, find_text, reading

if TYPE_CHECKING:
    import h5py


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
    """The scan in a file.

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
        xml, acquisitions = find_text(file, "dataset/xml") or "", _acquisitions(file, ismrmrd)
    return scan_of_acquisitions(path, xml, acquisitions)


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
