"""One scan, written by each format's own library: read back it is the same numbers, and the same reconstruction."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import ismrmrd
import mrd
import numpy as np
import pytest
import torch
from scipy.io import savemat

from invdiff.data import Scan, open_scan, shepp_logan, simulate, write_scan
from invdiff.data.formats import given_of
from invdiff.data.masks import equispaced
from invdiff.methods import find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Recipe, Study, find_inputs, find_kind, read_reconstructed

SHAPE, COILS, LEVEL = (24, 20), 4, 0.01
LINES = equispaced(SHAPE, 2, 8)
SCAN = simulate(
    np.stack([shepp_logan(SHAPE), shepp_logan(SHAPE)[::-1]]), coils=COILS, mask=LINES, noise_std=LEVEL
).changed(
    noise_std=None,
    ground_truth=None,
    noise=(LEVEL * np.random.default_rng(1).standard_normal((COILS, 400, 2)).astype(np.float32)).view(np.complex64)[
        ..., 0
    ],
)
K, MAPS, NOISE = SCAN.kspace, SCAN.maps, SCAN.noise
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
STUDY = Study(PRIOR, Recipe(find_method("estimate"), {"steps": "3"}), None)
RECORD = np.dtype([("real", "<f4"), ("imag", "<f4")])
ON_GRID = "<{0}><matrixSize><x>24</x><y>20</y><z>1</z></matrixSize></{0}>"
XML = (
    '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions><H1resonanceFrequency_Hz>1'
    f"</H1resonanceFrequency_Hz></experimentalConditions><encoding>{ON_GRID.format('encodedSpace')}"
    "<trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"
)

Beside = dict[str, Path]
"""Files of what a format has no place for: ``maps``, ``mask`` and ``noise``."""


def matlab(array: np.ndarray) -> np.ndarray:
    """(slices, coils, H, W) as MATLAB and BART have it: (H, W, coils, slices)."""
    return array.transpose(2, 3, 1, 0)


def write_fastmri(path: Path) -> Beside:
    with h5py.File(path, "w") as file:
        file.update({"kspace": K, "mask": LINES[0], "sensitivity_maps": MAPS, "noise": NOISE})
    return {}


def write_own(path: Path) -> Beside:
    write_scan(SCAN, path)
    return {}


def write_npz(path: Path) -> Beside:
    np.savez(path, kspace=K, mask=LINES, sensitivity_maps=MAPS, noise=NOISE)
    return {}


def write_npy(path: Path) -> Beside:
    beside = {name: path.with_name(f"{name}.npy") for name in ("maps", "mask", "noise")}
    for one, array in zip((path, *beside.values()), (K, MAPS, LINES, NOISE), strict=True):
        np.save(one, array)
    return beside


def write_mat5(path: Path) -> Beside:
    savemat(path, {"kspace": matlab(K), "mask": LINES, "maps": matlab(MAPS), "noise": NOISE})
    return {}


def write_mat73(path: Path) -> Beside:
    """As MATLAB lays it out in HDF5: axes in the opposite order, complex numbers as records."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in {"kspace": matlab(K), "maps": matlab(MAPS), "noise": NOISE}.items():
            file[name] = np.ascontiguousarray(array.T).view(RECORD)
            file[name].attrs["MATLAB_class"] = np.bytes_("single")
        file["mask"] = LINES.T.astype(np.uint8)
        file["mask"].attrs["MATLAB_class"] = np.bytes_("logical")
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return {}


def write_cfl(path: Path, array: np.ndarray) -> Path:
    """Complex numbers of single precision, the first axis the fastest, and their sizes in a text (BART's docs)."""
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{' '.join(map(str, array.shape))}\n")
    path.write_bytes(array.astype("<c8").tobytes(order="F"))
    return path


def with_all_axes(array: np.ndarray) -> np.ndarray:
    """(slices, coils, H, W) with the axes READ, PHS1, PHS2, COIL, ..., SLICE."""
    return matlab(array).reshape(*SHAPE, 1, COILS, *[1] * 9, 2)


def write_bart(path: Path) -> Beside:
    write_cfl(path, with_all_axes(K))
    return {
        "maps": write_cfl(path.with_name("maps.cfl"), with_all_axes(MAPS)),
        "noise": write_cfl(path.with_name("noise.cfl"), NOISE.T.reshape(-1, 1, 1, COILS)),
    }


