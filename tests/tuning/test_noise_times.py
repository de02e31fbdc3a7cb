"""The noise level that the data term assumes, searched as any parameter is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import Picture, simulate
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.methods import find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Assumptions, Measurement, find_kind
from invdiff.tuning import (
    NOISE_TIMES,
    HeldBackError,
    Range,
    Space,
    Study,
    Validation,
    parse_range,
)

SHAPE, NOISE = (32, 24), 0.01
MASK = equispaced(SHAPE, 2, 4)
HEAD = np.zeros(SHAPE)
HEAD[8:20, 6:16] = 1
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), torch.from_numpy(np.stack([0.04 * HEAD + 1e-6] * 2)).float())
SENSE = find_kind("sense")
IMAGE = 0.2 * HEAD * np.random.default_rng(0).standard_normal((2, *SHAPE))


@pytest.mark.parametrize("told", [0.25, 1.0])
def test_a_wrong_level_is_seen_without_a_truth(told: float) -> None:
    """Images are drawn from the prior, so the right level predicts best; few lines of one tell little."""
    measured = []
    for seed in range(8):
        parts = 0.2 * HEAD * np.random.default_rng(seed).standard_normal((2, *SHAPE))
        image = (parts[0] + 1j * parts[1]).astype(np.complex64)
        scan = simulate(image, coils=4, mask=MASK, noise_std=NOISE, seed=seed)
        measured.append(Measurement(scan, SENSE, assumed=Assumptions(noise_std=told * NOISE)))
    score = Validation(find_method("estimate"), measured, HeldBackError(), PRIOR, {"steps": "6", "signal": "two"})
    scores = {times: score({NOISE_TIMES: times / told}) for times in (0.05, 1.0, 20.0)}
    assert min(scores, key=lambda times: scores[times]) == 1.0
    assert score({}) == score({NOISE_TIMES: 1.0})


@settings(max_examples=20)
@given(times=st.floats(0.1, 10))
def test_it_multiplies_what_the_data_term_assumes_alone(times: float) -> None:
    scan = simulate(np.abs(IMAGE[:1]), coils=2, mask=MASK, noise_std=NOISE)
    picture = Picture(np.abs(IMAGE[:1]).astype(np.float32), noise_std=NOISE)
    for measured, kind in ((scan, "sense"), (picture, "denoise")):
        at_hand = Measurement(measured, find_kind(kind)).cases()
        found = Measurement(measured, find_kind(kind), assumed=Assumptions(noise_times=times)).cases()
        assert found.noise_std == pytest.approx(times * at_hand.noise_std)
        assert found.problem(0).noise_std == found.noise_std
        torch.testing.assert_close(found.problem(0).y, at_hand.problem(0).y)
        assert (found.fingerprint(0) == at_hand.fingerprint(0)) == (found.noise_std == at_hand.noise_std)
        if found.preparation is not None:
            assert found.preparation.known_noise_std == NOISE
            assert any("as a search found best" in line for line in found.preparation.report) == (times != 1)


def test_it_goes_with_the_run(tmp_path: Path) -> None:
    study = Study(Space([Range(NOISE_TIMES, 0.5, 2, log=True), Range("lam", 0, 1)]), tmp_path, higher_is_better=False)
    study.run(lambda point: (point[NOISE_TIMES] - 1) ** 2 + point["lam"], 4)
    run = study.run_at_best("chung2022_complex", {"steps": "2"})
    assert run["noise_times"] == study.best.parameters[NOISE_TIMES]
    assert set(run["settings"]) == {"steps", "lam"}


def test_what_it_refuses() -> None:
    assert parse_range("noise_times:0.5:2:log", find_method("fast")) == Range(NOISE_TIMES, 0.5, 2, log=True)
    with pytest.raises(InputError, match="is positive"):
        parse_range("noise_times:-1:2", find_method("fast"))
