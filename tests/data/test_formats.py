import dataclasses
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.data import Scan, read_scan, shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced, uniform_points
from invdiff.errors import InputError


@pytest.fixture
def scan() -> Scan:
    image = np.stack([shepp_logan((16, 12)), 2 * shepp_logan((16, 12))])
    made = simulate(image, coils=3, mask=equispaced((16, 12), 3, 4), noise_std=0.01)
    return dataclasses.replace(made, attributes={"anatomy": "head", "field_T": 3.0, "matrix": (12, 16), "odd": {1: 2}})


def assert_equal(a: Scan, b: Scan) -> None:
    for field in ("kspace", "mask", "maps", "ground_truth"):
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field), err_msg=field)
    assert a.noise_std == b.noise_std


def test_round_trip(scan: Scan, tmp_path: Path) -> None:
    write_scan(scan, tmp_path / "scan.h5")
    back = read_scan(tmp_path / "scan.h5")
    assert_equal(back, scan)
    assert back.name == "scan.h5"
    assert back.attributes == {"anatomy": "head", "field_T": 3.0, "matrix": (12, 16), "odd": "{1: 2}"}
    with h5py.File(tmp_path / "scan.h5") as file:
        assert file["mask"].shape == (12,)  # lines, as fastMRI stores them


def test_round_trip_of_points_and_bare_kspace(scan: Scan, tmp_path: Path) -> None:
    points = scan.undersample(uniform_points((16, 12), 3, 0.2))
    for made in (points, Scan(simulate(shepp_logan((8, 8)), noise_std=1).kspace)):
        write_scan(made, tmp_path / "scan.h5")
        assert_equal(read_scan(tmp_path / "scan.h5"), made)


def test_npz(scan: Scan, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "scan.npz", kspace=scan.kspace, mask=scan.mask, sensitivity_maps=scan.maps,
        ground_truth=scan.ground_truth, noise_std=scan.noise_std,
    )  # fmt: skip
    assert_equal(read_scan(tmp_path / "scan.npz"), scan)


def test_single_coil_fastmri(tmp_path: Path) -> None:
    kspace = simulate(np.stack([shepp_logan((8, 6))] * 2), coils=1, noise_std=1).kspace[:, 0]
    with h5py.File(tmp_path / "knee.h5", "w") as file:
        file["kspace"], file.attrs["acquisition"] = kspace.astype(np.complex128), "CORPD_FBK"
    np.testing.assert_array_equal(read_scan(tmp_path / "knee.h5").kspace[:, 0], kspace)


def write_cfl(stem: Path, array: np.ndarray) -> None:
    stem.with_suffix(".hdr").write_text(f"# Dimensions\n{' '.join(map(str, array.shape))}\n# Command\nphantom -k\n")
    stem.with_suffix(".cfl").write_bytes(array.astype("<c8").tobytes(order="F"))


def test_bart_equals_fastmri_layout(shared_data: Path) -> None:
    pair = shared_data / "formats" / "bart_cfl" / "brain_pulseq_16ch"
    expected = read_scan(shared_data / "kspace" / "brain_pulseq_16ch.h5").kspace
    for suffix in (".cfl", ".hdr"):
        np.testing.assert_array_equal(read_scan(pair.with_suffix(suffix)).kspace, expected)


def test_bart(scan: Scan, tmp_path: Path) -> None:
    with_slices = scan.kspace.transpose(2, 3, 1, 0).reshape(16, 12, 1, 3, *[1] * 9, 2)
    write_cfl(tmp_path / "lines", with_slices)
    read = read_scan(tmp_path / "lines.cfl")
    np.testing.assert_array_equal(read.kspace, scan.kspace)
    np.testing.assert_array_equal(read.mask, scan.mask)
    assert read.name == "lines.cfl"
    write_cfl(tmp_path / "points", scan.kspace[:1].transpose(0, 2, 3, 1))  # of a volume, transformed along its readout
    np.testing.assert_array_equal(read_scan(tmp_path / "points.cfl").kspace, scan.kspace[:1])


