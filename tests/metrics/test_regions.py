from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.metrics import Annotation, read_annotations

HEADER = "file,slice,study_level,x,y,width,height,label\n"


@given(st.integers(0, 19), st.integers(0, 29), st.integers(1, 30), st.integers(1, 30))
def test_y_counts_in_the_image_flipped_up_and_down(x: int, y: int, width: int, height: int) -> None:
    image = np.arange(30 * 20).reshape(30, 20)
    flipped = image[::-1]  # as it was annotated
    box = Annotation("a", 0, x, y, width, height, "").box(image.shape)
    np.testing.assert_array_equal(image[box], flipped[y : y + height, x : x + width][::-1])


def test_what_reaches_over_an_edge_is_cut_off() -> None:
    assert Annotation("a", 0, -2, -1, 5, 4, "").box((30, 20)) == (slice(27, 30), slice(0, 3))
    assert Annotation("a", 0, 18, 28, 9, 9, "").box((30, 20)) == (slice(0, 2), slice(18, 20))


def test_a_side_of_zero_is_one_pixel() -> None:
    assert Annotation("a", 0, 3, 4, 0, 0, "").box((30, 20)) == (slice(25, 26), slice(3, 4))


@pytest.mark.parametrize(("x", "y"), [(20, 0), (0, 30), (-6, 0), (0, -6)])
def test_what_lies_outside_is_refused(x: int, y: int) -> None:
    with pytest.raises(InputError, match=r"'tear' of file1, slice 3 .* lies outside the image of 30 x 20"):
        Annotation("file1", 3, x, y, 5, 5, "tear").box((30, 20))


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "knee.csv"
    path.write_text(
        "\ufeff" + HEADER + "file1000001,14,No,90,173,35,10,Cartilage - loss\n"
        "file1000002,9,No,86,-1,169,99,Joint Effusion \n"
        "file1000002,9,No,86,-1,169,99,Joint Effusion \n"
        'file1000003,0,Yes,,,,,"Normal, for age"\n',
        encoding="utf-8",
    )
    assert read_annotations(path) == [
        Annotation("file1000001", 14, 90, 173, 35, 10, "Cartilage - loss"),
        Annotation("file1000002", 9, 86, -1, 169, 99, "Joint Effusion"),
    ]
    assert read_annotations(path)[0].extent == "90 173 35 10"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"file,slice,x\n", "lacks the column.s. study_level, y, width, height, label"),
        (b"", "lacks the column"),
        (HEADER.encode() + b"a,1,No,1,2,3,4,b\na,1,No,1,two,3,4,b\n", "line 3: .* must be integers"),
        (HEADER.encode() + b"a,1,No,1,2\n", "line 2: .* must be integers"),
        (HEADER.encode() + b"a,-1,No,1,2,3,4,b\n", "zero or more"),
        (HEADER.encode() + b"\xff\xfe", "can't be read"),
    ],
)
def test_broken_tables(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_annotations(tmp_path / "a.csv")


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv can't be read"):
        read_annotations(tmp_path / "none.csv")
