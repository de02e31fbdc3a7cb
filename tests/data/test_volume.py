"""Three-dimensional k-space as slices along an axis that was sampled in full."""

import pickle
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import Scan, birdcage_maps, read_scan, shepp_logan
from invdiff.data import volume as module
from invdiff.data.formats import open_scan
from invdiff.data.fourier import to_kspace
from invdiff.data.masks import equispaced
from invdiff.data.scan_file import ScanFile
from invdiff.data.volume import ArrayInFile, Part, Volume
from invdiff.diffusion import TwoChannel
from invdiff.errors import InputError
from invdiff.methods import fast
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import reconstruct, scan_cases

Array = np.ndarray[Any, Any]


# Files


def write_bart(path: Path, kspace: Array) -> Path:
    """``(coils, READ, PHS1, PHS2)`` as BART has it."""
    array = np.moveaxis(kspace, 0, 3)
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{' '.join(map(str, array.shape))}\n")
    path.with_suffix(".cfl").write_bytes(array.astype("<c8").tobytes(order="F"))
    return path.with_suffix(".cfl")


def write_hdf5(path: Path, kspace: Array, **more: Any) -> Path:
    """``(coils, x, y, z)`` as ``(1, coils, z, y, x)``."""
    array = kspace.transpose(0, 3, 2, 1)[None]
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        chunks = tuple(min(n, 3) for n in array.shape)
        file.create_dataset("kspace", data=array, chunks=chunks, compression="gzip")
        file.update(more)
    return path.with_suffix(".h5")


WRITERS = {"BART": write_bart, "HDF5": write_hdf5}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    return lambda kspace, **more: WRITERS[request.param](tmp_path / "volume", kspace, **more)


def noise(*shape: int, seed: int = 0) -> Array:
    parts = np.random.default_rng(seed).standard_normal((2, *shape), np.float32)
    return np.asarray(parts[0] + 1j * parts[1])


def opened(path: Path) -> ScanFile:
    found = open_scan(path)
    assert isinstance(found, ScanFile)
    return found


# The transform


def by_numpy(kspace: Array) -> Array:
    """Slices of ``(coils, n, H, W)`` along its axis n: ``(n, coils, H, W)``."""
    shifted = np.fft.ifftshift(kspace.astype(np.complex128), 1)
    return np.fft.fftshift(np.fft.ifft(shifted, axis=1, norm="ortho"), 1).swapaxes(0, 1)


def unshifted(kspace: Array) -> Array:
    return np.fft.ifft(kspace.astype(np.complex128), axis=1, norm="ortho").swapaxes(0, 1)


def unscaled(kspace: Array) -> Array:
    return by_numpy(kspace) * kspace.shape[1] ** 0.5


@dataclass(frozen=True)
class InMemory:
    """Samples that come line by line, as acquisitions do, each in two halves that add up."""

    kspace: Array
    path: Path = Path("memory")
    axes: tuple[str, str, str] = ("x", "y", "z")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        coils, x, y, z = self.kspace.shape
        return coils, x, y, z

    def parts(self, along: int) -> Iterator[Part]:
        kspace = np.moveaxis(self.kspace, 1 + along, 0)
        every = slice(0, kspace.shape[1])
        for row, column in np.ndindex(kspace.shape[2:]):
            place = (every, slice(row, row + 1), slice(column, column + 1))
            for share in (0.25, 0.75):
                yield Part(share * kspace[:, *place], place)


shapes = st.tuples(*[st.integers(1, 4)] + [st.integers(2, 7)] * 3)
dtypes = st.sampled_from([np.complex64, np.complex128, ">c8"])


def check_slices(kspace: Array, along: int, expected: Callable[[Array], Array]) -> None:
    volume = Volume(InMemory(kspace), along, kspace.shape[1 + along])
    found = volume.kspace(range(volume.positions))
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, expected(np.moveaxis(kspace, 1 + along, 1)), atol=1e-5)
    some = [volume.positions - 1, 0]
    np.testing.assert_array_equal(volume.kspace(some), found[some])
    for count in range(1, volume.positions):  # those about the middle alone, which stays in the middle
        first = volume.positions // 2 - count // 2
        part = Volume(InMemory(kspace), along, count).kspace(range(count))
        np.testing.assert_array_equal(part, found[first : first + count])