def test_bart_files_that_are_no_scan(tmp_path: Path) -> None:
    kspace = np.ones((4, 4, 1, 2), np.complex64)
    write_cfl(tmp_path / "echoes", np.ones((4, 4, 1, 2, 1, 3)))
    write_cfl(tmp_path / "vector", np.ones(4))
    for name in ("short", "alone", "words", "huge", "widow"):
        write_cfl(tmp_path / name, kspace)
    (tmp_path / "short.cfl").write_bytes(kspace.tobytes()[:-8])
    (tmp_path / "alone.hdr").unlink()
    (tmp_path / "widow.cfl").unlink()
    (tmp_path / "words.hdr").write_text("# Dimensions\n4 four 1 2\n")
    (tmp_path / "huge.hdr").write_text("# Dimensions\n" + " ".join(["999999999"] * 16))
    for name, words in {
        "echoes.cfl": "holds 4 x 4 x 1, 3 along TE;",
        "vector.cfl": "holds 4 x 1 x 1;",
        "short.cfl": "has 248 bytes",
        "alone.cfl": "alone.hdr can't be read",
        "widow.hdr": "widow.cfl can't be read",
        "words.cfl": "words.hdr is no header",
        "huge.cfl": "has 256 bytes",
    }.items():
        with pytest.raises(InputError, match=words) as caught:
            read_scan(tmp_path / name)
        assert name[:4] in str(caught.value)


@pytest.mark.parametrize("name", ["brain_pulseq_16ch", "phantom_gre_2ch_os2"])
def test_ismrmrd_equals_fastmri_layout(shared_data: Path, tmp_path: Path, name: str) -> None:
    raw = read_scan(shared_data / "formats" / "ismrmrd" / f"{name}_converted.h5")
    layout = read_scan(shared_data / "kspace" / f"{name}.h5")
    np.testing.assert_array_equal(raw.kspace, layout.kspace)
    assert raw.mask is None
    height, width = layout.image_shape
    assert raw.geometry is not None
    assert raw.geometry.shape == (height, width)
    with h5py.File(shared_data / "formats" / "ismrmrd" / f"{name}_converted.h5") as file:
        header = file["dataset/xml"][0]
    with h5py.File(tmp_path / "with_header.h5", "w") as file:
        file["kspace"], file["ismrmrd_header"] = layout.kspace, header
    assert read_scan(tmp_path / "with_header.h5").geometry == dataclasses.replace(raw.geometry, planes=None)


def write_raw(path: Path, lines: list[int], center: int = 4, **idx: int) -> None:
    import ismrmrd

    xml = """<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions><H1resonanceFrequency_Hz>1
    </H1resonanceFrequency_Hz></experimentalConditions><encoding><encodedSpace><matrixSize><x>8</x><y>6</y><z>1</z></matrixSize>
    <fieldOfView_mm><x>1</x><y>1</y><z>1</z></fieldOfView_mm></encodedSpace><reconSpace><matrixSize><x>8</x><y>6</y><z>1</z>
    </matrixSize><fieldOfView_mm><x>1</x><y>1</y><z>1</z></fieldOfView_mm></reconSpace><encodingLimits/>
    <trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"""
    with ismrmrd.Dataset(str(path), "dataset", create_if_needed=True) as dataset:
        dataset.write_xml_header(xml.encode())
        for count, line in enumerate(lines):
            acquisition = ismrmrd.Acquisition.from_array(np.full((2, 8), count + 1 + 1j, np.complex64))
            acquisition.center_sample = center
            acquisition.idx.kspace_encode_step_1 = line
            for counter, value in idx.items():
                setattr(acquisition.idx, counter, value * (count % 2))
            if line < 0:
                raise AssertionError
            dataset.append_acquisition(acquisition)


