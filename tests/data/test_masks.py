from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import MASKS, achieved_acceleration, calibration_region
from invdiff.data.masks import Mask, equispaced, poisson_disc, radial, random_lines
from invdiff.errors import InputError

SHAPE = (24, 60)
LEGACY = {name for name in MASKS if "-" in name}
FAST = sorted(set(MASKS) - LEGACY - {"poisson"})  # SigPy compiles that one
EXACT = {"random": 15 / 60, "gaussian": 15 / 60, "gaussian2d": 0.25, "uniform2d": 0.25}


def largest_block(mask: Mask) -> int:
    """By trying every centred rectangle."""
    h, w = mask.shape
    return max(
        (
            a * b
            for a in range(h + 1)
            for b in range(w + 1)
            if mask[h // 2 - a // 2 : h // 2 - a // 2 + a, w // 2 - b // 2 : w // 2 - b // 2 + b].all()
        ),
    )


@pytest.mark.parametrize("name", FAST)
def test_seed_shape_and_centre(name: str) -> None:
    mask = MASKS[name](SHAPE, 4, 0.1, 3)
    assert mask.shape == SHAPE
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, MASKS[name](SHAPE, 4, 0.1, 3))
    if name != "equispaced":  # its seed picks one of four offsets
        assert (mask != MASKS[name](SHAPE, 4, 0.1, 4)).any()
    h, w = calibration_region(mask)
    assert w >= 6
    assert h >= 2
    if name in {"equispaced", "random", "bernoulli", "gaussian"}:
        assert (mask == mask[0]).all()
        assert h == 24


@pytest.mark.parametrize("name", EXACT)
def test_exact_masks_keep_what_they_promise(name: str) -> None:
    assert MASKS[name](SHAPE, 4, 0.1, 0).mean() == EXACT[name]


def test_equispaced_counts() -> None:
    mask = equispaced((128, 128), 4, 20)
    # 32 of 128 lines are multiples of four, and the centre of 20 holds five of those
    assert mask[0].sum() == 32 + 20 - 5
    assert achieved_acceleration(mask) == pytest.approx(128 / 47)
    assert calibration_region(mask) == (128, 20)
    assert equispaced((4, 12), 4, 0, offset=5)[0].nonzero()[0].tolist() == [1, 5, 9]


def test_bernoulli_expects_the_acceleration() -> None:
    kept = [MASKS["bernoulli"]((1, 400), 4, 0.08, seed).mean() for seed in range(200)]
    assert np.mean(kept) == pytest.approx(1 / 4, abs=0.005)


def test_gaussian_lines_crowd_the_centre() -> None:
    lines = np.mean([MASKS["gaussian"]((1, 90), 4, 0, seed)[0] for seed in range(50)], axis=0)
    assert lines[30:60].sum() > 0.6 * lines.sum()
    uniform = np.mean([MASKS["random"]((1, 90), 4, 0, seed)[0] for seed in range(50)], axis=0)
    assert uniform[30:60].sum() < 0.5 * uniform.sum()


def test_radial_reaches_its_acceleration_through_the_centre() -> None:
    mask = radial((48, 64), 5)
    assert achieved_acceleration(mask) == pytest.approx(5, rel=0.1)
    assert mask[24, 32]


def test_poisson_disc() -> None:
    mask = poisson_disc((24, 32), 3, 0.25, seed=1)
    assert achieved_acceleration(mask) == pytest.approx(3, abs=0.1)
    h, w = calibration_region(mask)
    assert h >= 5
    assert w >= 7
    with pytest.raises(InputError, match="No Poisson disc"):
        poisson_disc((8, 8), 1.15, 0)


@settings(max_examples=60)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**49 - 1))
def test_calibration_region_is_the_largest_full_block(height: int, width: int, bits: int) -> None:
    mask = np.array([bits >> i & 1 for i in range(height * width)], bool).reshape(height, width)
    mask[height // 2] |= bits % 3 == 0  # often something to find
    h, w = calibration_region(mask)
    assert h * w == largest_block(mask)
    assert mask[height // 2 - h // 2 :, width // 2 - w // 2 :][:h, :w].all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: equispaced(SHAPE, every=0), "every >= 1"),
        (lambda: equispaced(SHAPE, centre_lines=61), "61 lines does not fit an image of 60"),
        (lambda: equispaced(SHAPE, centre_lines=-1), "does not fit"),
        (lambda: equispaced((5, 5, 5)), r"shape \(H, W\)"),
        (lambda: random_lines(SHAPE, acceleration=0.5), "acceleration is 1"),
        (lambda: random_lines(SHAPE, acceleration=float("nan")), "acceleration is 1"),
        (lambda: random_lines(SHAPE, acceleration=8, centre_fraction=0.5), "takes 30 lines but .* allows 7"),
        (lambda: random_lines(SHAPE, centre_fraction=1.5), "between 0 and 1"),
        (lambda: MASKS["equispaced"](SHAPE, 1e308), "at most 1e6"),
        (lambda: poisson_disc(SHAPE, 1), "above 1.1"),
        (lambda: radial(SHAPE, 1), "1.5 or more"),
    ],
)
def test_impossible_masks_are_refused(call: Callable[[], Mask], words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
