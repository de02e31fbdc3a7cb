from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.data import Scan, read_scan, shepp_logan, write_scan
from invdiff.data.geometry import Geometry
from invdiff.data.masks import equispaced, random_lines
from invdiff.errors import InputError
from invdiff.evaluation import Simulation, find_subjects

SIMULATION = Simulation(coils=3, noise_std=0.01)
SHAPE = (24, 20)
PHANTOM = np.abs(shepp_logan(SHAPE))


def test_a_folder(scans: Path) -> None:
    a, b, c = find_subjects(scans, SIMULATION)
    assert [(s.name, s.stem, s.slices, s.kspace_shape) for s in (a, b, c)] == [
        ("a.h5", "a", (0, 1), (3, 24, 20)),
        ("b.h5", "b", (0, 1), (3, 24, 20)),
        ("c.npy", "c", (0,), (3, 24, 20)),
    ]
    assert (a.source, a.target, a.has_maps) == ("measured", None, False)
    assert (c.target, c.has_maps) == ("simulated image", True)
    assert c.source == "simulated from an image: 3 coils, noise 0.01"
    np.testing.assert_array_equal(a.scan().kspace, read_scan(scans / "a.h5").kspace)
    np.testing.assert_allclose(np.abs(c.scan().ground_truth[0]), PHANTOM / PHANTOM.max(), atol=1e-6)


def test_one_file_and_its_slices(scans: Path) -> None:
    (subject,) = find_subjects(scans / "a.h5", SIMULATION, slices=[-1])
    assert subject.slices == (1,)
    np.testing.assert_array_equal(subject.scan().kspace, read_scan(scans / "a.h5").kspace[1:])


def test_the_package_brings_one() -> None:
    (subject,) = find_subjects(None, SIMULATION)
    assert subject.kspace_shape == (16, 128, 128)
    assert subject.field_of_view == (128, 128)


def test_what_fastmri_cuts_out_is_scored(scans: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes((scans / "a.h5").read_bytes())
    with h5py.File(path, "a") as file:
        file["reconstruction_rss"] = np.ones((2, 12, 20), np.float32)
    assert find_subjects(path, SIMULATION)[0].field_of_view == (12, 20)


def test_bad_files_show_early_or_are_left_out(scans: Path, tmp_path: Path) -> None:
    for name in ("a.h5", "c.npy"):
        (tmp_path / name).write_bytes((scans / name).read_bytes())
    (tmp_path / "b.h5").write_bytes((scans / "a.h5").read_bytes()[:3000])
    with pytest.raises(InputError, match=r"b\.h5 can't be read"):
        find_subjects(tmp_path, SIMULATION)
    bad: list[InputError] = []
    assert [s.name for s in find_subjects(tmp_path, SIMULATION, bad=bad.append)] == ["a.h5", "c.npy"]
    assert len(bad) == 1
    (tmp_path / "a.h5").unlink()
    (tmp_path / "c.npy").unlink()
    with pytest.raises(InputError, match="None of the files"):
        find_subjects(tmp_path, SIMULATION, bad=bad.append)


@pytest.mark.parametrize("mask", [random_lines(SHAPE, 2), equispaced(SHAPE, 2, 8), equispaced(SHAPE, 20, 8, 9)])
def test_undersampled_scans_have_no_truth(scans: Path, tmp_path: Path, mask: np.ndarray) -> None:
    scan = replace(read_scan(scans / "a.h5").undersample(mask), name="a.h5")
    write_scan(scan, tmp_path / "a.h5")
    with pytest.raises(InputError, match=r"a\.h5 is undersampled .acceleration .*give fully sampled scans"):
        find_subjects(tmp_path, SIMULATION)


def test_empty_slices_are_refused(tmp_path: Path) -> None:
    kspace = np.stack([np.ones((1, 24, 20)), np.zeros((1, 24, 20))]) + 0j
    write_scan(Scan(kspace), tmp_path / "a.h5")
    with pytest.raises(InputError, match=r"a\.h5: slice 1 is zero everywhere"):
        find_subjects(tmp_path, SIMULATION)
    assert len(find_subjects(tmp_path, SIMULATION, slices=[0])) == 1


def test_places_without_scans(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty; give one"):
        find_subjects(tmp_path, SIMULATION)
    (tmp_path / "notes.txt").write_text("not a scan")
    with pytest.raises(InputError, match=r"1 file\(s\) are of other kinds"):
        find_subjects(tmp_path, SIMULATION)
    with pytest.raises(InputError, match="does not exist"):
        find_subjects(tmp_path / "nowhere", SIMULATION)
    with pytest.raises(InputError, match=r"a\.h5 has slices 0 to 1; asked for \[7\]"):
        find_subjects(scans, SIMULATION, slices=[7])


def test_a_reconstruction_of_nothing_cuts_nothing_out(scans: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes((scans / "a.h5").read_bytes())
    with h5py.File(path, "a") as file:
        file["reconstruction_rss"] = np.ones((2, 0, 20), np.float32)
    assert find_subjects(path, SIMULATION)[0].field_of_view == SHAPE


def test_the_recon_field_of_view_is_scored_whatever_its_matrix(scans: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    geometry = Geometry(SHAPE, (48.0, 20.0), recon_field_of_view=(24.0, 20.0), recon_matrix=(24, 40))
    write_scan(replace(read_scan(scans / "a.h5"), geometry=geometry), path)
    (subject,) = find_subjects(path, SIMULATION)
    assert subject.field_of_view == (12, 20)
    assert "interpolated" in subject.remarks[0]
