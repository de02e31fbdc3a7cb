import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import normalised_before_whitening, prewhiten, shrunk_covariance, whitening
from invdiff.errors import InputError

DRAWS = {"coils": st.integers(1, 9), "seed": st.integers(0, 999), "scale": st.sampled_from([1e-15, 1e-3, 1.0, 1e15])}


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def covariance_of(rng: np.random.Generator, coils: int) -> np.ndarray:
    factor = draw(rng, coils, coils)
    return factor @ factor.conj().T + 0.1 * np.eye(coils)


@settings(deadline=None, max_examples=40)
@given(**DRAWS)
def test_noise_becomes_white_at_its_mean_variance(coils: int, seed: int, scale: float) -> None:
    covariance = scale**2 * covariance_of(np.random.default_rng(seed), coils)
    W = whitening(covariance)
    level = np.trace(covariance).real / coils
    np.testing.assert_allclose(W @ covariance @ W.conj().T / level, np.eye(coils), atol=1e-9)
    np.testing.assert_allclose(whitening(scale * covariance), W, atol=1e-9)  # of the shape of the covariance alone


@settings(deadline=None, max_examples=40)
@given(**DRAWS)
def test_intensities_are_those_of_the_coils_themselves(coils: int, seed: int, scale: float) -> None:
    """Coil images S x, |S| = 1, whitened and combined by the rescaled maps of the virtual coils, have magnitude |x|."""
    rng = np.random.default_rng(seed)
    covariance, image = scale * covariance_of(rng, coils), draw(rng, 3, 4)
    S = draw(rng, coils, 3, 4)
    S /= np.linalg.norm(S, axis=0)
    S[:, 0, 0] = 0  # background
    seen = prewhiten((S * image).astype(np.complex64), covariance)
    estimated = prewhiten(S.astype(np.complex64), covariance)
    estimated = estimated / np.maximum(np.linalg.norm(estimated, axis=0), 1e-30)  # as ESPIRiT gives them

    def combined(maps: np.ndarray) -> np.ndarray:
        power = (np.abs(maps) ** 2).sum(axis=0)
        return np.abs((maps.conj() * seen).sum(axis=0)[1:] / power[1:])

    rescaled = normalised_before_whitening(estimated, covariance)
    np.testing.assert_allclose(combined(rescaled), np.abs(image)[1:], rtol=1e-3)
    assert not rescaled[:, 0, 0].any()
    if coils > 3:  # without it intensities are wrong
        assert np.abs(combined(estimated) / np.abs(image)[1:] - 1).max() > 0.01


def test_several_map_sets_are_rescaled_one_by_one() -> None:
    rng = np.random.default_rng(0)
    maps, covariance = draw(rng, 2, 2, 5, 3, 4).astype(np.complex64), covariance_of(rng, 5)
    both = normalised_before_whitening(maps, covariance)
    np.testing.assert_allclose(both[:, 1], normalised_before_whitening(maps[:, 1], covariance), rtol=1e-5)


@settings(deadline=None, max_examples=20)
@given(coils=st.integers(4, 12), seed=st.integers(0, 999), unequal=st.booleans())
def test_a_shrunk_covariance_is_nearer_and_can_be_inverted(coils: int, seed: int, unequal: bool) -> None:
    """With as few samples as coils, on the average of some draws; and the mean variance is kept."""
    rng = np.random.default_rng(seed)
    true = np.diag(rng.uniform(0.25, 4, coils)) if unequal else np.eye(coils)
    errors = np.zeros(2)
    for _ in range(20):
        samples = np.linalg.cholesky(true) @ draw(rng, coils, coils)
        plain, shrunk = samples @ samples.conj().T / (2 * coils), shrunk_covariance(samples)
        errors += [np.linalg.norm(plain - true), np.linalg.norm(shrunk - true)]
        assert np.trace(shrunk) == pytest.approx(np.trace(plain))
        np.testing.assert_array_equal(shrunk, shrunk.conj().T)
        assert np.linalg.eigvalsh(shrunk)[0] > 0
    assert errors[1] < errors[0]


def test_many_samples_are_hardly_shrunk() -> None:
    rng = np.random.default_rng(1)
    true = covariance_of(rng, 4)
    samples = np.linalg.cholesky(true) @ draw(rng, 4, 40000)
    np.testing.assert_allclose(shrunk_covariance(samples), true, atol=0.02 * np.trace(true).real)


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 2\), but there are 3 coils"):
        prewhiten(np.ones((3, 4, 4), np.complex64), np.eye(2, dtype=complex))
    with pytest.raises(InputError, match="not positive definite"):
        prewhiten(np.ones((2, 4, 4), np.complex64), np.ones((2, 2), complex))
