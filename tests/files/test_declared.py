import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.files.declared import ALWAYS_BYTES, HIGHEST_COMPRESSION, check_declared

SHAPES = st.lists(st.integers(0, 2**40), max_size=5)


@given(SHAPES, st.integers(1, 16), st.integers(0, 2**50))
def test_what_is_refused_is_more_than_the_file_and_deflate_can_hold(shape: list[int], size: int, held: int) -> None:
    declared = size
    for side in shape:
        declared *= side
    try:
        check_declared("x", shape, size, held)
    except InputError:
        assert declared > ALWAYS_BYTES
        assert declared > HIGHEST_COMPRESSION * held
    else:
        assert declared <= max(ALWAYS_BYTES, HIGHEST_COMPRESSION * held)


def test_nothing_is_compressed_further() -> None:
    for count in (10**5, 10**7):
        assert count <= HIGHEST_COMPRESSION * len(zlib.compress(bytes(count), 9))
    assert len(gzip.compress(bytes(10**7), 9)) * HIGHEST_COMPRESSION < 1.1e7  # and nearly so far


def test_sides_are_not_negative() -> None:
    with pytest.raises(InputError, match=r"x declares the shape \(-4, 4\)"):
        check_declared("x", (-4, 4), 4, 1000)