@given(shapes, dtypes, st.integers(0, 2), st.integers(0, 99))
def test_slices_are_the_centred_transform_along_the_axis(shape: Any, dtype: Any, along: int, seed: int) -> None:
    check_slices(noise(*shape, seed=seed).astype(dtype), along, by_numpy)


@pytest.mark.parametrize("broken", [unshifted, unscaled])
def test_another_transform_is_found(broken: Callable[[Array], Array]) -> None:
    with pytest.raises(AssertionError):
        check_slices(noise(2, 5, 4, 3), 0, broken)


@given(shapes, st.integers(0, 2), st.integers(0, 99))
def test_the_transform_is_unitary(shape: Any, along: int, seed: int) -> None:
    """Inner products stay, and with them the level of white noise."""
    u, v = noise(*shape, seed=seed), noise(*shape, seed=seed + 100)
    slices = [Volume(InMemory(w), along, shape[1 + along]).kspace(range(shape[1 + along])) for w in (u, v)]
    np.testing.assert_allclose(np.vdot(*slices), np.vdot(u, v), atol=1e-5 * np.linalg.norm(u) * np.linalg.norm(v))


# Reading


def test_files_of_each_format_are_read_whole_and_slice_by_slice(write: Callable[..., Path]) -> None:
    for shape in ((3, 12, 7, 6), (1, 4, 5, 4)):
        kspace = noise(*shape)
        path = write(kspace)
        whole, found = read_scan(path), opened(path)
        np.testing.assert_allclose(whole.kspace, by_numpy(kspace), atol=1e-5)
        for slices in ([1], [3, 0], range(shape[1])):
            np.testing.assert_array_equal(found.select(slices).kspace, whole.kspace[list(slices)])
        assert whole.mask is found.mask is None
        assert whole.name == found.name == path.name
        assert (found.slices, found.coils, found.image_shape) == (shape[1], shape[0], shape[2:])