def test_ismrmrd_averages_and_missing_lines(tmp_path: Path) -> None:
    write_raw(tmp_path / "raw.h5", [2, 3, 3])
    scan = read_scan(tmp_path / "raw.h5")
    assert scan.kspace.shape == (1, 2, 8, 6)
    np.testing.assert_array_equal(scan.sampled.any(axis=0), [0, 0, 1, 1, 0, 0])
    assert scan.kspace[0, 0, 0, 3] == 2.5 + 1j


@pytest.mark.parametrize(
    ("lines", "center", "idx", "words"),
    [
        ([2, 6], 4, {}, "line 6 has 2 coils x 8 samples"),
        ([2, 3], 6, {}, "does not fit the encoded matrix"),
        ([2, 3], 4, {"repetition": 1}, "holds repetition 0; repetition 1; choose one of them, such as --repetition 0"),
        ([2, 3], 4, {"slice": 1}, "along different lines"),
        ([], 4, {}, "no dataset 'kspace'"),
    ],
)
def test_ismrmrd_that_is_no_single_image(
    tmp_path: Path, lines: list[int], center: int, idx: dict[str, int], words: str
) -> None:
    write_raw(tmp_path / "raw.h5", lines, center, **idx)
    with pytest.raises(InputError, match=words):
        read_scan(tmp_path / "raw.h5")


def test_files_that_are_no_scan(scan: Scan, tmp_path: Path) -> None:
    write_scan(scan, tmp_path / "whole.h5")
    whole = (tmp_path / "whole.h5").read_bytes()
    (tmp_path / "short.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.h5").write_text("not HDF5")
    (tmp_path / "text.npz").write_text("not an archive")
    (tmp_path / "scan.dat").write_text("not a scan")
    np.savez(tmp_path / "pickle.npz", kspace=np.array([{}], dtype=object))
    np.savez(tmp_path / "vector.npz", kspace=np.ones(3, np.complex64))
    np.savez(tmp_path / "level.npz", kspace=scan.kspace, noise_std=np.ones(2))
    with h5py.File(tmp_path / "image.h5", "w") as file:
        file["reconstruction_rss"] = np.ones((1, 4, 4))
    with h5py.File(tmp_path / "real.h5", "w") as file:
        file["kspace"] = np.ones((1, 2, 4, 4))
    with h5py.File(tmp_path / "header.h5", "w") as file:
        file["kspace"], file["ismrmrd_header"] = scan.kspace, b"<not xml"
    for name, words in {
        "none.h5": "does not exist",
        "": "is a folder",
        "short.h5": "damaged, cut short",
        "text.h5": "can't be read as HDF5",
        "text.npz": "can't be read as a NumPy archive",
        "pickle.npz": "can't be read as a NumPy archive",
        "scan.dat": "suffix '.dat'",
        "image.h5": r"no dataset 'kspace'; it holds reconstruction_rss \(1, 4, 4\)",
        "real.h5": "holds float64, not complex",
        "vector.npz": r"kspace has shape \(3,\)",
        "level.npz": "noise_std must be one number",
        "header.h5": "header can't be parsed",
    }.items():
        with pytest.raises(InputError, match=words) as caught:
            read_scan(tmp_path / name)
        assert name in str(caught.value)


