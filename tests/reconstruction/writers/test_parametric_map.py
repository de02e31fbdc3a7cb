"""The standard deviation as a parametric map, read by highdicom."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from invdiff.errors import InputError
from invdiff.reconstruction.writers import WayOut
from tests.reconstruction.writers.results import marked, written

highdicom = pytest.importorskip("highdicom")


def test_its_numbers_lie_where_the_image_does(tmp_path: Path) -> None:
    one = marked(4)
    path = written(one, tmp_path)
    WayOut.named(f"dicom={tmp_path / 'out'}").export(path)
    first = WayOut.named(str(tmp_path / "std.dcm")).export(path)
    assert WayOut.named(str(tmp_path / "std.dcm")).export(path) == first  # byte for byte
    image = pydicom.dcmread(tmp_path / "out" / "0007.dcm")
    found = highdicom.imread(tmp_path / "std.dcm")
    assert found.SeriesInstanceUID != image.SeriesInstanceUID
    for name in ("StudyInstanceUID", "FrameOfReferenceUID"):
        assert found[name].value == image[name].value
    volume = found.get_volume()
    voxel = one.voxel
    assert one.result.magnitude_std is not None
    np.testing.assert_allclose(volume.array[..., :].sum(), one.result.magnitude_std.sum(), rtol=1e-4)
    index = np.linalg.solve(volume.affine, [*one.place, 1])[:3].round().astype(int)
    assert volume.array[tuple(index)] == pytest.approx(one.result.magnitude_std[voxel], rel=1e-6)
    np.testing.assert_allclose((volume.affine @ [*index, 1])[:3], one.place, atol=1e-3)


def test_without_samples_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no two samples of a slice"):
        WayOut.named("parametric-map").export(written(marked(samples=1), tmp_path))
