"""Scans in files: fastMRI-layout HDF5, ISMRMRD raw data, BART's pairs of files and NumPy archives."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from invdiff.data.bart import cartesian_kspace, read_cfl
from invdiff.data.scan import TOGETHER, Scan
from invdiff.data.scan_file import ScanFile
from invdiff.errors import InputError
from invdiff.files.archive import read_archive
from invdiff.files.hdf5 import write_attributes, writing

_HDF5, _BART = (".h5", ".hdf5", ".mrd"), (".cfl", ".hdr")
SCAN_SUFFIXES = (*_HDF5, ".cfl", ".npz")
"""Of the files that `read_scan` reads, each scan once."""


def read_scan(path: str | os.PathLike[str]) -> Scan:
    """The scan in a file, in the file's own units.

    - fastMRI-layout HDF5 (``.h5``, ``.hdf5``; Zbontar et al., arXiv 1811.08839): ``kspace`` (slices, coils, H, W), or
      (slices, H, W) from a single coil; if present ``mask`` (W,) or (H, W), ``sensitivity_maps`` (slices, coils, H, W)
      or (slices, sets, coils, H, W), ``ground_truth``, ``noise_std``, ``noise`` (coils, n) of a separate noise scan,
      and ``ismrmrd_header``, whose matrix sizes go to the attributes ``encoded_matrix`` and
      ``recon_matrix`` (x, y, z).
    - ISMRMRD raw data (``.h5``, ``.mrd``; Inati et al., Magnetic Resonance in Medicine 77, 2017): two-dimensional
      Cartesian imaging; averages are averaged, and noise measurements become ``noise``. Needs the ``ismrmrd`` library.
    - BART (``NAME.cfl`` and ``NAME.hdr``; either is given): two of READ, PHS1 and PHS2 are H and W, with COIL and
      SLICE; what is zero in every coil was not sampled.
    - NumPy archives (``.npz``) with the keys of the HDF5 layout.

    Raises:
        InputError: the file is missing, broken, of an unknown kind, or does not hold a scan.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; give the path of a scan.")
    if path.suffix.lower() in _HDF5:
        return _read_hdf5(path)
    if path.suffix.lower() == ".npz":
        return _read_npz(path)
    if path.suffix.lower() in _BART:
        return Scan(cartesian_kspace(read_cfl(path), path), name=path.name)
    raise InputError(f"{path} has the suffix '{path.suffix}'; scans are read from {', '.join(SCAN_SUFFIXES)} files.")


def open_scan(path: str | os.PathLike[str]) -> Scan | ScanFile:
    """As `read_scan`; of more slices in an HDF5 file than are looked at together, each is read when it is asked for.

    Raises:
        InputError: as `read_scan`.
    """
    path = Path(path)
    if path.suffix.lower() in _HDF5 and path.is_file() and _count(path) > TOGETHER:
        elsewhere = path.absolute()  # workers of a cluster have working folders of their own
        return ScanFile.survey(path, partial(_read_slice, elsewhere), _count(path))
    return read_scan(path)


