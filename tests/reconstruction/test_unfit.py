"""Lines that do not fit the others are named, and judge no error bars; what is wrong alike in all lines names none."""

import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.data.coils import birdcage_maps
from invdiff.data.held_out import held_out
from invdiff.data.masks import equispaced, gaussian_points
from invdiff.methods import calibrated
from invdiff.operators import sense
from invdiff.priors import GaussianPrior
from invdiff.problem import Problem
from invdiff.reconstruction.audit import (
    FRACTION,
    Audit,
    Discrepancy,
    Places,
    Prediction,
    audit,
    unfit_hidden,
    unfit_shown,
)
from invdiff.reconstruction.audit.held_cases import LEAST

SHAPE, NOISE = (48, 64), 0.05
MAPS = torch.from_numpy(birdcage_maps(6, SHAPE))
HEAD = torch.zeros(SHAPE)
HEAD[12:30, 14:40] = 1
PRIOR = GaussianPrior(torch.zeros(1, *SHAPE), 0.04 * HEAD[None] + 1e-6)
LINES = equispaced(SHAPE, 2, 8)
COLUMNS = [int(column) for column in np.flatnonzero(LINES[0])]
HELD = [int(column) for column in np.flatnonzero(held_out(LINES, FRACTION, 0, least=LEAST)[0])]
SHOWN = [column for column in COLUMNS if column not in HELD]


def draw(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return math.sqrt(2) * torch.randn(*shape, dtype=torch.complex64, generator=generator)


def scan(mask: np.ndarray, seed: int = 0, moved: int = 0) -> Problem:
    A = sense(torch.from_numpy(mask), MAPS)
    x = torch.roll(0.2 * HEAD * draw(*SHAPE, seed=seed), moved, 0)
    return Problem(A, A(x) + NOISE * draw(*A.codomain_shape, seed=seed + 1), NOISE, scale=1.0)


def corrupted(fault: str, columns: list[int]) -> Problem:
    right = scan(LINES)
    at = torch.from_numpy(np.isin(np.nonzero(LINES)[1], columns))
    y = right.y.clone()
    if fault == "another image, brighter":
        y[:, at] = 4 * scan(LINES, seed=50, moved=16).y[:, at]
    else:
        row = torch.from_numpy(np.nonzero(LINES)[0] == 11)
        y[:, at & row] += 6 * y.abs().max()
    return Problem(right.operator, y, NOISE, scale=1.0)


def audited(problem: Problem) -> Audit:
    return audit(problem, calibrated(steps=8), PRIOR, samples=3)


@pytest.mark.parametrize("columns", [SHOWN[3:4] + SHOWN[-4:-3], HELD[1:2], [SHOWN[8], HELD[1]]])
@pytest.mark.parametrize("fault", ["another image, brighter", "spikes"])
def test_corrupted_lines_are_named(fault: str, columns: list[int]) -> None:
    found = audited(corrupted(fault, columns))
    assert [number for (number,) in found.unfit] == sorted(columns)
    named = ", ".join(map(str, sorted(columns)))
    assert any(sentence.startswith(f"lines {named} do not fit the others") for sentence in found.verdict)
    assert found.attributes["audit_unfit"] == str([[column] for column in sorted(columns)])


@pytest.mark.parametrize("fault", ["nothing", "noise twice", "noise half", "maps of another place"])
def test_what_is_wrong_in_all_lines_alike_names_none(fault: str) -> None:
    problem = scan(LINES)
    if fault.startswith("noise"):
        problem = problem.with_noise_std(NOISE * (2 if fault == "noise twice" else 0.5))
    if fault.startswith("maps"):
        elsewhere = torch.roll(MAPS, (1, 6, 6), (0, 1, 2))
        problem = Problem(sense(torch.from_numpy(LINES), elsewhere), problem.y, NOISE, scale=1.0)
    assert audited(problem).unfit == ()


def test_they_judge_no_error_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where they did, error bars would be widened by them."""
    problem, right = corrupted("spikes", HELD[1:2]), audited(scan(LINES)).correction.overall
    assert audited(problem).correction.overall == pytest.approx(right, rel=0.25)
    judging = sys.modules["invdiff.reconstruction.audit.audit"]  # the function of that name hides it
    monkeypatch.setattr(judging, "unfit_hidden", lambda found: np.zeros(len(found.error), bool))
    assert audited(problem).correction.overall > 3 * right


def test_points_are_told_by_themselves() -> None:
    mask = gaussian_points(SHAPE, 3.0, 0.2, 0)
    right = scan(mask)
    y = right.y.clone()
    y[:, 500] += 6 * y.abs().max()
    assert audited(right).unfit == ()
    row, column = (int(index[500]) for index in np.nonzero(mask))
    found = audited(Problem(right.operator, y, NOISE, scale=1.0))
    assert found.unfit == ((row, column),)
    assert any(f"points ({row}, {column}) do not fit" in sentence for sentence in found.verdict)


@given(
    seed=st.integers(0, 2**16),
    lines=st.integers(12, 60),
    slices=st.integers(1, 8),
    noise=st.floats(1e-3, 1e3),
    misfit=st.floats(0, 0.3),
    along=st.integers(0, 1),
)
def test_lines_far_above_the_others_are_found_and_no_other(
    seed: int, lines: int, slices: int, noise: float, misfit: float, along: int
) -> None:
    """Whatever the noise, and a misfit that grows with a signal that falls by orders of magnitude from the centre."""
    rng = np.random.default_rng(seed)
    signal = noise * 300 / (1 + np.abs(np.arange(lines) - lines // 2)) ** 2
    expected = np.broadcast_to(noise + misfit * signal, (32, lines))
    error = expected * rng.chisquare(2 * slices, (32, lines)) / (2 * slices)
    bad = rng.permutation(lines)[: max(lines // 20, 1)]
    error[:, bad] *= 20
    index = np.argwhere(np.ones_like(error, bool)) - np.array([16, lines // 2])
    shape = (32, 2 * lines)
    places = Places(index if along == 0 else index[:, ::-1], shape if along == 0 else shape[::-1], True)
    assert places.along == along
    level, signals = np.full(error.size, noise), np.tile(signal, 32)
    shown = Prediction(places, error.ravel(), level, signals, slices=slices)
    hidden = Discrepancy(places, error.ravel(), level, signals, signals, slices=slices)
    for found in (unfit_shown(shown), unfit_hidden(hidden)):
        assert set(index[found][:, 1] + lines // 2) == set(bad)
        assert found.sum() == 32 * len(bad)


def test_few_lines_tell_nothing() -> None:
    error = np.ones((16, 3))
    error[:, 1] = 1e6
    index = np.argwhere(np.ones_like(error, bool)) - [8, 1]
    one = np.ones(error.size)
    assert not unfit_shown(Prediction(Places(index, (16, 8), True), error.ravel(), one, one)).any()


def test_what_leaks_into_neighbours_is_no_fault_of_theirs() -> None:
    error = np.ones((16, 20))
    error[:, 6:9] = [3, 9, 4]
    error[:, 14:16] = [8, 9]
    index = np.argwhere(np.ones_like(error, bool)) - [8, 10]
    one = np.ones(error.size)
    found = unfit_shown(Prediction(Places(index, (16, 40), True), error.ravel(), one, one))
    assert set(index[found][:, 1] + 10) == {7, 14, 15}
