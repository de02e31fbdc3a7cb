"""A choice among methods, some of which reconstruct slices as volumes: judged by slices that follow each other."""

from pathlib import Path

import h5py
import numpy as np
import torch

from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.methods import find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Choice, Recipe, Study, scan_cases
from invdiff.reconstruction.audit import Ranking

SHAPE, COUNT = (16, 20), 5
IMAGES = np.linspace(1, 0.8, COUNT)[:, None, None] * shepp_logan(SHAPE)
CASES = scan_cases(simulate(IMAGES, coils=2, mask=equispaced(SHAPE, 2, 4), noise_std=0.02), "sense")
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
VOLUMES = {"steps": "2", "signal": "alternating-planes(two, (-3, -3))"}


def test_volumes_are_ranked_beside_slices(tmp_path: Path) -> None:
    recipes = {"fast": VOLUMES, "dds": {"steps": "2"}}
    studies = {name: Study(PRIOR, None, Recipe(find_method(name), its, 1)) for name, its in recipes.items()}
    Choice(studies)(CASES, tmp_path)
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        ranking = Ranking.from_json(file.attrs["ranking"])
        assert file["samples"].shape == (COUNT, 1, *SHAPE)
    assert {one.name for one in ranking.scores} == set(recipes)
    assert not ranking.failures
