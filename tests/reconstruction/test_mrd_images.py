"""Results as streams of MRD 2: where images lie goes with them."""

import io
from pathlib import Path

import h5py
import mrd
import numpy as np

from invdiff.data.series import SINGLE, Series
from invdiff.reconstruction.mrd_images import write_mrd_images

IMAGES = (np.arange(24).reshape(2, 4, 3) * (1 + 1j)).astype(np.complex64)


def images_of(path: Path, series: Series = SINGLE) -> list[mrd.Image]:
    stream = io.BytesIO()
    write_mrd_images(stream, [(path, series)])
    with mrd.BinaryMrdReader(io.BytesIO(stream.getvalue())) as reader:
        reader.read_header()
        return [item.value for item in reader.read_data()]


def test_images_say_where_they_lie(tmp_path: Path) -> None:
    directions = np.stack([np.eye(3), np.eye(3)[[1, 2, 0]]])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"], file["slice"] = IMAGES, [3, 7]
        file["position_mm"], file["directions"] = [[1.0, 2, 3], [4, 5, 6]], directions
        file.attrs.update({"field_of_view_mm": [200.0, 150.0], "slice_thickness_mm": 4.0, "method": "estimate"})
    first, second = images_of(tmp_path / "a.h5")
    np.testing.assert_array_equal(second.data[0, 0], IMAGES[1].T)
    assert (first.head.slice, second.head.slice) == (3, 7)
    for k, image in enumerate((first, second)):
        np.testing.assert_array_equal(image.head.field_of_view, [200, 150, 4])
        np.testing.assert_array_equal(image.head.position, [[1, 2, 3], [4, 5, 6]][k])
        for name, expected in zip(("col_dir", "line_dir", "slice_dir"), directions[k], strict=True):
            np.testing.assert_array_equal(getattr(image.head, name), expected)


def test_what_is_not_known_is_zero(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"], file["std"] = IMAGES, np.ones((2, 4, 3), np.float32)
    *images, first, second = images_of(tmp_path / "a.h5")
    assert [image.head.image_series_index for image in (*images, first, second)] == [0, 0, 1, 1]
    assert not first.head.field_of_view.any()
    assert first.data.dtype == np.float32


def test_images_say_of_which_measurement_they_are(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = IMAGES
    for image in images_of(tmp_path / "a.h5", Series(contrast=1, repetition=0)):
        assert (image.head.contrast, image.head.repetition, image.head.phase) == (1, 0, None)