def _count(path: Path) -> int:
    """How many slices can be read one by one; zero where the file is of another layout, or damaged."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            stacks = [file[key] for key in _STACKS if isinstance(file.get(key), h5py.Dataset)]
            kspace = file.get("kspace")
            if not isinstance(kspace, h5py.Dataset) or kspace.ndim not in (3, 4):
                return 0
            count = int(kspace.shape[0])
            return count if all(stack.ndim >= 3 and stack.shape[0] == count for stack in stacks) else 0
    except (OSError, RuntimeError, KeyError):  # `read_scan` says what is wrong with it
        return 0


def _read_slice(path: Path, index: int) -> Scan | None:
    """The scan of one slice; ``None`` where nothing was seen: its k-space or every coil map is zero."""
    import h5py

    with _reading(path), h5py.File(path, "r") as file:
        present = {key: value for key in _KEYS if isinstance(value := file.get(key), h5py.Dataset)}
        datasets = {key: value[index : index + 1] if key in _STACKS else value[()] for key, value in present.items()}
        attributes = {k: _plain(v) for k, v in file.attrs.items()}
    seen = all(np.any(datasets[key]) for key in ("kspace", "sensitivity_maps") if key in datasets)
    return _assemble(path, datasets, attributes, list(present)) if seen else None


def write_scan(scan: Scan, path: str | os.PathLike[str]) -> None:
    """Write a scan as fastMRI-layout HDF5, which `read_scan` reads back equal. The file appears whole or not at all.

    Attributes that HDF5 can't hold are written as text.

    Raises:
        InputError: the suffix is not .h5 or .hdf5, the folder does not exist, there is no room, or an attribute is too
            large.
    """
    path = Path(path)
    if path.suffix.lower() not in (".h5", ".hdf5"):
        raise InputError(f"{path} has the suffix '{path.suffix}'; scans are written to .h5 files.")
    with writing(path) as file:
        file["kspace"] = scan.kspace
        if scan.mask is not None:
            lines = scan.mask[0]
            file["mask"] = lines if (scan.mask == lines).all() else scan.mask
        if scan.maps is not None:
            file["sensitivity_maps"] = scan.maps
        if scan.ground_truth is not None:
            file["ground_truth"] = scan.ground_truth
        if scan.noise_std is not None:
            file["noise_std"] = scan.noise_std
        if scan.noise is not None:
            file["noise"] = scan.noise
        write_attributes(file, {key: _storable(value) for key, value in scan.attributes.items()})


def _read_hdf5(path: Path) -> Scan:
    import h5py

    with _reading(path), h5py.File(path, "r") as file:
        if isinstance(file.get("dataset"), h5py.Group) and {"xml", "data"} <= set(file["dataset"]):
            header = file["dataset/xml"][0]
        else:
            datasets = {key: value[()] for key in _KEYS if isinstance(value := file.get(key), h5py.Dataset)}
            present = [f"{key} {value.shape}" for key, value in file.items() if isinstance(value, h5py.Dataset)]
            return _assemble(path, datasets, {k: _plain(v) for k, v in file.attrs.items()}, present)
    return _read_ismrmrd(path, header)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What h5py raises for files that are cut short or damaged, as a sentence."""
    try:
        yield
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(
            f"{path} can't be read as HDF5: it is damaged, cut short, or of another kind ({error})."
        ) from error


def _read_npz(path: Path) -> Scan:
    arrays = read_archive(path)
    return _assemble(path, {key: arrays[key] for key in _KEYS if key in arrays}, {}, list(arrays))


_STACKS = ("kspace", "sensitivity_maps", "ground_truth")
_KEYS = (*_STACKS, "mask", "noise_std", "noise", "ismrmrd_header")


def _assemble(path: Path, datasets: Mapping[str, Any], attributes: dict[str, Any], present: list[str]) -> Scan:
    if "kspace" not in datasets:
        raise InputError(f"{path} has no dataset 'kspace'; it holds {', '.join(present) or 'no datasets at all'}.")
    kspace, maps = datasets["kspace"], datasets.get("sensitivity_maps")
    if np.ndim(kspace) not in (3, 4):
        raise InputError(
            f"{path}: kspace has shape {np.shape(kspace)}; it must be (slices, coils, H, W) or (slices, H, W)."
        )
    if kspace.ndim == 3:
        kspace = kspace[:, None]
    if maps is not None and maps.ndim == 3:
        maps = maps[:, None]
    noise_std = datasets.get("noise_std")
    if noise_std is not None and (np.size(noise_std) != 1 or np.asarray(noise_std).dtype.kind not in "fiu"):
        raise InputError(
            f"{path}: noise_std must be one number, not {np.shape(noise_std)} of {np.asarray(noise_std).dtype}."
        )
    if "ismrmrd_header" in datasets:
        attributes |= _matrices(path, datasets["ismrmrd_header"])
    return Scan(
        kspace=kspace,
        mask=datasets.get("mask"),
        maps=maps,
        noise_std=None if noise_std is None else float(np.asarray(noise_std).item()),
        noise=datasets.get("noise"),
        ground_truth=datasets.get("ground_truth"),
        name=path.name,
        attributes=attributes,
    )


