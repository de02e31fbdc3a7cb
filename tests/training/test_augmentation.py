import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.training import Augmentation
from invdiff.training.augmentation import random_crop, random_phase
from invdiff.training.contrast import change_contrast, monotone_curve
from invdiff.training.resampling import resize, rotate, shift

OFF = Augmentation(
    flips=False, quarter_turns=False, rotation=0, shift=0, resolution=None, whole=0, stretch=0, contrast=0, inverse=0,
    intensity=None, phase=0,
)  # fmt: skip
Y, X = np.mgrid[-1:1:40j, -1:1:48j]
HEAD = (np.exp(-2 * (X**2 + Y**2)) * (1 + 0.2 * np.cos(9 * X) + 0.3 * Y + 0.1 * X)).astype(np.float32)
SEEDS = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, side=st.integers(16, 72), phased=st.booleans())
def test_any_image_becomes_a_finite_complex_square_and_the_same_one_for_the_same_numbers(seed, side, phased) -> None:
    image = HEAD * np.exp(1j * X).astype(np.complex64) if phased else HEAD
    once, again = (Augmentation()(image, side, np.random.default_rng(seed)) for _ in range(2))
    assert once.shape == (side, side)
    assert once.dtype == np.complex64
    assert np.isfinite(once).all()
    np.testing.assert_array_equal(once, again)


def test_all_off_is_a_crop_and_nothing_else() -> None:
    for seed in range(5):
        patch = OFF(HEAD, 24, np.random.default_rng(seed))
        rows, columns = (range(n - 23) for n in HEAD.shape)
        assert any(np.array_equal(HEAD[r : r + 24, c : c + 24], patch) for r in rows for c in columns)
    padded = OFF(HEAD, 60, np.random.default_rng(0))
    np.testing.assert_array_equal(padded[10:50, 6:54], HEAD)
    assert np.count_nonzero(padded) == np.count_nonzero(HEAD)


@pytest.mark.parametrize(
    "switched",
    [
        {"flips": True}, {"quarter_turns": True}, {"rotation": 10}, {"shift": 0.5}, {"resolution": 0.4}, {"whole": 1.0},
        {"contrast": 0.5}, {"inverse": 1.0}, {"intensity": (0.7, 1.2)}, {"phase": 1.0},
    ],
    ids=lambda switched: next(iter(switched)),
)  # fmt: skip
def test_each_switch_changes_something(switched) -> None:
    one = OFF.model_copy(update=switched)
    drawn = [one(HEAD, 40, np.random.default_rng(seed)) for seed in range(8)]
    plain = [OFF(HEAD, 40, np.random.default_rng(seed)) for seed in range(8)]
    assert max(np.abs(a - b).max() for a, b in zip(drawn, plain, strict=True)) > 0.01


def test_a_complex_image_keeps_its_phase() -> None:
    phased = HEAD * np.exp(1j * (X + Y)).astype(np.complex64)
    only_contrast = OFF.model_copy(update={"contrast": 0.5})
    drawn = only_contrast(phased, 60, np.random.default_rng(1))[10:50, 6:54]
    np.testing.assert_allclose(np.angle(drawn), np.angle(phased), atol=1e-5)


def test_whole_shows_all_of_a_large_image() -> None:
    large = np.kron(HEAD, np.ones((4, 4), np.float32))
    whole = OFF.model_copy(update={"whole": 1.0})
    drawn = np.abs(whole(large, 48, np.random.default_rng(0)))
    assert drawn.sum() == pytest.approx(HEAD.sum(), rel=0.35)  # the crop that it would be has a sixteenth of the head


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, side=st.integers(8, 60), strength=st.floats(0.1, 4))
def test_phase_changes_no_magnitude_and_is_smooth(seed, side, strength) -> None:
    phase = random_phase((60, 60), (0, 0), side, strength, np.random.default_rng(seed))
    np.testing.assert_allclose(np.abs(phase), 1, atol=1e-5)


@settings(deadline=None, max_examples=50)
@given(seed=SEEDS, strength=st.floats(0, 2))
def test_curves_rise_from_zero_to_one(seed, strength) -> None:
    curve = monotone_curve(strength, np.random.default_rng(seed))
    assert curve[0] == 0
    assert curve[-1] == 1
    assert (np.diff(curve) > 0).all()


def test_inversion_turns_the_body_over_and_leaves_air_dark() -> None:
    image = np.zeros((64, 64), np.float32)
    image[16:48, 16:48], image[24:40, 24:40] = 0.4, 1.0
    inverted = change_contrast(image, np.linspace(0, 1, 257, dtype=np.float32), darkest=0.1)
    assert inverted[:12].max() == 0
    assert inverted[32, 32] < inverted[20, 20]
    np.testing.assert_array_equal(change_contrast(0 * image, np.linspace(0, 1, 257), None), 0 * image)


def test_whole_pixels_are_a_roll_and_half_pixels_keep_all_energy(noise) -> None:
    image = noise[0]
    np.testing.assert_allclose(shift(image, (3, -5)), np.roll(image, (3, -5), (0, 1)), atol=1e-4)
    smooth = resize(resize(image, (24, 20)), (48, 40))  # nothing at the Nyquist frequency
    moved = shift(smooth, (0.5, 0.3))
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(smooth), rel=1e-4)
    np.testing.assert_allclose(shift(moved, (-0.5, -0.3)), smooth, atol=1e-4)


def test_turning_there_and_back_is_nothing_and_a_turn_is_a_turn() -> None:
    y, x = np.mgrid[-32:32, -32:32]
    blob = np.exp(-((x - 10) ** 2 + y**2) / 30).astype(np.float32)
    turned = rotate(blob, 0.4)
    expected = np.exp(-((x - 10 * np.cos(0.4)) ** 2 + (y - 10 * np.sin(0.4)) ** 2) / 30)
    mirrored = np.exp(-((x - 10 * np.cos(0.4)) ** 2 + (y + 10 * np.sin(0.4)) ** 2) / 30)
    assert min(np.abs(turned - side).max() for side in (expected, mirrored)) < 0.02
    np.testing.assert_allclose(rotate(turned, -0.4), blob, atol=0.02)


def test_coarser_images_keep_their_intensity() -> None:
    assert resize(HEAD, (20, 24)).mean() == pytest.approx(HEAD.mean(), rel=1e-3)


def test_crops_hold_something() -> None:
    image = np.zeros((200, 200), np.float32)
    image[80:120, 80:120] = 1
    found = [random_crop(image, 40, np.random.default_rng(seed))[0].any() for seed in range(60)]
    at_random = [image[r : r + 40, c : c + 40].any() for r, c in np.random.default_rng(0).integers(0, 161, (60, 2))]
    assert np.mean(found) > np.mean(at_random) + 0.1
