"""Calibration data are judged against the signal, too: of noise no coil maps come, and what is small beside the signal
is no artefact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import Scan, calibrate, check_maps, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.reconstruction.preparation import prepare

SHAPE = (48, 40)
MASK = equispaced(SHAPE, 2, 16)
FULL = simulate(shepp_logan(SHAPE), coils=6, mask=MASK)
few = settings(max_examples=8)


def noisy(level: float, seed: int = 0, signal: float = 1.0) -> Scan:
    parts = np.random.default_rng(seed).standard_normal((2, *FULL.kspace.shape))
    kspace = (signal * FULL.kspace + level * (parts[0] + 1j * parts[1])) * MASK
    return Scan(kspace.astype(np.complex64), mask=MASK, name="head.h5")


@few
@given(st.floats(-20, 20), st.integers(0, 999))
def test_noise_alone_makes_no_maps(log_level: float, seed: int) -> None:
    level = 10**log_level
    with pytest.raises(InputError, match=r"head\.h5: the fully sampled centre .* no more than noise of .* row \d+"):
        calibrate(noisy(level, seed, signal=0.0), level)


def test_a_level_that_is_too_low_does_not_see_it() -> None:
    assert calibrate(noisy(1.0, signal=0.0), 0.5).noise == pytest.approx(0.5, rel=0.05)


@few
@given(st.floats(0.001, 3.0), st.integers(0, 999))
def test_the_part_of_noise_is_what_it_is(level: float, seed: int) -> None:
    scan = noisy(level, seed)
    found = check_maps(scan, np.ones(scan.kspace.shape, np.complex64), level)
    rows, columns = slice(24 - 16, 24 + 16), slice(20 - 8, 20 + 8)
    signal = np.linalg.norm(FULL.kspace[..., rows, columns])
    expected = level * np.sqrt(2 * 6 * 32 * 16)
    assert found.noise == pytest.approx(expected / np.hypot(expected, signal), rel=0.1)


@pytest.mark.parametrize(("level", "words"), [(0.001, ()), (0.05, ()), (0.2, ("The noise level is 0.88 of the norm",))])
def test_maps_of_noise_are_warned_of(level: float, words: tuple[str, ...]) -> None:
    warnings = prepare(noisy(level), noise_std=level)[1].warnings
    assert len(warnings) == len(words)
    assert all(warning.startswith(word) for warning, word in zip(warnings, words, strict=True))


def test_maps_of_the_file_owe_nothing_to_noise() -> None:
    scan = noisy(0.2).changed(maps=FULL.maps)
    assert prepare(scan, noise_std=0.2)[1].warnings == ()


def test_a_residual_that_is_small_beside_the_signal_is_explained() -> None:
    """Though it is many times what a tiny noise leaves."""
    assert FULL.maps is not None
    turned = FULL.maps * np.exp(0.02j * np.arange(6))[:, None, None].astype(np.complex64)
    found = check_maps(noisy(1e-5), turned, 1e-5)
    assert found.residual > 20 * found.noise_residual
    assert found.explains
