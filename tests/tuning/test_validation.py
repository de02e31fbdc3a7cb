import json
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from invdiff.data import Picture, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import TwoChannel
from invdiff.errors import InputError
from invdiff.methods import fast, find_method
from invdiff.metrics import psnr
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Assumptions, Measurement, find_kind, reconstruct
from invdiff.tuning import Range, Space, Validation, find_objective

SHAPE = (20, 16)
MASK = equispaced(SHAPE, 2, 6)
PHANTOM = shepp_logan(SHAPE)
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
SCANS = [
    simulate(image, coils=2, mask=MASK, noise_std=0.02, seed=i, name=f"{i}.h5")
    for i, image in enumerate((PHANTOM, PHANTOM[::-1].copy()))
]
SENSE = find_kind("sense")
MEASUREMENTS = [Measurement(scan, SENSE) for scan in SCANS]
QUICK = {"steps": "3", "signal": "two"}


def validation(**changes: Any) -> Validation:
    parts = {"method": find_method("fast"), "measurements": MEASUREMENTS, "objective": find_objective("psnr")}
    return Validation(**({**parts, "prior": PRIOR, "settings": QUICK, "seed": 3} | changes))


def test_the_score_is_the_mean_over_the_scans() -> None:
    sampler = fast(steps=3, noise_floor=0.01, signal=TwoChannel())
    expected = []
    for measurement in MEASUREMENTS:
        mean = reconstruct(measurement.cases(), sampler, PRIOR, samples=2, seed=3).mean
        expected.append(psnr(measurement.measured.ground_truth, mean))
    assert validation(samples=2)({"noise_floor": 0.01}) == pytest.approx(np.mean(expected), abs=1e-9)
    assert validation(samples=1)({"noise_floor": 0.01}) != pytest.approx(np.mean(expected), abs=1e-9)


def test_it_travels_to_other_processes() -> None:
    original = validation()
    assert pickle.loads(pickle.dumps(original))({"noise_floor": 0.01}) == original({"noise_floor": 0.01})


def test_holdout_shows_less() -> None:
    held = validation(objective=find_objective("held-back"))
    assert all(cases.measured.sampled.sum() < MASK.sum() for cases in held.shown)
    assert held({"noise_floor": 0.0}) > 1  # noise alone would leave one
    assert held({"eta": 0.0}) != held({"eta": 1.0})


def test_the_record_tells_searches_apart() -> None:
    record = validation().record
    assert json.loads(json.dumps(record)) == record
    assert validation().record == record
    louder = replace(SCANS[0], kspace=2 * SCANS[0].kspace, mask=MASK)
    fewer = replace(MEASUREMENTS[0], mask=equispaced(SHAPE, 4, 6))
    others = [
        validation(measurements=[replace(MEASUREMENTS[0], measured=louder), MEASUREMENTS[1]]),
        validation(measurements=[fewer, MEASUREMENTS[1]]),
        validation(measurements=[replace(MEASUREMENTS[0], assumed=Assumptions(noise_std=0.1)), MEASUREMENTS[1]]),
        validation(samples=2),
        validation(settings={**QUICK, "eta": "0.5"}),
        validation(method=find_method("dds")),
        validation(prior=GaussianPrior(torch.zeros(2, *SHAPE), 0.05 * torch.ones(2, *SHAPE))),
    ]
    assert [other for other in others if other.record == record] == []


def test_refusals_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def computed(*_: object) -> None:
        pytest.fail("the network was called")

    monkeypatch.setattr(GaussianPrior, "denoise", computed)
    with pytest.raises(InputError, match="at least one measurement"):
        validation(measurements=[])
    with pytest.raises(InputError, match=r"0\.h5 has no ground truth"):
        validation(measurements=[Measurement(replace(SCANS[0], ground_truth=None, mask=MASK), SENSE)])
    image = np.ones((1, 6, 6), np.float32)
    tiny = Picture(image, noise_std=0.1, ground_truth=image)
    with pytest.raises(InputError, match="window of 7 x 7"):
        validation(measurements=[Measurement(tiny, find_kind("denoise"))], objective=find_objective("ssim"))
    with pytest.raises(InputError, match="steps is both searched and set to 3"):
        validation().check(Space([Range("steps", 1, 5, integer=True)]))
    with pytest.raises(InputError, match="from 0 to 1"):
        validation().check(Space([Range("eta", 0.5, 1.5)]))
    with pytest.raises(InputError, match="number of noise levels"):
        validation(settings={"signal": "two"}).check(Space([Range("steps", 0, 5, integer=True)]))
    with pytest.raises(InputError, match=r"this prior takes"):
        validation(settings={"signal": "split"}).check(Space([Range("eta", 0, 1)]))
    validation().check(Space([Range("eta", 0, 1), Range("noise_floor", 0, 0.1)]))
