"""What is said of runs whose residual ends far from the noise."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.pictures.report import page_names
from invdiff.reconstruction import Course, Reconstruction, course_remarks, report_result
from invdiff.reconstruction.course_remarks import FAR, remarks
from tests.pictures.test_report import read

ENDS = st.lists(st.floats(1e-3, 1e3) | st.just(np.nan), min_size=1, max_size=12)


def course(ends: list[float], samples: int = 3) -> Course:
    """Of slices whose residuals fall from a hundred to these."""
    last = np.array(ends, np.float32)[:, None] * np.ones((1, samples), np.float32)
    falling = np.stack([np.full_like(last, 100), np.full_like(last, 10), last], axis=-1)
    return Course(np.ones((len(ends), 3), np.float32), falling / 100, falling)


@given(ENDS, st.sampled_from(["estimate", "samples"]))
def test_slices_far_from_the_noise_are_named(ends: list[float], of: str) -> None:
    slices = [10 + k for k in range(len(ends))]
    loud = [number for number, end in zip(slices, np.array(ends, np.float32), strict=True) if end > FAR]
    quiet = [number for number, end in zip(slices, np.array(ends, np.float32), strict=True) if end < 1 / FAR]
    expected = [loud, quiet] if of == "samples" else [loud]
    said = remarks({of: course(ends)}, slices)
    named = [[int(number) for number in re.findall(r"\d+", sentence.partition(":")[0])] for sentence in said]
    assert named == [numbers[:8] for numbers in expected if numbers]
    assert ["..." in sentence for sentence in said] == [len(numbers) > 8 for numbers in expected if numbers]
    if loud:
        assert f"ends at {np.nanmax(np.array(ends, np.float32)):.2g} times" in said[0]


def test_one_sample_that_went_astray_is_not_the_slice() -> None:
    one = course([1.0])
    one.residual[0, 2, -1] = 1e6
    assert remarks({"samples": one}, [0]) == []
    one.residual[0, 1, -1] = 1e6
    assert len(remarks({"samples": one}, [0])) == 1


def result(folder: Path, ends: list[float]) -> Path:
    images = np.ones((len(ends), 3, 6, 5), np.complex64)
    made = Reconstruction(
        images, images[:, 0], None, {"slice": np.arange(len(ends)) + 3.0}, courses={"samples": course(ends)}
    )
    made.write(folder / "reconstruction.h5")
    return folder / "reconstruction.h5"


def test_a_report_shows_the_course_and_warns(tmp_path: Path) -> None:
    path = result(tmp_path, [1.0, np.nan, 4.0])
    (sentence,) = course_remarks(path)
    assert sentence.startswith("slice 5: the residual of the samples ends at 4 times")
    report_result(path)
    reader = read(tmp_path / page_names(3)[0])
    assert sentence in [text for _, text in reader.texts]
    assert [one["aria-label"] for one in reader.of("svg")] == [
        "residual, over what noise would leave",
        "change of the estimate, over its norm",
        "noise level, in the prior's units",
    ]


@pytest.mark.parametrize("ends", [[1.0, 1.1], [np.nan]])
def test_a_good_course_is_no_warning_and_an_unknown_one_is_not_shown(tmp_path: Path, ends: list[float]) -> None:
    path = result(tmp_path, ends)
    if np.isnan(ends).any():
        with_nothing = Reconstruction.read(path)
        for part in ("sigma", "change", "residual"):
            getattr(with_nothing.courses["samples"], part)[:] = np.nan
        with_nothing.write(path)
    assert course_remarks(path) == []
    report_result(path)
    reader = read(tmp_path / "report.html")
    assert "Warnings" not in [text for _, text in reader.texts]
    assert len(reader.of("svg")) == (0 if np.isnan(ends).any() else 3)