def write_ismrmrd(path: Path) -> Beside:
    def acquisition(data: np.ndarray, flags: int = 0, **counters: int) -> ismrmrd.Acquisition:
        made = ismrmrd.Acquisition.from_array(np.ascontiguousarray(data))
        made.center_sample, made.sample_time_us, made.flags = SHAPE[0] // 2, 5.0, flags
        for name, number in counters.items():
            setattr(made.idx, name, number)
        return made

    with ismrmrd.Dataset(str(path), create_if_needed=True) as dataset:
        dataset.write_xml_header(XML.encode())
        dataset.append_acquisition(acquisition(NOISE, 1 << (ismrmrd.ACQ_IS_NOISE_MEASUREMENT - 1)))
        for index, line in np.argwhere(LINES[:1].repeat(2, 0)):
            dataset.append_acquisition(acquisition(K[index, :, :, line], kspace_encode_step_1=line, slice=index))
    return maps_beside(path)


def write_mrd(path: Path) -> Beside:
    def acquisition(data: np.ndarray, flags: Any, **counters: int) -> Any:
        head = mrd.AcquisitionHeader(flags=flags, idx=mrd.EncodingCounters(**counters))
        head.sample_time_us = 5.0
        return mrd.StreamItem.Acquisition(mrd.Acquisition(head=head, data=np.ascontiguousarray(data)))

    def lines() -> Iterator[Any]:
        yield acquisition(NOISE, mrd.AcquisitionFlags.IS_NOISE_MEASUREMENT)
        for index, line in np.argwhere(LINES[:1].repeat(2, 0)).tolist():
            flags = mrd.AcquisitionFlags(0)
            yield acquisition(K[index, :, :, line], flags, kspace_encode_step_1=line, slice=index)

    space = mrd.EncodingSpaceType(matrix_size=mrd.MatrixSizeType(x=SHAPE[0], y=SHAPE[1], z=1))
    with path.open("wb") as file, mrd.BinaryMrdWriter(file) as writer:
        writer.write_header(mrd.Header(encoding=[mrd.EncodingType(encoded_space=space)]))
        writer.write_data(lines())
    return maps_beside(path)


def maps_beside(path: Path) -> Beside:
    np.save(path.with_name("maps.npy"), MAPS)
    return {"maps": path.with_name("maps.npy")}


WAYS = {
    "fastMRI's HDF5, by h5py": ("a.h5", write_fastmri),
    "HDF5, by write_scan": ("a.h5", write_own),
    "ISMRMRD, by ismrmrd": ("a.mrd", write_ismrmrd),
    "a stream of MRD 2, by mrd-python": ("a.mrd2", write_mrd),
    "BART": ("a.cfl", write_bart),
    "a NumPy archive": ("a.npz", write_npz),
    "NumPy": ("a.npy", write_npy),
    "MATLAB 5, by SciPy": ("a.mat", write_mat5),
    "MATLAB 7.3": ("a.mat", write_mat73),
}


def reconstructed(path: Path, beside: Beside) -> np.ndarray:
    """As the command solve does it."""
    (one,) = find_inputs([path], find_kind("sense"), given=given_of(**beside))
    outcome = STUDY(one.read().cases(), path.with_name("out"))
    assert outcome.path is not None
    return read_reconstructed(outcome.path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("own") / "a.h5"
    return reconstructed(path, write_own(path))


@pytest.mark.parametrize("way", WAYS)
def test_a_scan_is_the_same_in_every_format(tmp_path: Path, expected: np.ndarray, way: str) -> None:
    name, write = WAYS[way]
    beside = write(tmp_path / name)
    scan = open_scan(tmp_path / name, given=given_of(**beside))
    assert isinstance(scan, Scan)
    for held in ("kspace", "sampled", "maps"):
        np.testing.assert_array_equal(getattr(scan, held), getattr(SCAN, held), err_msg=held)
    np.testing.assert_allclose(scan.noise, NOISE, rtol=1e-6)
    found = reconstructed(tmp_path / name, beside)
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


def lines_backwards(array: np.ndarray) -> np.ndarray:
    return array[..., ::-1, :]


def coils_backwards(array: np.ndarray) -> np.ndarray:
    return array[:, ::-1]


@pytest.mark.parametrize("wrong", [np.conj, lines_backwards, coils_backwards])
def test_another_convention_would_be_found(
    tmp_path: Path, expected: np.ndarray, wrong: Callable[[np.ndarray], np.ndarray]
) -> None:
    np.savez(tmp_path / "a.npz", kspace=wrong(K), sensitivity_maps=MAPS, noise=NOISE)
    found = reconstructed(tmp_path / "a.npz", {})
    assert np.abs(found - expected).max() > 1e-2 * np.abs(expected).max()
