"""Three-dimensional k-space that a header declares and no file holds is refused before there is memory for it."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.data import read_scan
from invdiff.data.formats import open_scan
from invdiff.errors import InputError


@pytest.mark.parametrize("read", [read_scan, open_scan])
def test_a_header_of_bart_that_declares_more_than_its_file(tmp_path: Path, read: Callable[..., Any]) -> None:
    (tmp_path / "a.cfl").write_bytes(np.ones(96, np.complex64).tobytes())
    (tmp_path / "a.hdr").write_text("# Dimensions\n8 6 2\n")
    assert read(tmp_path / "a.cfl").slices == 8
    (tmp_path / "a.hdr").write_text("# Dimensions\n8 6 9999999\n")
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a\.cfl has 768 bytes, but its header promises 8 x 6 x 9999999 x"):
        read(tmp_path / "a.cfl")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
