"""Commands that write one file make the folder that it goes to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.reconstruction.writers.results import marked, written

Run = Callable[..., Any]


def test_a_file_in_a_new_folder(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", np.ones((16, 16)))
    result = written(marked(), tmp_path)
    for made, command in {
        "d/regions.csv": ["regions", result, "--region", "a=0:2,0:2", "--out"],
        "e/f/out.npy": ["export", result],
        "a/b/scan.h5": ["simulate", tmp_path / "image.npy", "--out"],
        "c/prior.pt": ["convert", folder / "prior.safetensors"],
    }.items():
        ran = invdiff(*command, tmp_path / made)
        assert ran.code == 0, ran.err
        assert (tmp_path / made).is_file()


def test_a_folder_that_can_t_be_made_is_named(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = invdiff("convert", folder / "prior.safetensors", tmp_path / "file" / "prior.pt")
    assert ran.code == 2
    assert str(tmp_path / "file") in ran.err
