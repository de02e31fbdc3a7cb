"""What a user asks for, and what is refused."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from invdiff.data.formats import offered
from invdiff.errors import InputError
from invdiff.reconstruction import WrittenResult
from invdiff.reconstruction.writers import WRITERS, WayOut, Writer, ways_out, writer, writers
from tests.reconstruction.writers.results import marked, written


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("nifti", "nifti", None),
        ("out.nii.gz", "nifti", "out.nii.gz"),
        ("OUT.NII", "nifti", "OUT.NII"),
        ("nifti=out.nii", "nifti", "out.nii"),
        ("./nifti.png", "png", "nifti.png"),
        ("new/", "dicom", "new"),
        ("there", "dicom", "there"),
        ("dicom=new", "dicom", "new"),
        ("a=b.npy", "npy", "a=b.npy"),
        ("dicom=a=b", "dicom", "a=b"),
        ("samples.zarr", "zarr", "samples.zarr"),
        ("std.dcm", "parametric-map", "std.dcm"),
        ("knee.h5", "fastmri", "knee.h5"),
        ("head.cfl", "bart", "head.cfl"),
    ],
)
def test_formats_are_told_by_name_or_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str, path: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(writer, "find_spec", lambda module: object())
    (tmp_path / "there").mkdir()
    found = WayOut.named(text)
    assert (found.writer.name, found.path) == (name, None if path is None else Path(path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nfti", r"no way out for 'nfti': .* did you mean nifti"),
        ("out.ni.gz", r"did you mean .*\.nii"),
        ("out.mnc", r"there are nifti, dicom, parametric-map, .* files of \.nii\.gz, .* folders of DICOM"),
        ("nifti=out.png", r"out\.png: NIfTI is written to \.nii\.gz or \.nii files"),
        ("", "no way out for ''"),
        ("dicom=", "no way out for 'dicom='"),
    ],
)
def test_what_is_none_is_refused_with_what_is_near(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        WayOut.named(text)


@pytest.mark.parametrize("one", [one for one in WRITERS if one.needs], ids=lambda one: one.name)
def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, one: Writer) -> None:
    monkeypatch.setattr(writer, "find_spec", lambda module: None)
    with pytest.raises(InputError, match=r"install it: pip install 'invdiff\[(formats|export)\]'"):
        WayOut.named(one.name)


def test_rows_of_the_table_are_told_apart() -> None:
    assert len({one.name for one in WRITERS}) == len(WRITERS)
    suffixes = [suffix for one in WRITERS for suffix in one.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert len({one.usual for one in WRITERS}) == len(WRITERS)
    for one in WRITERS:
        assert one.names(Path(one.usual)) == bool(one.suffixes)


def test_other_results_stay_where_they_are(tmp_path: Path) -> None:
    first, second = marked(0), marked(1)
    written(first, tmp_path)
    way = WayOut.named(str(tmp_path / "out.npy"))
    way.export(tmp_path / "reconstruction.h5")
    written(second, tmp_path)
    with pytest.raises(InputError, match=r"out\.npy is there, and holds something else.*--force"):
        way.export(tmp_path / "reconstruction.h5")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), first.result.image)
    replace(way, replaces=True).export(tmp_path / "reconstruction.h5")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), second.result.image)


def test_the_result_itself_is_never_replaced(tmp_path: Path) -> None:
    path = written(marked(), tmp_path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="is the result itself"):
        replace(WayOut.named(str(path)), replaces=True).export(path)
    assert path.read_bytes() == before


def test_results_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("text")
    for name, words in (("nowhere.h5", "does not exist"), ("text.h5", "can't be read as HDF5")):
        with pytest.raises(InputError, match=words):
            WayOut.named("npy").export(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["text.h5"]


def shouts(result: WrittenResult, path: Path) -> tuple[str, ...]:
    path.write_text("!" * result.shape[0])
    return ("LOUD",)


SHOUT = Writer("shout", "Shouting", (".txt",), "loud.txt", shouts)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A package is installed whose entry point has this value."""

    def install(value: str) -> None:
        monkeypatch.setattr(offered, "entry_points", lambda group: (EntryPoint("own", value, group),))
        writers.cache_clear()

    yield install
    writers.cache_clear()


def test_a_writer_of_ones_own_is_one_function_and_one_entry_point(tmp_path: Path, own: Callable[[str], None]) -> None:
    path = written(marked(), tmp_path)
    with pytest.raises(InputError, match="no way out"):
        WayOut.named("shout")
    own(f"{__name__}:SHOUT")
    exported = WayOut.named("shout").export(path)
    assert (exported.files, exported.remarks) == ((tmp_path / "loud.txt",), ("LOUD",))
    assert (tmp_path / "loud.txt").read_text() == "!!!"
    assert WayOut.named("a.txt").writer is not None


def test_an_entry_point_of_something_else_is_refused(own: Callable[[str], None]) -> None:
    own(f"{__name__}:shouts")
    with pytest.raises(InputError, match="it must be a Writer"):
        WayOut.named("nifti")


def test_another_result_is_no_way_out() -> None:
    with pytest.raises(InputError, match=r"b/reconstruction\.h5 has the name of a result"):
        ways_out(["png", "b/reconstruction.h5"])