def test_slices_do_not_depend_on_blocks_and_parts(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(noise(2, 11, 9, 8))
    whole = read_scan(path).kspace
    for block, part in ((1, 1), (4000, 600), (10**6, 3000)):
        monkeypatch.setattr(module, "BLOCK_BYTES", block)
        monkeypatch.setattr(module, "PART_BYTES", part)
        monkeypatch.setattr(module, "_HELD", {})
        found = opened(path)
        for slices in ([4], [5], [0, 10], [10]):
            np.testing.assert_array_equal(found.select(slices).kspace, whole[slices])


def test_a_reader_in_another_process_reads_the_same(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(noise(2, 6, 5, 4))
    monkeypatch.chdir(path.parent)
    found = opened(Path(path.name))
    sent = pickle.dumps(found)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(module, "_HELD", {})
    other = pickle.loads(sent)
    np.testing.assert_array_equal(other.select([3]).kspace, found.select([3]).kspace)
    assert other.digests == found.digests
    assert len(sent) < 20_000  # what is sent to workers is no volume


def test_a_file_is_read_once_for_a_block(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    found = opened(write(noise(2, 12, 5, 4)))
    monkeypatch.setattr(module, "BLOCK_BYTES", 4 * 8 * 2 * 5 * 4)
    monkeypatch.setattr(module, "_HELD", {})
    readings = []
    parts = ArrayInFile.parts

    def counted(self: ArrayInFile, along: int) -> Iterator[Part]:
        readings.append(along)
        return parts(self, along)

    monkeypatch.setattr(ArrayInFile, "parts", counted)
    for number in range(12):
        pickle.loads(pickle.dumps(found)).select([number])  # as each task of a worker has its own
    assert len(readings) == 3
    found.select(range(0, 12, 2))
    assert len(readings) == 4


@pytest.mark.parametrize(("part", "fits"), [(2**14, True), (2**22, False)])
def test_memory_is_that_of_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int, fits: bool) -> None:
    """A volume of 4 MiB, in blocks of a quarter of a MiB; parts of the whole are too large."""
    path = write_bart(tmp_path / "volume", noise(8, 64, 32, 32))
    monkeypatch.setattr(module, "BLOCK_BYTES", 2**18)
    monkeypatch.setattr(module, "PART_BYTES", part)
    monkeypatch.setattr(module, "_HELD", {})
    opened(path).select([0])  # what is imported when it is first needed counts for nothing
    tracemalloc.start()
    try:
        found = opened(path)
        for number in range(0, 64, 8):
            found.select([number])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (peak < 3 * 2**18) == fits


def test_a_file_that_changes_is_read_again(write: Callable[..., Path]) -> None:
    kspace = noise(2, 6, 5, 4)
    before = opened(write(kspace))
    assert before.select([2]).kspace.any()
    changed = kspace.copy()
    changed[1, 0, 0, 0] += 1
    path = write(changed)
    after = opened(path)
    np.testing.assert_array_equal(after.select([2]).kspace, read_scan(path).kspace[[2]])
    assert len({*before.digests, *after.digests}) == 12
    path.unlink()
    with pytest.raises(InputError, match="volume"):
        after.select([2])


# What was sampled


def undersampled(along: int) -> tuple[Array, Array]:
    """k-space (coils, x, y, z) with a mask of the two axes other than one, and the mask."""
    kspace = noise(2, 8, 9, 10)
    shape = [n for axis, n in enumerate(kspace.shape[1:]) if axis != along]
    mask = np.random.default_rng(1).random(shape) < 0.4
    return kspace * np.expand_dims(mask, along), mask


@pytest.mark.parametrize("along", [0, 1, 2])
def test_slices_lie_along_the_axis_that_was_sampled_in_full(write: Callable[..., Path], along: int) -> None:
    kspace, mask = undersampled(along)
    path = write(kspace)
    for scan in (read_scan(path), opened(path)):
        np.testing.assert_array_equal(scan.sampled, mask)
        expected = by_numpy(np.moveaxis(kspace, 1 + along, 1))
        np.testing.assert_allclose(scan.select(range(scan.slices)).kspace, expected, atol=1e-5)


def test_a_sample_that_is_zero_by_chance_is_measured(write: Callable[..., Path]) -> None:
    kspace = noise(1, 40, 4, 4)
    kspace[0, 3, 2, 1] = 0
    assert opened(write(kspace)).mask is None


def test_a_mask_of_the_file_is_of_its_last_axes_but_the_readout(tmp_path: Path) -> None:
    kspace, mask = undersampled(0)
    wider = mask.copy()
    wider[0] = True
    path = write_hdf5(tmp_path / "a", kspace, mask=wider.T.astype(np.float32), noise_std=0.5)
    for scan in (read_scan(path), opened(path)):
        np.testing.assert_array_equal(scan.sampled, wider)
        assert scan.select([0]).noise_std == 0.5
    path = write_hdf5(tmp_path / "b", kspace, mask=wider)
    with pytest.raises(InputError, match=r"mask has shape \(10, 9\), but k-space asks for \(9, 10\)"):
        open_scan(path)


def test_a_header_tells_a_volume(tmp_path: Path) -> None:
    """Four axes are slices unless the encoded matrix is that of the last three."""
    kspace = noise(5, 8, 6, 4)
    header = """<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions><H1resonanceFrequency_Hz>1
    </H1resonanceFrequency_Hz></experimentalConditions><encoding><encodedSpace><matrixSize><x>8</x><y>6</y><z>{z}</z>
    </matrixSize><fieldOfView_mm><x>1</x><y>1</y><z>1</z></fieldOfView_mm></encodedSpace><reconSpace><matrixSize><x>8</x>
    <y>6</y><z>{z}</z></matrixSize><fieldOfView_mm><x>1</x><y>1</y><z>1</z></fieldOfView_mm></reconSpace><encodingLimits/>
    <trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"""
    for z, shape in ((4, (8, 5, 6, 4)), (1, (5, 4, 6, 8)), (3, (5, 4, 6, 8))):
        with h5py.File(tmp_path / f"{z}.h5", "w") as file:
            file["kspace"], file["ismrmrd_header"] = kspace.transpose(0, 3, 2, 1), header.format(z=z)
        assert read_scan(tmp_path / f"{z}.h5").kspace.shape == shape


# Refusals


def partial_echo(kspace: Array) -> None:
    kspace[:, :3] = 0


def here_and_there(kspace: Array) -> None:
    kspace *= np.random.default_rng(0).random(kspace.shape[1:]) < 0.5


def zero(kspace: Array) -> None:
    kspace[:] = 0


def not_finite(kspace: Array) -> None:
    kspace[1, 2, 3, 4] = np.nan


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (partial_echo, "no axis was sampled from end to end"),
        (here_and_there, "no axis was sampled from end to end .* here and there"),
        (zero, "is zero everywhere"),
        (not_finite, "holds NaN or infinity"),
    ],
)
def test_what_is_no_stack_of_slices(write: Callable[..., Path], damage: Callable[[Array], None], words: str) -> None:
    kspace = noise(2, 8, 9, 10)
    if damage is partial_echo:
        kspace *= np.random.default_rng(0).random((9, 10)) < 0.5
    damage(kspace)
    path = write(kspace)
    for reader in (read_scan, open_scan):
        with pytest.raises(InputError, match=words) as refused:
            reader(path)
        assert path.name in str(refused.value)


