import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from invdiff.classical import of_every_slice
from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import random_lines
from invdiff.errors import InputError
from invdiff.evaluation import CLASSICAL, Contender, Diffusion, Outcome
from invdiff.methods import find_method
from invdiff.metrics import psnr
from invdiff.priors import EDM, Intensity, ScorePrior, UNet
from invdiff.reconstruction import Cases, reconstruct, scan_cases

SHAPE = (24, 20)


@pytest.fixture(scope="module")
def cases() -> Cases:
    image = np.abs(shepp_logan(SHAPE))
    return scan_cases(simulate(image, coils=3, mask=random_lines(SHAPE, 2, 0.3), noise_std=0.01), "sense")


@pytest.fixture(scope="module")
def prior() -> ScorePrior:
    torch.manual_seed(0)
    network = UNet(channels=1, widths=(4, 4), blocks=1, embedding=4)
    return ScorePrior(
        network, EDM(0.2), channels=(1,), sigma_range=(0.002, 400.0), intensity=Intensity(99.9, 1.0), data_std=0.2
    )


def outcome(contender: Contender, cases: Cases, tmp_path: Path) -> Outcome:
    return contender(cases, 5, tmp_path / "unit", lambda done, total: None)


def test_diffusion_is_the_mean_of_a_reconstruction(cases: Cases, prior: ScorePrior, tmp_path: Path) -> None:
    contender = Diffusion(find_method("fast"), {"steps": "3"}, prior, "tiny", 2)
    contender.check(cases)
    found = outcome(contender, cases, tmp_path)
    expected = reconstruct(cases, contender.sampler, prior, samples=2, seed=5)
    np.testing.assert_array_equal(found.image, expected.mean)
    assert found.nfe == 3
    assert found.seconds > 0
    assert len(list((tmp_path / "unit").glob("*.npz"))) == 2
    for words in ("steps=3 ", "eta=1.0", "signal=split", "samples=2", "prior=tiny"):
        assert words in contender.settings


def test_priors_of_one_name_are_told_apart(prior: ScorePrior) -> None:
    other = pickle.loads(pickle.dumps(prior))
    fast = find_method("fast")
    settings = Diffusion(fast, {}, prior, "tiny", 2).settings
    assert f"weights={prior.fingerprint()[:12]}" in settings
    assert Diffusion(fast, {}, other, "tiny", 2).settings == settings
    next(other.network.parameters()).data.mul_(3)
    assert Diffusion(fast, {}, other, "tiny", 2).settings != settings


def test_workers_place_the_prior(
    cases: Cases, prior: ScorePrior, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []
    monkeypatch.setattr(ScorePrior, "to", lambda self, device: moved.append(device) or self)
    monkeypatch.setattr("invdiff.reconstruction.executors.worker.worker_index", lambda: 3)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    here = Diffusion(find_method("fast"), {"steps": "2"}, prior, "tiny", 1)
    expected = outcome(here, cases, tmp_path).image
    assert moved == []
    found = outcome(replace(here, device="cuda"), cases, tmp_path / "another").image
    assert moved == ["cuda:1"]
    np.testing.assert_array_equal(found, expected)


def test_of_an_estimate_there_is_one_image_however_many_samples_are_asked_for(
    cases: Cases, prior: ScorePrior, tmp_path: Path
) -> None:
    contender = Diffusion(find_method("estimate"), {"steps": "3"}, prior, "tiny", 5)
    found = outcome(contender, cases, tmp_path)
    expected = reconstruct(cases, contender.sampler, prior, samples=2, seed=5)
    np.testing.assert_array_equal(found.image, expected.samples[:, 0])
    assert (found.image != expected.mean).any()
    assert "samples=1 " in contender.settings
    assert "samples=5 " in Diffusion(find_method("fast"), {}, prior, "tiny", 5).settings


def test_an_empty_slice_does_not_stand_for_all(prior: ScorePrior) -> None:
    """What a contender can't do is found out on a slice that holds something; without one that is for `reconstruct`."""
    scan = simulate(np.abs(shepp_logan(SHAPE))[None].repeat(2, 0), coils=3, mask=random_lines(SHAPE, 2, 0.3))
    padded = scan.kspace * np.array([0, 1])[:, None, None, None]
    contender = Diffusion(find_method("mc_ddpm"), {"steps": "3"}, prior, "tiny", 1)
    with pytest.raises(InputError, match="unsampled k-space"):
        contender.check(
            scan_cases(replace(scan, kspace=padded, ground_truth=None, noise_std=0.1, mask=scan.sampled), "sense")
        )


@pytest.mark.parametrize("name", CLASSICAL)
def test_baselines_take_the_weight_of_the_truth(cases: Cases, tmp_path: Path, name: str) -> None:
    baseline = CLASSICAL[name]
    found = outcome(baseline, cases, tmp_path)
    assert found.image.shape == (1, *SHAPE)
    assert found.nfe == 0
    if name == "zero-filled":
        assert found.weight is None
        return
    assert found.weight in baseline.weights
    others = [psnr(cases.ground_truth, of_every_slice(baseline.function, cases)(w)) for w in baseline.weights[::3]]
    assert psnr(cases.ground_truth, found.image) >= max(others)
    assert "best by the truth of 7 weights" in baseline.settings


def test_refusals(cases: Cases, prior: ScorePrior) -> None:
    fast = find_method("fast")
    with pytest.raises(InputError, match="samples=0"):
        Diffusion(fast, {}, prior, "tiny", 0)
    with pytest.raises(InputError, match="no parameter magic"):
        Diffusion(fast, {"magic": "1"}, prior, "tiny", 1)
    with pytest.raises(InputError, match="2 channel"):
        Diffusion(fast, {"signal": "two"}, prior, "tiny", 1).check(cases)
