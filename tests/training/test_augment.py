import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.training.augment import (
    random_contrast,
    random_crop,
    random_phase,
    random_resolution,
    training_image,
)

Y, X = np.mgrid[-1:1:72j, -1:1:60j]
MAGNITUDE = (250 * np.exp(-3 * (X**2 + Y**2))).astype(np.uint8)
SEEDS = st.integers(0, 10**6)


@settings(max_examples=20)
@given(SEEDS, st.sampled_from([32, 64, 96]))
def test_training_image(seed: int, side: int) -> None:
    image = training_image(MAGNITUDE, side, np.random.default_rng(seed))
    assert (image.shape, image.dtype) == ((side, side), np.complex64)
    assert image.flags["C_CONTIGUOUS"]
    assert np.isfinite(image).all()
    assert 0.03 < np.abs(image).max() < 1.5  # 0.7 to 1.2, and what ringing adds
    np.testing.assert_array_equal(image, training_image(MAGNITUDE, side, np.random.default_rng(seed)))


def test_training_images_differ() -> None:
    rng = np.random.default_rng(0)
    a, b = (training_image(MAGNITUDE, 32, rng) for _ in range(2))
    assert (a != b).any()
    assert np.abs(a.imag).max() > 0.01


@settings(max_examples=30)
@given(SEEDS, st.sampled_from([(72, 60), (71, 61), (40, 90)]))
def test_resolution_keeps_the_mean(seed: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    image = (rng.random(shape) + 1j * rng.random(shape)).astype(np.complex64)
    coarse = random_resolution(image, rng)
    assert coarse.dtype == np.complex64
    assert all(32 <= small <= large for small, large in zip(coarse.shape, shape, strict=True))
    assert coarse.mean() == pytest.approx(image.mean(), rel=1e-4)


def test_resolution_keeps_smooth_images() -> None:
    y, x = np.ogrid[:80, :80]
    image = (2 + np.cos(2 * np.pi * x / 80) + 1j * np.sin(2 * np.pi * y / 80)).astype(np.complex64)
    changed = 0
    for seed in range(8):
        coarse = random_resolution(image, np.random.default_rng(seed))
        y, x = np.ogrid[: coarse.shape[0], : coarse.shape[1]]
        expected = 2 + np.cos(2 * np.pi * x / coarse.shape[1]) + 1j * np.sin(2 * np.pi * y / coarse.shape[0])
        np.testing.assert_allclose(coarse, expected, atol=1e-4)
        changed += coarse.shape != image.shape
    assert 0 < changed < 8


@settings(max_examples=20)
@given(SEEDS)
def test_contrast_keeps_range(seed: int) -> None:
    image = (MAGNITUDE / 250).astype(np.float32)
    curved = random_contrast(image, np.random.default_rng(seed))
    assert curved.dtype == np.float32
    assert curved.min() >= 0
    assert 0.5 < curved.max() <= 1.001


def test_contrast_curves_are_monotone_or_reversed() -> None:
    image = np.linspace(0.1, 1, 900, dtype=np.float32).reshape(30, 30)
    kinds = set()
    for seed in range(40):
        curved = random_contrast(image, np.random.default_rng(seed))[2:-2].ravel()
        kinds.add("same" if (curved == image[2:-2].ravel()).all() else np.sign(curved[-1] - curved[0]))
    assert kinds == {"same", 1.0, -1.0}


@settings(max_examples=20)
@given(SEEDS)
def test_phase_is_smooth(seed: int) -> None:
    phase = random_phase((48, 40), np.random.default_rng(seed))
    assert (phase.shape, phase.dtype) == ((48, 40), np.float32)
    assert np.isfinite(phase).all()
    assert max(np.abs(np.diff(phase, axis=axis)).max() for axis in (0, 1)) < 1.6


@settings(max_examples=20)
@given(SEEDS)
def test_crop_is_a_piece_of_the_image(seed: int) -> None:
    image = (np.arange(20 * 30).reshape(20, 30) + 1).astype(np.complex64)
    patch = random_crop(image, 8, np.random.default_rng(seed))
    assert patch.shape == (8, 8)
    assert np.unique(patch).size == 64
    assert np.isin(patch, image).all()
    steps = {abs(float(np.diff(patch.real, axis=axis)[0, 0])) for axis in (0, 1)}
    assert steps == {1.0, 30.0}  # neighbours stay neighbours, whichever way it is turned


def test_crop_pads_small_images() -> None:
    image = np.ones((6, 20), np.complex64)
    patch = random_crop(image, 12, np.random.default_rng(0))
    assert patch.shape == (12, 12)
    assert patch.sum() == 72