def test_companions_of_a_volume_are_not_left_out_in_silence(tmp_path: Path) -> None:
    kspace = noise(2, 4, 5, 6)
    for name in ("sensitivity_maps", "ground_truth"):
        path = write_hdf5(tmp_path / name, kspace, **{name: kspace})
        with pytest.raises(InputError, match=f"is three-dimensional, and {name} of such scans can't be read"):
            open_scan(path)


def test_real_numbers_are_no_kspace(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "real", noise(2, 4, 5, 6).real)
    with pytest.raises(InputError, match=r"real\.h5.*float32, not complex numbers"):
        open_scan(path)


# Reconstruction

SIDES = (24, 20)
LINES = equispaced(SIDES, 2, 8)
LIT = range(3, 9)
SLICES = 12


def head(level: float) -> Array:
    """Two-dimensional k-space ``(x, coils, y, z)`` of a head between air, as every coil sees it."""
    images = np.stack([(1 + 0.1 * x) * (x in LIT) * shepp_logan(SIDES) for x in range(SLICES)])
    kspace = to_kspace((images[:, None] * birdcage_maps(4, SIDES)).astype(np.complex64))
    return np.asarray((kspace + level * noise(*kspace.shape)) * LINES)


def of_slices(slices: Array) -> Array:
    """Three-dimensional k-space (coils, x, y, z)."""
    return np.fft.fftshift(np.fft.fft(np.fft.ifftshift(slices, 0), axis=0, norm="ortho"), 0).swapaxes(0, 1)


def reconstructed(scan: Any, noise_std: float | None = None) -> Any:
    prior = GaussianPrior(torch.zeros(2, *SIDES), 0.04 * torch.ones(2, *SIDES))
    cases = scan_cases(scan, "sense", noise_std=noise_std)
    return reconstruct(cases, fast(steps=3, signal=TwoChannel()), prior, samples=1)


def check_same(slices: Array, path: Path) -> None:
    """What is reconstructed of a volume is what is of its slices."""
    expected = reconstructed(Scan(slices, mask=LINES), 0.02).samples
    found = reconstructed(open_scan(path), 0.02).samples
    lit = list(LIT)
    np.testing.assert_allclose(found[lit], expected[lit], atol=1e-6 * np.abs(expected).max())


def test_a_slice_of_a_volume_is_reconstructed_as_the_scan_of_that_slice(tmp_path: Path) -> None:
    slices = head(0.02)
    check_same(slices, write_hdf5(tmp_path / "volume", of_slices(slices)))
    with pytest.raises(AssertionError):
        check_same(slices, write_hdf5(tmp_path / "rolled", np.roll(of_slices(slices), 1, axis=1)))


def test_slices_of_air_are_reconstructed_as_noise(tmp_path: Path) -> None:
    """Neither does one fail, nor does it show more than its noise."""
    found = reconstructed(open_scan(write_bart(tmp_path / "volume", of_slices(head(0.02)))))
    air = [x for x in range(SLICES) if x not in LIT]
    assert np.isfinite(found.samples).all()
    assert np.abs(found.samples[air]).max() < 0.2 * np.abs(found.samples[list(LIT)]).max()


def test_what_a_transform_leaves_of_nothing_is_nothing(write: Callable[..., Path]) -> None:
    path = write(of_slices(head(0)).astype(np.complex64))
    for scan in (opened(path), read_scan(path)):
        assert scan.empty == {x for x in range(SLICES) if x not in LIT}
