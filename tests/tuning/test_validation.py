import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from invdiff.data import Picture, Scan, birdcage_maps, shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced
from invdiff.diffusion import TwoChannel
from invdiff.errors import InputError
from invdiff.methods import fast, find_method
from invdiff.metrics import psnr
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import reconstruct, sample_cases
from invdiff.tuning import (
    Measurement,
    Range,
    Space,
    Validation,
    find_files,
    find_objective,
    read_measurement,
    sample_measurement,
)

SHAPE = (20, 16)
MASK = equispaced(SHAPE, 2, 6)
PHANTOM = shepp_logan(SHAPE)
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
SCANS = [
    simulate(image, coils=2, mask=MASK, noise_std=0.02, seed=i, name=f"{i}.h5")
    for i, image in enumerate((PHANTOM, PHANTOM[::-1].copy()))
]
MEASUREMENTS = [Measurement(scan, "sense") for scan in SCANS]
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
    held = validation(objective=find_objective("kspace-holdout"))
    assert all(cases.measured.sampled.sum() < MASK.sum() for cases in held.shown)
    assert 0 < held({"noise_floor": 0.0}) < 2
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
        validation(measurements=[replace(MEASUREMENTS[0], noise_std=0.1), MEASUREMENTS[1]]),
        validation(samples=2),
        validation(settings={**QUICK, "eta": "0.5"}),
        validation(method=find_method("dds")),
    ]
    assert [other for other in others if other.record == record] == []


def test_refusals_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def computed(*_: object) -> None:
        pytest.fail("the network was called")

    monkeypatch.setattr(GaussianPrior, "denoise", computed)
    with pytest.raises(InputError, match="at least one measurement"):
        validation(measurements=[])
    with pytest.raises(InputError, match=r"0\.h5 has no ground truth"):
        validation(measurements=[Measurement(replace(SCANS[0], ground_truth=None, mask=MASK), "sense")])
    image = np.ones((1, 6, 6), np.float32)
    tiny = Picture(image, noise_std=0.1, ground_truth=image)
    with pytest.raises(InputError, match="window of 7 x 7"):
        validation(measurements=[Measurement(tiny, "denoise")], objective=find_objective("ssim"))
    with pytest.raises(InputError, match="steps is both searched and set to 3"):
        validation().check(Space([Range("steps", 1, 5, integer=True)]))
    with pytest.raises(InputError, match="from 0 to 1"):
        validation().check(Space([Range("eta", 0.5, 1.5)]))
    with pytest.raises(InputError, match="at least one step"):
        validation(settings={"signal": "two"}).check(Space([Range("steps", 0, 5, integer=True)]))
    with pytest.raises(InputError, match=r"this prior takes"):
        validation(settings={"signal": "split"}).check(Space([Range("eta", 0, 1)]))
    validation().check(Space([Range("eta", 0, 1), Range("noise_floor", 0, 0.1)]))


def test_files(tmp_path: Path) -> None:
    for name in ("b.h5", "a.h5"):
        write_scan(SCANS[0], tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a scan")
    (tmp_path / "empty").mkdir()
    assert find_files([tmp_path, tmp_path / "b.h5"], "sense") == [tmp_path / n for n in ("a.h5", "b.h5", "b.h5")]
    with pytest.raises(InputError, match=r"empty holds no \.h5"):
        find_files([tmp_path / "empty"], "sense")
    with pytest.raises(InputError, match="does not exist"):
        read_measurement(tmp_path / "nowhere.h5", "sense")
    read = read_measurement(tmp_path / "a.h5", "sense", mask=lambda shape: equispaced(shape, 4, 6), noise_std=0.5)
    assert read.sampled.sum() < MASK.sum()
    assert read.cases().measured.noise_std == 0.5


@pytest.mark.parametrize("operator", ["sense", "fourier", "inpainting", "denoise"])
def test_the_package_s_scan(operator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the problem that `invdiff solve` takes, and nothing of a scan is estimated yet."""
    monkeypatch.setattr(  # to be fast
        "invdiff.reconstruction.sample.estimate_maps", lambda scan: birdcage_maps(scan.coils, (128, 128))[None]
    )
    measurement, cases = sample_measurement(operator, 1), sample_cases(operator, 1)
    for ours, theirs in zip(find_objective("psnr").show(measurement), cases, strict=True):
        np.testing.assert_array_equal(ours.y.numpy(), theirs.y.numpy())
        assert ours.noise_std == theirs.noise_std
    if isinstance(measurement.measured, Scan):
        assert measurement.measured.noise_std is None
        assert measurement.measured.coils == 1 or measurement.measured.maps is None
