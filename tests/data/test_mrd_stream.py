"""Streams of MRD 2: what mrd-python writes is read as the same scan in ISMRMRD is, and damage is refused."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ismrmrd
import mrd
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invdiff.data import read_scan
from invdiff.data.formats.mrd_stream import header_of
from invdiff.errors import InputError

H, W, COILS = 12, 10, 3


def draw(shape: Sequence[int], seed: int) -> np.ndarray:
    parts = np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)
    return parts[0] + 1j * parts[1]


def header() -> Any:
    space = mrd.EncodingSpaceType(
        matrix_size=mrd.MatrixSizeType(x=H, y=W, z=1), field_of_view_mm=mrd.FieldOfViewMm(x=240, y=200, z=5)
    )
    limits = mrd.EncodingLimitsType(kspace_encoding_step_1=mrd.LimitType(minimum=0, maximum=W - 1, center=W // 2))
    encoding = mrd.EncodingType(encoded_space=space, recon_space=space, encoding_limits=limits)
    subject = mrd.SubjectInformationType(patient_id="nobody")
    return mrd.Header(subject_information=subject, encoding=[encoding])


def lines(kspace: np.ndarray, chosen: Sequence[int], noise: np.ndarray | None = None) -> Iterator[Any]:
    if noise is not None:
        yield acquisition(noise, 0, mrd.AcquisitionFlags.IS_NOISE_MEASUREMENT)
    for line in chosen:
        yield acquisition(kspace[:, :, line], line, mrd.AcquisitionFlags(0))


def acquisition(data: np.ndarray, line: int, flags: Any) -> Any:
    head = mrd.AcquisitionHeader(flags=flags)
    head.idx.kspace_encode_step_1 = line
    head.sample_time_us = 5.0
    return mrd.StreamItem.Acquisition(mrd.Acquisition(head=head, data=np.ascontiguousarray(data, np.complex64)))


def write(path: Path, items: Iterator[Any], head: Any = None) -> Path:
    with path.open("wb") as file, mrd.BinaryMrdWriter(file) as writer:
        writer.write_header(header() if head is None else head)
        writer.write_data(items)
    return path


def write_ismrmrd(path: Path, kspace: np.ndarray, chosen: Sequence[int]) -> Path:
    def size(name: str, x: float, y: float, z: float) -> str:
        return f"<{name}><x>{x}</x><y>{y}</y><z>{z}</z></{name}>"

    space = size("matrixSize", H, W, 1) + size("fieldOfView_mm", 240, 200, 5)
    text = (
        '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions><H1resonanceFrequency_Hz>1'
        f"</H1resonanceFrequency_Hz></experimentalConditions><encoding><encodedSpace>{space}</encodedSpace><reconSpace>"
        f"{space}</reconSpace><encodingLimits/><trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"
    )
    dataset = ismrmrd.Dataset(str(path), create_if_needed=True)
    dataset.write_xml_header(text.encode())
    for line in chosen:
        made = ismrmrd.Acquisition.from_array(np.ascontiguousarray(kspace[:, :, line], np.complex64))
        made.idx.kspace_encode_step_1, made.center_sample = line, H // 2
        dataset.append_acquisition(made)
    dataset.close()
    return path


@given(chosen=st.sets(st.integers(0, W - 1), min_size=1), seed=st.integers(0, 2**16))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_a_stream_is_read_as_the_same_scan_in_ismrmrd(tmp_path: Path, chosen: set[int], seed: int) -> None:
    kspace = draw((COILS, H, W), seed)
    (tmp_path / "a.h5").unlink(missing_ok=True)
    stream = read_scan(write(tmp_path / "a.mrd2", lines(kspace, sorted(chosen))))
    expected = read_scan(write_ismrmrd(tmp_path / "a.h5", kspace, sorted(chosen)))
    np.testing.assert_array_equal(stream.kspace, expected.kspace)
    np.testing.assert_array_equal(stream.sampled, expected.sampled)
    np.testing.assert_array_equal(stream.kspace[0][..., sorted(chosen)], kspace[..., sorted(chosen)])
    assert stream.geometry == expected.geometry


def test_noise_measurements_are_noise(tmp_path: Path) -> None:
    kspace, noise = draw((COILS, H, W), 0), draw((COILS, 50), 1)
    scan = read_scan(write(tmp_path / "a.mrd2", lines(kspace, range(W), noise)))
    np.testing.assert_allclose(scan.noise, noise, rtol=1e-6)


def test_the_content_tells_not_the_name(tmp_path: Path) -> None:
    kspace = draw((COILS, H, W), 0)
    np.testing.assert_array_equal(read_scan(write(tmp_path / "stdin", lines(kspace, range(W)))).kspace[0], kspace)


def test_the_header_can_be_handed_on(tmp_path: Path) -> None:
    stream = write(tmp_path / "a.mrd2", lines(draw((COILS, H, W), 0), range(W)))
    assert header_of(stream).subject_information.patient_id == "nobody"
    (tmp_path / "b.h5").write_bytes(b"something else")
    assert header_of(tmp_path / "b.h5") is None


def test_what_is_encoded_is_enough_of_a_header(tmp_path: Path) -> None:
    kspace = draw((COILS, H, W), 0)
    encoded = mrd.EncodingSpaceType(matrix_size=mrd.MatrixSizeType(x=H, y=W, z=1))
    head = mrd.Header(encoding=[mrd.EncodingType(encoded_space=encoded)])
    scan = read_scan(write(tmp_path / "a.mrd2", lines(kspace, range(W)), head))
    np.testing.assert_array_equal(scan.kspace[0], kspace)


def test_a_stream_without_a_header_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not say what was encoded"):
        read_scan(write(tmp_path / "a.mrd2", lines(draw((COILS, H, W), 0), range(W)), mrd.Header()))


def test_what_declares_more_than_it_holds_is_refused_before_there_is_room_for_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mrd2", lines(draw((COILS, H, W), 0), range(W)))
    content = path.read_bytes()
    shape = bytes([COILS, H])  # the first line's, as variable-length numbers
    place = content.rindex(shape + draw((COILS, H, W), 0)[:, :, 0].astype(np.complex64).tobytes())
    path.write_bytes(content[:place] + b"\xff\xff\xff\xff\x0f" + content[place + 1 :])
    with pytest.raises(InputError, match="damaged or cut short"):
        read_scan(path)


@given(place=st.integers(0), byte=st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_damage_is_refused_or_read(tmp_path: Path, place: int, byte: int) -> None:
    content = bytearray(write(tmp_path / "a.mrd2", lines(draw((COILS, H, W), 0), range(W))).read_bytes())
    start = len(content) - 3000  # behind the schema
    content[start + place % 3000] = byte
    (tmp_path / "b.mrd2").write_bytes(content)
    try:
        read_scan(tmp_path / "b.mrd2")
    except InputError:
        return


def test_a_stream_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mrd2", lines(draw((COILS, H, W), 0), range(W)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="can't be read as a stream of MRD 2"):
        read_scan(path)
