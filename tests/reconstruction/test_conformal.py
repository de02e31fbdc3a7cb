"""What validation images promise of an image that is exchangeable with them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data.masks import equispaced, gaussian_points
from invdiff.diffusion import LateStart
from invdiff.errors import InputError
from invdiff.methods import find_method
from invdiff.priors import load_prior
from invdiff.reconstruction import Conformal, Coverage, Recipe, conformal_for, conformal_table
from invdiff.reconstruction.uncertainty import conformal, sampling_of

LEVEL, IMAGES, PIXELS = 0.8, 5, 40
MADE = {
    "operator": "P(Λ) F S",
    "sampling": "lines",
    "prior": "builtin",
    "prior_weights": "abc",
    "method": "estimate",
    "parameters": "steps=30",
    "samples_method": "fast",
    "samples_parameters": "steps=30",
}
ROW = Conformal(
    {**MADE, "samples": 4, "is_audited": True},
    4.0,
    "12 images",
    (Coverage(0.5, 0.4, 1.2, 1.4), Coverage(0.9, 0.8, 1.5, 2)),
)


def images(count: int, seed: int) -> list[np.ndarray]:
    """Errors in parts of half widths, of images that are each harder or easier than others."""
    rng = np.random.default_rng(seed)
    return [np.abs(np.exp(rng.standard_normal()) * rng.standard_normal(PIXELS)) for _ in range(count)]


def outside(factor: float, scores: np.ndarray) -> float:
    return float(np.mean(scores > factor))


def test_a_new_image_is_held_in_the_mean_whatever_the_distribution() -> None:
    conformal, empirical = [], []
    for seed in range(2000):
        *known, new = images(IMAGES + 1, seed)
        found = Coverage.of(known, LEVEL)
        conformal.append(outside(found.conformal_factor, new))
        empirical.append(outside(found.factor, new))
    by_chance = 3 * np.std(conformal) / np.sqrt(len(conformal))
    assert np.mean(conformal) < 1 - LEVEL + by_chance
    assert np.mean(conformal) > 1 - LEVEL - 2 / IMAGES  # and not for being boundless
    assert np.mean(empirical) > 1 - LEVEL + by_chance  # what held these images holds a new one less


@given(st.integers(10, 15), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.8, 0.9]))
def test_factors_are_the_smallest(count: int, seed: int, level: float) -> None:
    known = images(count, seed)
    found = Coverage.of(known, level)

    def mean_outside(factor: float) -> float:
        return float(np.mean([outside(factor, one) for one in known]))

    assert found.held == pytest.approx(1 - mean_outside(1))
    for factor, allowed in ((found.factor, 1 - level), (found.conformal_factor, 1 - level - level / count)):
        assert mean_outside(factor) <= allowed + 1e-9
        assert mean_outside(factor * (1 - 1e-9)) > allowed - 1e-9
    assert found.factor <= found.conformal_factor


@pytest.mark.parametrize("count", [0, 1, 8])
def test_too_few_images_promise_nothing(count: int) -> None:
    with pytest.raises(InputError, match=r"too few for a level of 0\.9; take 9 or more"):
        Coverage.of(images(count, 0), 0.9)
    Coverage.of(images(9, 0), 0.9)


@pytest.mark.parametrize(
    ("change", "is_told"),
    [
        ({}, True),
        ({"acceleration": 4.3}, True),
        ({"acceleration": 4.5}, False),
        ({"acceleration": "4"}, False),
        ({"sampling": "points"}, False),
        ({"prior": "mine"}, False),
        ({"prior_weights": "abd"}, False),
        ({"method": "fast"}, False),
        ({"parameters": "steps=31"}, False),
        ({"samples_method": "dds"}, False),
        ({"samples_parameters": "steps=30 eta=0.5"}, False),
        ({"operator": "P(Λ) F"}, False),
    ],
)
def test_it_is_told_only_of_what_it_was_made_for(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], is_told: bool
) -> None:
    monkeypatch.setattr(conformal, "conformal_table", lambda: (ROW,))
    attributes = {**MADE, "acceleration": 4.0, "audit_factor": 1.5, **change}
    assert (conformal_for(attributes, 4) is not None) == is_told
    assert conformal_for(attributes, 3) is None
    del attributes["audit_factor"]
    assert conformal_for(attributes, 4) is None
    assert conformal_for({}, 4) is None


def test_rows_are_kept_as_they_are() -> None:
    assert Conformal.of_row(ROW.row) == ROW
    assert "90% intervals held 80% of the pixels" in ROW.sentence
    assert "exchangeable" in ROW.sentence


def test_what_ships_is_of_the_prior_that_ships() -> None:
    from invdiff.files.digest import digest_of

    weights = digest_of(*(tensor.numpy() for tensor in load_prior("builtin").tensors()))
    assert len(conformal_table()) == 3
    for row in conformal_table():
        assert (row.made["prior"], row.made["prior_weights"]) == ("builtin", weights)
        assert row.made["is_audited"]
        assert tuple(one.level for one in row.coverages) == conformal.LEVELS
        for one in row.coverages:
            assert one.factor <= one.conformal_factor
            assert (one.held < one.level) == (one.factor > 1)


def test_what_ships_is_of_the_methods_as_they_are() -> None:
    """Else no scan would be reconstructed alike, and nobody be told."""
    image = Recipe(find_method("estimate"))
    assert image.method.spread is not None
    posterior = Recipe(find_method(image.method.spread), samples=4)
    for row in conformal_table():
        assert (row.made["method"], row.made["parameters"]) == ("estimate", image.parameters)
        assert (row.made["samples_method"], row.made["samples_parameters"]) == (
            posterior.method.name,
            posterior.parameters,
        )
        assert row.made["samples"] == posterior.samples


def test_settings_and_starts_are_parameters() -> None:
    fast = find_method("fast")
    whole = Recipe(fast).parameters
    assert Recipe(fast, {"steps": "30"}).parameters == whole
    changed = [Recipe(fast, {"steps": "31"}), Recipe(fast, start=LateStart(0.1, None, "zero-filled"))]
    assert len({whole, *(one.parameters for one in changed)}) == 3


def test_how_a_mask_samples() -> None:
    assert sampling_of(np.ones((8, 8), bool)) == "all"
    assert sampling_of(equispaced((8, 8), 2, 2)) == "lines"
    assert sampling_of(equispaced((8, 8), 2, 2).T) == "points"
    assert sampling_of(gaussian_points((16, 16), 2.0, 0.1, 0)) == "points"
