from pathlib import Path

import pytest
from pydantic import ValidationError

from invdiff.errors import InputError
from invdiff.training import NiftiImages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Names alone: which files are taken is decided before any is read."""
    for name in (
        *(f"sub-{n}/ses-{k}/anat/sub-{n}_ses-{k}_T1w.nii.gz" for n in (1, 2, 3) for k in (1, 2)),
        "derivatives/fast/sub-1/anat/sub-1_T1w.nii.gz",
        *(f"site/person{n}/scan{k}/volume.nii" for n in (1, 2, 3) for k in (1, 2)),
        *(f"flat/IXI{n}-Guys-{k}-T1.nii.gz" for n in (1, 2, 3) for k in (10, 20)),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("fields", "count", "subjects"),
    [
        ({"pattern": "sub-*/ses-*/anat/*_T1w.nii.gz"}, 6, {"sub-1", "sub-2", "sub-3"}),
        ({"pattern": "**/*_T1w.nii.gz"}, 6, {"sub-1", "sub-2", "sub-3"}),
        ({"pattern": "derivatives/*/sub-*/anat/*"}, 1, {"sub-1"}),
        ({"pattern": "site/*/*/volume.nii"}, 6, {"person1", "person2", "person3"}),
        ({"pattern": "flat/*-T1.nii.gz"}, 6, {"IXI1", "IXI2", "IXI3"}),
        ({"pattern": "*/*/*/volume.nii", "subjects": r"person(\d)"}, 6, {"1", "2", "3"}),
        ({"pattern": "*/*/*/volume.nii"}, 6, {"site"}),  # what joins people is safe; what parts one is not
        ({"contrasts": ["t1w"]}, 6, {"sub-1", "sub-2", "sub-3"}),
    ],
)
def test_files_and_their_subjects(folder: Path, fields: dict, count: int, subjects: set[str]) -> None:
    source = NiftiImages(path=folder, **fields)
    assert len(source.files()) == count
    assert {source.subject(file) for file in source.files()} == subjects


def test_a_pattern_that_finds_nothing_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"none that the pattern sub-\*/\*_T9w\.nii finds"):
        NiftiImages(path=folder, pattern="sub-*/*_T9w.nii").read("train")


def test_a_file_without_a_subject_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"volume\.nii has no subject that the expression subjects, 'patient"):
        NiftiImages(path=folder, pattern="site/**/*.nii", subjects=r"patient\d").read("train")


@pytest.mark.parametrize("pattern", ["../*.nii", "/etc/*", "", ".", "a**/x.nii"])
def test_patterns_that_lead_elsewhere_are_refused(folder: Path, pattern: str) -> None:
    with pytest.raises((InputError, ValidationError), match="no pattern of files below path"):
        NiftiImages(path=folder, pattern=pattern)


@pytest.mark.parametrize("expression", ["(", "(?P<", "a{99999999999}"])
def test_expressions_that_are_none_are_refused(folder: Path, expression: str) -> None:
    with pytest.raises((InputError, ValidationError), match="no regular expression"):
        NiftiImages(path=folder, subjects=expression)
