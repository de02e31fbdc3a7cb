from pathlib import Path

import nibabel
import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.training import BidsImages
from invdiff.training.sources.folders import FolderSource

Y, X = np.mgrid[-1:1:16j, -1:1:18j]
HEAD = np.exp(-(X**2 + Y**2))[..., None] * np.linspace(0.5, 1, 4)


def write(path: Path, brightness: float) -> None:
    """A head of four slices, so bright."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image((brightness * HEAD).astype(np.float32), np.eye(4)), path)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six subjects of two sessions, T1w and T2w, a mask, a BOLD and a derivative of each."""
    root = tmp_path_factory.mktemp("bids")
    for number in range(1, 7):
        subject = f"sub-{number:02}"
        for session in ("before", "after"):
            stem = f"{subject}_ses-{session}"
            folder = root / subject / f"ses-{session}"
            for suffix in ("T1w", "T2w", "mask"):
                write(folder / "anat" / f"{stem}_{suffix}.nii.gz", number)
            write(folder / "func" / f"{stem}_task-rest_bold.nii.gz", number)
        write(root / "derivatives" / "stripped" / subject / "anat" / f"{subject}_desc-brain_T1w.nii", number)
    return root


def subjects(source: FolderSource, split: str) -> set[str]:
    return {source.subject(volume.path) for volume in source.volumes(split)}


def test_raw_anatomy_of_all_sessions_is_taken_and_nothing_else(dataset: Path) -> None:
    files = [file.relative_to(dataset) for file in BidsImages(path=dataset).files()]
    assert len(files) == 6 * 2 * 2
    assert {file.parts[2] for file in files} == {"anat"}
    assert {file.name.rpartition("_")[2] for file in files} == {"T1w.nii.gz", "T2w.nii.gz"}
    t1 = BidsImages(path=dataset, contrasts=["T1w"], sessions=["after"]).files()
    assert [file.name for file in t1] == [f"sub-{n:02}_ses-after_T1w.nii.gz" for n in range(1, 7)]


def test_derivatives_are_taken_where_they_are_named(dataset: Path) -> None:
    source = BidsImages(path=dataset, contrasts=["T1w"], derivatives=["stripped"])
    assert len(source.files()) == 6 * 2 + 6
    assert sum("derivatives" in file.parts for file in source.files()) == 6


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.9])
def test_no_subject_is_in_two_splits(dataset: Path, fraction: float) -> None:
    source = BidsImages(path=dataset, derivatives=["stripped"], val_fraction=fraction)
    train, val = subjects(source, "train"), subjects(source, "val")
    assert train
    assert val
    assert not train & val
    assert len(train | val) == 6


def test_a_split_by_files_would_be_found(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BidsImages, "subject", FolderSource.subject)
    source = BidsImages(path=dataset, val_fraction=0.5)
    people = [{file.path.name[:6] for file in source.volumes(split)} for split in ("train", "val")]
    assert people[0] & people[1]


def test_slices_are_the_same_from_memory_and_from_the_file(dataset: Path) -> None:
    kept = BidsImages(path=dataset, contrasts=["T1w"], least_content=0).read("val")
    with pytest.warns(UserWarning, match="do not fit into memory_gb"):
        read = BidsImages(path=dataset, contrasts=["T1w"], least_content=0, memory_gb=0).read("val")
    assert len(kept) == len(read) == 2 * 4
    np.testing.assert_allclose(np.stack(list(read)), np.stack(list(kept)), atol=1e-3)
    assert kept[0].shape == (18, 16)  # anterior at the top


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sessions": ["later"]}, r"no session later; its sessions are after, before"),
        ({"contrasts": ["T2star"]}, r"no T2star; its contrasts are T1w, T2w, mask"),
        ({"derivatives": ["fmriprep"]}, "no folder derivatives/fmriprep"),
        ({"derivatives": ["../.."]}, r"no folder derivatives/\.\./\.\."),
    ],
)
def test_what_is_not_there_is_named_beside_what_is(dataset: Path, fields: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        BidsImages(path=dataset, **fields).read("train")


def test_a_folder_that_is_no_bids_data_set_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "one" / "one_T1w.nii.gz", 1)
    with pytest.raises(InputError, match=r"holds no NIfTI in sub-\*/anat"):
        BidsImages(path=tmp_path).read("train")
    with pytest.raises(InputError, match="is no folder"):
        BidsImages(path=tmp_path / "missing").read("train")
