from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff import Problem
from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import Bound, TwoChannel
from invdiff.errors import InputError
from invdiff.methods import fast
from invdiff.priors import EDM, GaussianPrior, Intensity, Prior, ScorePrior, UNet
from invdiff.reconstruction import reconstruct, scan_cases
from invdiff.reconstruction.draw import runs

SHAPE = (16, 12)
PHANTOM = shepp_logan(SHAPE)
SCAN = simulate(np.stack([PHANTOM, PHANTOM[::-1]]), coils=2, mask=equispaced(SHAPE, 2, 4), noise_std=0.02)
CASES = scan_cases(SCAN, "sense")
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
SAMPLER = fast(steps=3, signal=TwoChannel())
INTENSITY = Intensity(99.0, 1.0)


def network(seed: int, intensity: Intensity | None = INTENSITY) -> Prior:
    torch.manual_seed(seed)
    unet = UNet(channels=2, widths=(4,), blocks=1, embedding=4)
    torch.nn.init.normal_(unet.conv_out.weight, std=0.1)
    return ScorePrior(unet, EDM(0.2), channels=(2,), sigma_range=(0.01, 10.0), intensity=intensity)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(case, sample) of everything that is drawn."""
    runs: list[tuple[int, int]] = []
    draw = Bound.draw

    def spy(self: Bound, samples: range, **kwargs: Any) -> Any:
        runs.extend((kwargs["case"], sample) for sample in samples)
        return draw(self, samples, **kwargs)

    monkeypatch.setattr(Bound, "draw", spy)
    return runs


def test_samples_are_the_sampler_s() -> None:
    result = reconstruct(CASES, SAMPLER, PRIOR, samples=2, seed=3)
    assert result.samples.shape == (2, 2, *SHAPE)
    for i, problem in enumerate(CASES):
        posterior = SAMPLER(problem, PRIOR, samples=2, seed=3, case=i)
        np.testing.assert_array_equal(result.samples[i], posterior.samples.numpy())
    assert result.attributes["nfe"] == posterior.nfe
    assert result.attributes["seed"] == 3
    assert result.attributes["precision"] == "f32"


def test_they_are_computed_where_the_prior_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[torch.device] = []
    move = Problem.to

    def spy(self: Problem, device: torch.device) -> Problem:
        asked.append(device)
        return move(self, device)

    monkeypatch.setattr(Problem, "to", spy)
    reconstruct(CASES, SAMPLER, PRIOR, samples=1)
    assert asked == 2 * [PRIOR.device]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu() -> None:
    here, there = (reconstruct(CASES, SAMPLER, network(0).to(device), samples=8) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(there.mean, here.mean, atol=0.2 * float(np.abs(here.mean).max()))  # other random numbers


@given(st.sets(st.integers(0, 12)), st.integers(1, 5))
def test_what_is_missing_is_drawn_in_runs(missing: set[int], most: int) -> None:
    found = runs(sorted(missing), most)
    assert [index for run in found for index in run] == sorted(missing)
    assert all(1 <= len(run) <= most for run in found)
    assert all(len(a) == most or a.stop < b.start for a, b in pairwise(found))  # no run could be longer


def test_side_by_side_as_on_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alone = reconstruct(CASES, SAMPLER, network(0), samples=3)
    reconstruct(CASES, SAMPLER, network(0), samples=1, keep=tmp_path / "kept")
    monkeypatch.setattr("invdiff.reconstruction.units.Drawing.side_by_side", lambda self, samples: 8)
    seen: list[tuple[int, int]] = []
    together = reconstruct(
        CASES, SAMPLER, network(0), samples=3, keep=tmp_path / "kept", progress=lambda *at: seen.append(at)
    )
    np.testing.assert_allclose(together.samples, alone.samples, rtol=1e-4, atol=1e-4)
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_slices_do_not_depend_on_each_other() -> None:
    """Slice 1 is the same beside any slice 0, and as slice 0 it would have other noise."""
    both = reconstruct(CASES, SAMPLER, network(0), samples=1).samples
    louder = replace(SCAN, kspace=SCAN.kspace * np.array([3, 1])[:, None, None, None], mask=SCAN.sampled)
    other = reconstruct(scan_cases(louder, "sense"), SAMPLER, network(0), samples=1).samples
    np.testing.assert_array_equal(other[1], both[1])
    alone = reconstruct(scan_cases(SCAN.select([1]), "sense"), SAMPLER, network(0), samples=1).samples
    assert (alone[0] != both[1]).any()


def test_results_are_in_the_file_s_units() -> None:
    """Scaling the data by a power of two, which rounds nothing, scales the samples by it."""
    scaled = replace(SCAN, kspace=8 * SCAN.kspace, noise_std=8 * SCAN.noise_std, mask=SCAN.sampled)
    once = reconstruct(CASES, SAMPLER, network(0), samples=1)
    eight = reconstruct(scan_cases(scaled, "sense"), SAMPLER, network(0), samples=1)
    np.testing.assert_allclose(eight.samples, 8 * once.samples, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(eight.attributes["scale"], 8 * once.attributes["scale"], rtol=1e-6)


def test_progress() -> None:
    seen: list[tuple[int, int]] = []
    reconstruct(CASES, SAMPLER, PRIOR, samples=2, progress=lambda done, total: seen.append((done, total)))
    ((_, total),) = {(0, total) for _, total in seen}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len({done for done, _ in seen}) >= 12, "each iteration of two samples of two slices"
    assert seen[-1] == (total, total)


def test_finished_samples_are_taken_again(tmp_path: Path, drawn: list[tuple[int, int]]) -> None:
    keep = tmp_path / "finished"
    first = reconstruct(CASES, SAMPLER, network(0), samples=1, keep=keep)
    assert drawn == [(0, 0), (1, 0)]
    drawn.clear()
    second = reconstruct(CASES, SAMPLER, network(0), samples=2, keep=keep)
    assert drawn == [(0, 1), (1, 1)]
    np.testing.assert_array_equal(second.samples[:, :1], first.samples)
    drawn.clear()
    third = reconstruct(CASES, SAMPLER, network(0), samples=2, keep=keep)
    assert drawn == []
    np.testing.assert_array_equal(third.samples, second.samples)
    assert third.attributes["nfe"] == first.attributes["nfe"] > 0
    assert len(list(keep.iterdir())) == 4


@pytest.mark.parametrize("change", ["seed", "method", "network", "precision", "noise", "data", "maps", "mask"])
def test_finished_samples_belong_to_one_problem_method_and_seed(
    tmp_path: Path, drawn: list[tuple[int, int]], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {"samples": 1, "keep": tmp_path / "finished"}
    reconstruct(CASES, SAMPLER, network(0, None), **kept)  # no intensity, so that no scale tells maps apart
    drawn.clear()
    scan, sampler, prior, seed = SCAN, SAMPLER, network(0, None), 0
    match change:
        case "seed":
            seed = 1
        case "method":
            sampler = fast(steps=3, eta=0.9, signal=TwoChannel())
        case "network":
            prior = network(1, None)
        case "precision":
            monkeypatch.setattr("invdiff.priors.precision.has_bfloat16", lambda device: True)
            prior = network(0, None).in_precision("bf16")
        case "noise":
            scan = replace(SCAN, noise_std=0.03, mask=SCAN.sampled)
        case "data":
            scan = replace(SCAN, kspace=1.5 * SCAN.kspace, mask=SCAN.sampled)
        case "maps":
            scan = replace(SCAN, maps=SCAN.maps[:, ::-1], mask=SCAN.sampled)
        case "mask":
            scan = SCAN.undersample(equispaced(SHAPE, 4, 4))
    reconstruct(scan_cases(scan, "sense"), sampler, prior, seed=seed, **kept)
    assert drawn == [(0, 0), (1, 0)]


def test_a_file_that_is_in_the_way_is_left_alone(tmp_path: Path) -> None:
    keep = tmp_path / "finished"
    keep.write_text("of somebody else")
    with pytest.raises(InputError, match=r"The folder .*finished can't be made"):
        reconstruct(CASES, SAMPLER, PRIOR, keep=keep)
    assert keep.read_text() == "of somebody else"


def test_refusals(drawn: list[tuple[int, int]]) -> None:
    with pytest.raises(InputError, match="samples=0"):
        reconstruct(CASES, SAMPLER, PRIOR, samples=0)
    one_channel = GaussianPrior(torch.zeros(1, *SHAPE), torch.ones(1, *SHAPE))
    with pytest.raises(InputError, match="network 2 channel"):
        reconstruct(CASES, SAMPLER, one_channel)
    assert drawn == []  # refused before the first network call