def test_a_failed_write_leaves_nothing(scan: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_scan(scan, tmp_path / "scan.h5")
    before = (tmp_path / "scan.h5").read_bytes()

    def disk_full(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(h5py.File, "__setitem__", disk_full)
    with pytest.raises(InputError, match="disk full"):
        write_scan(scan, tmp_path / "scan.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["scan.h5"]
    assert (tmp_path / "scan.h5").read_bytes() == before


@pytest.mark.parametrize(("name", "words"), [("scan.npz", "written to .h5"), ("missing/scan.h5", "can't be written")])
def test_paths_that_can_not_be_written(scan: Scan, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        write_scan(scan, tmp_path / name)


# Files of strangers


def test_acquisitions_are_read_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "raw.h5"
    write_raw(path, [0, 1, 2])
    before = path.stat().st_mtime_ns
    with h5py.File(path, "r"):  # under whose lock nobody could open it for writing
        assert read_scan(path).kspace.any()
    assert path.stat().st_mtime_ns == before


def edited_raw(path: Path, edit: Callable[[str], str]) -> Path:
    write_raw(path, [0, 1, 2])
    with h5py.File(path, "r+") as file:
        header = file["dataset/xml"][0].decode()
        assert edit(header) != header
        file["dataset/xml"][0] = edit(header).encode()
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<x>8</x>", "<x>eight</x>", "gives the matrix .* must be sizes"),
        ("<x>8</x>", "<x>2000000000</x>", "too few for k-space of shape"),
        ("<x>8</x>", "<x>0</x>", "gives the matrix .* must be sizes"),
        ("<ismrmrdHeader", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ismrmrdHeader', "declares entities"),
        ("<encodingLimits/>", "<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>5</maximum>"
         "<center>three</center></kspace_encoding_step_1></encodingLimits>", "'three' for the central line"),
    ],
)  # fmt: skip
def test_headers_that_promise_what_is_not_there(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = edited_raw(tmp_path / "raw.h5", lambda header: header.replace(old, new))
    with pytest.raises(InputError, match=words):
        read_scan(path)


@pytest.mark.parametrize(
    ("coils", "samples", "words"),
    [
        (65535, 65535, "declare [0-9,]+ bytes of samples, in a file of"),
        (2, 7, "2 coils x 7 samples can't be the 32 numbers of a line"),
        (2, 0, "2 coils x 0 samples can't be the 32 numbers of a line"),
    ],
)
def test_acquisitions_that_promise_what_is_not_there(tmp_path: Path, coils: int, samples: int, words: str) -> None:
    write_raw(tmp_path / "raw.h5", [0, 1, 2])
    with h5py.File(tmp_path / "raw.h5", "r+") as file:
        record = file["dataset/data"][1]
        record["head"]["number_of_samples"], record["head"]["active_channels"] = samples, coils
        file["dataset/data"][1] = record
    with pytest.raises(InputError, match=words):
        read_scan(tmp_path / "raw.h5")


@pytest.mark.parametrize("size", ["9" * 5000, "0", "-4", "٤", "4.0"])
def test_sizes_of_bart_are_whole_numbers(tmp_path: Path, size: str) -> None:
    (tmp_path / "a.hdr").write_text(f"# Dimensions\n{size} 1\n")
    (tmp_path / "a.cfl").write_bytes(b"")
    with pytest.raises(InputError, match="is no header of BART"):
        read_scan(tmp_path / "a.cfl")


def test_the_other_file_of_a_pair_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.cfl").write_bytes(b"")
    os.mkfifo(tmp_path / "a.hdr")  # which would wait for a writer
    with pytest.raises(InputError, match=r"a\.hdr is no regular file"):
        read_scan(tmp_path / "a.cfl")


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"(1, 2, 8, 8), }", b"(9999999, 2, 8, 8), }", r"kspace declares the shape \(9999999, 2, 8, 8\)"),
        (b"'shape': (1,", b"'shape': ((,", "can't be read as a NumPy archive"),
        (b"(1, 2, 8, 8), }   ", b"(True, 2, 8, 8), }", "can't be read as a NumPy archive"),
        (b"\x93NUMPY", b"no array", "can't be read as a NumPy archive"),
        (b"<c8", b"|O ", "can't be read as a NumPy archive"),
        (b"<c8", b"<U2", "kspace of shape .* holds <U2, not numbers"),
    ],
)
def test_archives_that_promise_what_is_not_there(tmp_path: Path, old: bytes, new: bytes, words: str) -> None:
    content = npy(np.ones((1, 2, 8, 8), np.complex64))
    assert old in content
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kspace.npy", content.replace(old, new))
    with pytest.raises(InputError, match=words):
        read_scan(tmp_path / "a.npz")
