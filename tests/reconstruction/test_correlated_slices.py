"""What a study draws of neighbouring slices differs little by little."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.methods import METHODS, OF_VOLUMES, find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Recipe, Study, scan_cases

SHAPE = (12, 12)
ONE = simulate(shepp_logan(SHAPE), coils=2, mask=equispaced(SHAPE, 2, 4), noise_std=0.02)
SCAN = ONE.select([0] * 5)
CASES = scan_cases(SCAN, "sense")
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))


def change(folder: Path, settings: dict[str, str]) -> float:
    """From slice to slice, of a sample of data that are the same in all: 1 where slices are independent."""
    study = Study(PRIOR, None, Recipe(find_method("fast"), {"steps": "3", **settings}, 2), held_back=0.0)
    outcome = study(CASES, folder)
    assert outcome.path is not None
    with h5py.File(outcome.path) as file:
        samples = file["samples"][()]
        assert f"correlated_slices={settings.get('correlated_slices', 4)}" in file.attrs["sampler"]
    between = samples[:, 0] - samples[:, 1]
    return float((np.abs(np.diff(between, axis=0)) ** 2).mean() / (2 * (np.abs(between) ** 2).mean()))


def test_slices_of_a_file_share_noise_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    assert change(tmp_path / "default", {}) == pytest.approx(1 - np.cos(np.pi / 8), rel=0.3)
    assert change(tmp_path / "apart", {"correlated_slices": "1"}) == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize("name", METHODS)
def test_it_is_so_for_every_method(name: str) -> None:
    assert OF_VOLUMES.keys() == {"correlated_slices"}
    stage = Recipe(find_method(name)).stage(CASES, PRIOR, 0, None)
    assert stage.drawing.sampler.correlated_slices == int(OF_VOLUMES["correlated_slices"])
