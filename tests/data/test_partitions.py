"""Three-dimensional ISMRMRD scans: lines with two phase encodings, of which positions along the readout are slices."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.data import read_scan
from invdiff.data import volume as module
from invdiff.data.formats import open_scan
from invdiff.data.formats.acquisitions import scan_of_acquisitions
from invdiff.data.scan_file import ScanFile
from invdiff.errors import InputError

ismrmrd = pytest.importorskip("ismrmrd")

Array = np.ndarray[Any, Any]
COILS, WIDTH, HEIGHT, DEPTH = 3, 10, 9, 8
CENTRES = (3, 3)  # of lines and partitions, as the header says: one before the middle, as by partial Fourier
NOISE = 0.5
POSITION, DIRECTIONS = (1, 2, 3), ((0, 0, 1), (1, 0, 0), (0, 1, 0))  # of read, phase and slice


def space(name: str, x: int = WIDTH) -> str:
    """Of voxels of 10 x 8 x 6 mm."""
    return (
        f"<{name}><matrixSize><x>{x}</x><y>{HEIGHT}</y><z>{DEPTH}</z></matrixSize>"
        f"<fieldOfView_mm><x>{10 * x}</x><y>{8 * HEIGHT}</y><z>{6 * DEPTH}</z></fieldOfView_mm></{name}>"
    )


def limit(counter: str, count: int, centre: int) -> str:
    return f"<{counter}><minimum>0</minimum><maximum>{count - 1}</maximum><center>{centre}</center></{counter}>"


HEADER = (
    '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions><H1resonanceFrequency_Hz>1'
    f"</H1resonanceFrequency_Hz></experimentalConditions><encoding>{space('encodedSpace')}{space('reconSpace')}"
    f"<encodingLimits>{limit('kspace_encoding_step_1', HEIGHT, CENTRES[0])}"
    f"{limit('kspace_encoding_step_2', DEPTH, CENTRES[1])}</encodingLimits><trajectory>cartesian</trajectory>"
    "</encoding></ismrmrdHeader>"
)


def noise(*shape: int, seed: int = 0) -> Array:
    parts = np.random.default_rng(seed).standard_normal((2, *shape), np.float32)
    return np.asarray(parts[0] + 1j * parts[1])


def line(samples: Array, row: int, column: int, **more: Any) -> Any:
    """An acquisition of ``(coils, n)``, at a place in the matrix."""
    made = ismrmrd.Acquisition.from_array(np.ascontiguousarray(samples, np.complex64))
    made.center_sample, made.sample_time_us = samples.shape[1] // 2, 5.0
    made.position[:], made.read_dir[:], made.phase_dir[:], made.slice_dir[:] = POSITION, *DIRECTIONS
    made.idx.kspace_encode_step_1 = row - HEIGHT // 2 + CENTRES[0]
    made.idx.kspace_encode_step_2 = column - DEPTH // 2 + CENTRES[1]
    for name, value in more.items():
        setattr(made.idx if hasattr(made.idx, name) else made, name, value)
    return made


def noise_line() -> Any:
    made = ismrmrd.Acquisition.from_array(NOISE * noise(COILS, 500, seed=7))
    made.sample_time_us = 5.0
    made.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
    return made


def write(path: Path, lines: list[Any], header: str = HEADER) -> Path:
    with ismrmrd.Dataset(str(path), "dataset", create_if_needed=True) as dataset:
        dataset.write_xml_header(header.encode())
        for one in lines:
            dataset.append_acquisition(one)
    return path


def places() -> list[tuple[int, int]]:
    """Three quarters of all but the first line and the first partition, which are beyond what can be counted."""
    mask = np.random.default_rng(1).random((HEIGHT, DEPTH)) < 0.75
    mask[0] = mask[:, 0] = False
    return [(int(row), int(column)) for row, column in np.argwhere(mask)]


def scanned() -> tuple[Array, list[Any]]:
    """k-space (coils, x, y, z), zero where nothing was measured, and its lines with a noise scan."""
    kspace, lines = np.zeros((COILS, WIDTH, HEIGHT, DEPTH), np.complex64), [noise_line()]
    every = noise(*kspace.shape)
    for row, column in places():
        kspace[..., row, column] = every[..., row, column]
        lines.append(line(kspace[..., row, column], row, column))
    return kspace, lines


def transformed(kspace: Array) -> Array:
    shifted = np.fft.ifftshift(kspace.astype(np.complex128), 1)
    return np.fft.fftshift(np.fft.ifft(shifted, axis=1, norm="ortho"), 1).swapaxes(0, 1)


def unshifted(kspace: Array) -> Array:
    return np.fft.ifft(kspace, axis=1, norm="ortho").swapaxes(0, 1)


def check_slices(path: Path, expected: Array) -> None:
    for scan in (read_scan(path), open_scan(path)):
        np.testing.assert_allclose(scan.select(range(scan.slices)).kspace, expected, atol=1e-5)
        np.testing.assert_array_equal(scan.sampled, expected.any(axis=(0, 1)))


def test_positions_along_the_readout_are_slices(tmp_path: Path) -> None:
    kspace, lines = scanned()
    path = write(tmp_path / "raw.h5", lines)
    check_slices(path, transformed(kspace))
    with pytest.raises(AssertionError):
        check_slices(path, unshifted(kspace))
    scan = read_scan(path)
    assert scan.noise is not None
    np.testing.assert_allclose(scan.noise.std(), NOISE * 2**0.5, rtol=0.1)
    assert scan.name == "raw.h5"


@pytest.mark.parametrize("wanted", [WIDTH, 5, 4])
def test_slices_of_the_field_of_view_lie_where_the_readout_was(tmp_path: Path, wanted: int) -> None:
    """Positions beyond it, by which the readout was oversampled, are no slices."""
    kspace, lines = scanned()
    header = HEADER.replace(space("reconSpace"), space("reconSpace", wanted))
    path = write(tmp_path / "raw.h5", lines, header)
    first = WIDTH // 2 - wanted // 2
    check_slices(path, transformed(kspace)[first : first + wanted])
    for scan in (read_scan(path), open_scan(path)):
        geometry = scan.geometry
        assert geometry is not None
        assert (geometry.shape, geometry.field_of_view) == ((HEIGHT, DEPTH), (8 * HEIGHT, 6 * DEPTH))
        assert (geometry.slice_thickness, geometry.cropped.shape) == (10, (HEIGHT, DEPTH))
        assert geometry.planes is not None
        assert [plane.position for plane in geometry.planes] == [
            (1, 2, 3 + 10 * (k - WIDTH // 2)) for k in range(first, first + wanted)
        ]
        assert {(plane.read, plane.phase, plane.slice) for plane in geometry.planes} == {
            (DIRECTIONS[1], DIRECTIONS[2], DIRECTIONS[0])
        }
        affine = geometry.affine
        assert affine is not None
        place = affine @ (HEIGHT // 2, DEPTH // 2 + 1, wanted // 2 - 1, 1)
        np.testing.assert_allclose(place[:3], (-1, -(2 + 6), 3 - 10))


def test_lines_that_are_no_file_make_the_same(tmp_path: Path) -> None:
    """As of a stream."""
    kspace, lines = scanned()
    found = scan_of_acquisitions(tmp_path / "stream", HEADER, lines)
    np.testing.assert_allclose(found.kspace, transformed(kspace), atol=1e-5)


def test_slices_are_read_by_blocks_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, lines = scanned()
    path = write(tmp_path / "raw.h5", lines)
    whole = read_scan(path).kspace
    monkeypatch.setattr(module, "BLOCK_BYTES", 3 * 8 * COILS * HEIGHT * DEPTH)
    monkeypatch.setattr(module, "_HELD", {})
    monkeypatch.chdir(tmp_path)
    found = open_scan("raw.h5")
    assert isinstance(found, ScanFile)
    sent = pickle.dumps(found)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for slices in ([0], [4], [9, 1], range(WIDTH)):
        np.testing.assert_array_equal(pickle.loads(sent).select(slices).kspace, whole[list(slices)])
    assert len(module._HELD) == 1
    held = dict(module._HELD)
    pickle.loads(sent).select([1])
    pickle.loads(sent).select([2])
    assert [key[1] for key in module._HELD] == [0]
    assert [key[1] for key in held] == [1]


def test_lines_of_one_place_are_averaged(tmp_path: Path) -> None:
    kspace, lines = scanned()
    more = noise(*kspace.shape, seed=5)
    expected = kspace.copy()
    for row, column in places()[::3]:
        lines.append(line(more[..., row, column], row, column, average=1))
        expected[..., row, column] = (kspace[..., row, column] + more[..., row, column]) / 2
    check_slices(write(tmp_path / "raw.h5", lines), transformed(expected))


def partial_echo(lines: list[Any]) -> None:
    for number, one in enumerate(lines[1:], 1):
        cut = line(one.data[:, 3:], 0, 0)
        cut.idx, cut.center_sample = one.idx, one.center_sample - 3
        lines[number] = cut


def slabs(lines: list[Any]) -> None:
    lines[-1].idx.slice = 1


def another_partition(lines: list[Any]) -> None:
    lines[-1].idx.kspace_encode_step_2 = DEPTH


def another_line(lines: list[Any]) -> None:
    lines[-1].idx.kspace_encode_step_1 = HEIGHT


def not_finite(lines: list[Any]) -> None:
    lines[-1].data[1, 2] = np.nan


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (partial_echo, r"no axis was sampled from end to end \(the readout at 7 of 10\), as by a partial echo"),
        (slabs, "holds 2 three-dimensional slabs"),
        (another_partition, "partition 8, which is none of the 8"),
        (another_line, "does not fit the encoded matrix"),
        (not_finite, "holds NaN or infinity"),
    ],
)
def test_what_is_no_stack_of_slices(tmp_path: Path, damage: Callable[[list[Any]], None], words: str) -> None:
    _, lines = scanned()
    damage(lines)
    path = write(tmp_path / "raw.h5", lines)
    for reader in (read_scan, open_scan):
        with pytest.raises(InputError, match=words) as refused:
            reader(path)
        assert "raw.h5" in str(refused.value)
