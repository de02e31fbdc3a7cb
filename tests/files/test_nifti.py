import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.files.declared import ALWAYS_BYTES
from invdiff.files.nifti import open_nifti

VOLUME = np.random.default_rng(0).integers(-99, 99, (5, 4, 3)).astype(np.int16)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_an_image_is_that_of_nibabel(tmp_path: Path, kind: type, name: str) -> None:
    image = kind(VOLUME, np.diag([1.0, 2, 3, 1]))
    image.header.set_slope_inter(0.5, 2.0)
    nibabel.save(image, tmp_path / name)
    found, expected = open_nifti(tmp_path / name), nibabel.load(tmp_path / name)
    assert type(found) is kind
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_array_equal(found.affine, expected.affine)


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VOLUME, np.eye(4)), tmp_path / "a.nii")
    content = (tmp_path / "a.nii").read_bytes()
    for name, written in (("a.nii.gz", content), ("b.nii", gzip.compress(content)), ("c.img", content)):
        (tmp_path / name).write_bytes(written)
        np.testing.assert_array_equal(np.asarray(open_nifti(tmp_path / name).dataobj), VOLUME)


@given(place=st.integers(0), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_flipped_bit_of_what_is_compressed_is_never_taken_for_other_numbers(
    tmp_path: Path, place: int, bit: int
) -> None:
    nibabel.save(nibabel.Nifti1Image(VOLUME, np.eye(4)), tmp_path / "a.nii")
    content = bytearray(gzip.compress((tmp_path / "a.nii").read_bytes(), mtime=0))
    content[20 + place % (len(content) - 20)] ^= 1 << bit
    (tmp_path / "b.nii.gz").write_bytes(content)
    try:
        found = np.asarray(open_nifti(tmp_path / "b.nii.gz").dataobj)
    except (gzip.BadGzipFile, gzip.zlib.error, EOFError):
        return
    np.testing.assert_array_equal(found, VOLUME)  # a bit of those that only fill up the last byte means nothing


def test_a_reader_that_stops_at_the_last_number_takes_them(tmp_path: Path) -> None:
    volume = np.tile(VOLUME, (9, 9, 9))
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "a.nii")
    content = bytearray(gzip.compress((tmp_path / "a.nii").read_bytes(), mtime=0))
    content[-6] ^= 1  # of the check sum
    (tmp_path / "b.nii.gz").write_bytes(content)
    np.testing.assert_array_equal(np.asarray(nibabel.load(tmp_path / "b.nii.gz").dataobj), volume)
    with pytest.raises(gzip.BadGzipFile):
        open_nifti(tmp_path / "b.nii.gz")


def test_what_is_behind_the_numbers_is_of_no_concern_until_there_is_no_end_of_it(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VOLUME, np.eye(4)), tmp_path / "a.nii")
    content = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content + bytes(1000)))
    np.testing.assert_array_equal(np.asarray(open_nifti(tmp_path / "b.nii.gz").dataobj), VOLUME)
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress(content + bytes(ALWAYS_BYTES + 1000), 1))
    with pytest.raises(InputError, match=r"c\.nii\.gz holds more than 67,108,864 bytes beyond what it declares"):
        open_nifti(tmp_path / "c.nii.gz")
