"""A search stands on the noise level that `solve` stands on: where k-space does not tell it, a residual does."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch

from invdiff.data import simulate
from invdiff.data.masks import equispaced
from invdiff.methods import find_method
from invdiff.metrics import psnr
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Cases, Measurement, find_kind, known_noise, reconstruct
from invdiff.tuning import NOISE_TIMES, AgainstTruth, Validation

NOISE, SHAPE = 0.01, (32, 32)
HEAD = np.zeros(SHAPE)
HEAD[8:22, 6:24] = 1
SCAN = simulate(HEAD, coils=4, mask=equispaced(SHAPE, 2, 8), noise_std=NOISE)
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
SETTINGS = {"steps": "3", "signal": "two"}


@dataclass(frozen=True)
class InDoubt(AgainstTruth):
    """Takes the noise for three times what it is, and that for a guess."""

    def show(self, measurement: Measurement) -> Cases:
        cases = super().show(measurement)
        assert cases.preparation is not None
        preparation = replace(cases.preparation, noise_std=3 * NOISE, noise_uncertainty=0.5)
        return replace(cases, preparation=preparation)


@pytest.fixture(scope="module")
def validation() -> Validation:
    measurement = Measurement(replace(SCAN, noise_std=None), find_kind("sense"))
    return Validation(find_method("estimate"), [measurement], InDoubt("psnr", psnr, True), PRIOR, SETTINGS)


@pytest.mark.parametrize("times", [1.0, 2.0])
def test_trials_go_by_the_noise_of_the_residual(validation: Validation, times: float) -> None:
    (shown,), (believed,) = validation.shown, validation.believed
    found = known_noise(shown, PRIOR)
    assert found.noise_std < 0.5 * shown.noise_std
    assert believed.noise_std == found.noise_std
    score = partial(reconstruct, sampler=validation.method.with_settings(SETTINGS), prior=PRIOR, samples=1)
    of_found, of_shown = (psnr(shown.ground_truth, score(one.with_noise_times(times)).mean) for one in (found, shown))
    assert validation({NOISE_TIMES: times}) == pytest.approx(of_found, abs=1e-9)
    assert of_shown != pytest.approx(of_found, abs=1e-3)  # what a search without the look would go by


def test_it_looks_once(validation: Validation, monkeypatch: pytest.MonkeyPatch) -> None:
    _ = validation.believed
    monkeypatch.setattr("invdiff.tuning.validation.known_noise", lambda *_: pytest.fail("looked again"))
    validation({})