def _storable(value: Any) -> Any:
    return value if isinstance(value, str | bytes | bool | int | float | tuple) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    return value.item() if isinstance(value, np.generic) else value


def _matrices(path: Path, xml: Any) -> dict[str, Any]:
    """Matrix sizes from an ISMRMRD header, where the library that reads it is installed."""
    try:
        import ismrmrd
    except ImportError:
        return {}
    header = _header(path, ismrmrd, xml)
    spaces = {"encoded_matrix": header.encoding[0].encodedSpace, "recon_matrix": header.encoding[0].reconSpace}
    return {key: (s.matrixSize.x, s.matrixSize.y, s.matrixSize.z) for key, s in spaces.items()}


def _header(path: Path, ismrmrd: Any, xml: Any) -> Any:
    try:
        header = ismrmrd.xsd.CreateFromDocument(bytes(xml) if isinstance(xml, bytes | np.bytes_) else str(xml))
    except Exception as error:  # the generated parser has no exception of its own
        raise InputError(f"{path}: the ISMRMRD header can't be parsed: {error}.") from error
    if not header.encoding:
        raise InputError(f"{path}: the ISMRMRD header describes no encoding.")
    return header


def _read_ismrmrd(path: Path, xml: Any) -> Scan:
    try:
        import ismrmrd
    except ImportError as error:
        raise InputError(
            f"{path} holds ISMRMRD raw data; install the library that reads it: pip install ismrmrd."
        ) from error
    header = _header(path, ismrmrd, xml)
    encoding = header.encoding[0]
    size, limits = encoding.encodedSpace.matrixSize, encoding.encodingLimits
    if str(encoding.trajectory.value) != "cartesian" or size.z != 1 or len(header.encoding) != 1:
        raise InputError(
            f"{path} holds a {encoding.trajectory.value} scan of {size.x} x {size.y} x {size.z} in "
            f"{len(header.encoding)} encodings; only two-dimensional Cartesian scans with one encoding can be read."
        )
    step = limits.kspace_encoding_step_1
    shift = size.y // 2 - (step.center if step is not None else size.y // 2)
    everything = _acquisitions(path, ismrmrd)
    acquisitions = _imaging(path, ismrmrd, everything)
    coils = acquisitions[0].data.shape[0]
    slices = 1 + max(a.idx.slice for a in acquisitions)
    total = np.zeros((slices, coils, size.x, size.y), np.complex64)
    counts = np.zeros((slices, size.x, size.y), np.int64)
    for a in acquisitions:
        samples = a.data[:, a.discard_pre : a.data.shape[1] - a.discard_post]
        line, start = a.idx.kspace_encode_step_1 + shift, size.x // 2 - a.center_sample + a.discard_pre
        if len(samples) != coils or not 0 <= line < size.y or start < 0 or start + samples.shape[1] > size.x:
            raise InputError(
                f"{path}: line {line - shift} has {len(samples)} coils x {samples.shape[1]} samples, with "
                f"the centre at {a.center_sample}, which does not fit the encoded matrix of {coils} coils x "
                f"{size.x} x {size.y}."
            )
        total[a.idx.slice, :, start : start + samples.shape[1], line] += samples
        counts[a.idx.slice, start : start + samples.shape[1], line] += 1
    if not ((counts > 0) == (counts[0] > 0)).all():
        raise InputError(f"{path}: its {slices} slices were sampled along different lines; split the file by slice.")
    return Scan(
        kspace=(total / np.maximum(counts, 1)[:, None]).astype(np.complex64),
        mask=counts[0] > 0,
        noise=_noise(ismrmrd, everything, acquisitions[0], float(counts[counts > 0].mean())),
        name=path.name,
        attributes=_matrices(path, xml),
    )


def _acquisitions(path: Path, ismrmrd: Any) -> list[Any]:
    try:
        with ismrmrd.Dataset(str(path), "dataset", create_if_needed=False) as dataset:
            return [dataset.read_acquisition(i) for i in range(dataset.number_of_acquisitions())]
    except (OSError, LookupError, ValueError, TypeError) as error:
        raise InputError(f"{path}: the ISMRMRD acquisitions can't be read: {error}.") from error


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
