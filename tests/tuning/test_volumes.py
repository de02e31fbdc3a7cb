"""Searches over methods that reconstruct slices as volumes."""

import numpy as np
import torch

from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.methods import find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Measurement, find_kind
from invdiff.tuning import Range, Space, Validation, find_objective

SIDE = 12
SETTINGS = {"steps": "2", "signal": "alternating-planes(two)"}


def test_slabs_are_tried_as_they_are_scored() -> None:
    images = np.linspace(1, 0.8, SIDE)[:, None, None] * shepp_logan((SIDE, SIDE))
    scan = simulate(images, coils=2, mask=equispaced((SIDE, SIDE), 2, 4), noise_std=0.02)
    prior = GaussianPrior(torch.zeros(2, SIDE, SIDE), 0.04 * torch.ones(2, SIDE, SIDE))
    measurements = [Measurement(scan, find_kind("sense"))]
    search = Validation(find_method("fast"), measurements, find_objective("psnr"), prior, SETTINGS)
    search.check(Space([Range("eta", 0, 1)]))
    assert search({"eta": 0.5}) > 10
