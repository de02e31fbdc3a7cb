"""Maps that a known image shows: least squares as a dense oracle solves it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import birdcage_maps, combine, shepp_logan, to_kspace
from invdiff.operators import fourier
from invdiff.reconstruction.smooth_maps import orthonormal, smooth_maps


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def smoothing(shape: tuple[int, int]) -> np.ndarray:
    """W as a matrix, written down anew."""
    k = [np.fft.fftfreq(n) for n in shape]
    weight = (1 + 220 * np.add.outer(k[0] ** 2, k[1] ** 2)) ** -8.0
    columns = np.eye(np.prod(shape)).reshape(-1, *shape)
    return np.fft.ifft2(weight * np.fft.fft2(columns)).reshape(len(columns), -1).T


def dense(y: np.ndarray, mask: np.ndarray, images: np.ndarray, around: np.ndarray, s: float) -> np.ndarray:
    """The same least squares by a matrix for each coil: images (sets, H, W), around (sets, coils, H, W)."""
    n, W = mask.size, smoothing(mask.shape)
    transform = np.stack([to_kspace(e)[mask] for e in np.eye(n).reshape(n, *mask.shape)], axis=1)
    A = np.concatenate([(transform * x.ravel()) @ W for x in images], axis=1)
    found = np.array(around, complex)
    for c in range(around.shape[1]):
        rest = y[c] - sum(transform @ (x * m).ravel() for x, m in zip(images, around[:, c], strict=True))
        u = np.linalg.solve(A.conj().T @ A + (s / 0.3) ** 2 * np.eye(A.shape[1]), A.conj().T @ rest)
        found[:, c] += np.stack([(W @ part).reshape(mask.shape) for part in np.split(u, len(images))])
    return found


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 2), st.integers(1, 3), st.sampled_from([(8, 6), (5, 7)]))
def test_maps_are_the_least_squares_ones(seed: int, sets: int, coils: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < 0.7
    mask[0] = True
    images, around, y = normal(rng, sets, *shape), normal(rng, sets, coils, *shape), normal(rng, coils, mask.sum())
    expected = dense(y, mask, images, around, 0.5)
    one = (lambda array: array[0]) if sets == 1 else (lambda array: array)
    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in (y, one(images), one(around))]
    found = smooth_maps(tensors[0], fourier(mask), *tensors[1:], 0.5).numpy()
    change = np.linalg.norm(one(expected) - one(around))
    assert np.linalg.norm(found - one(expected)) < 0.05 * change
    if sets == 2:  # an oracle that takes the sets for one another is told apart
        assert np.linalg.norm(found - dense(y, mask, images[::-1], around, 0.5)) > 0.05 * change


def test_maps_that_are_wrong_smoothly_are_found_from_undersampled_data() -> None:
    shape = (48, 40)
    image = shepp_logan(shape) + 0.1
    truth = birdcage_maps(4, shape)
    weight = (1 + 220 * np.add.outer(*(np.fft.fftfreq(n) ** 2 for n in shape))) ** -8.0
    wrong = truth + 0.3 * np.fft.ifft2(weight * np.fft.fft2(normal(np.random.default_rng(1), 4, *shape)))
    mask = np.random.default_rng(0).random(shape) < 0.3
    y = to_kspace(image * truth)[:, mask]

    def error(seen: np.ndarray) -> float:
        samples, transform = torch.from_numpy(y.astype(np.complex128)), fourier(mask)
        around = torch.from_numpy(wrong.astype(np.complex128))
        found = smooth_maps(samples, transform, torch.from_numpy(seen.astype(np.complex128)), around, 0.0).numpy()
        return float(np.linalg.norm(found - truth) / np.linalg.norm(wrong - truth))

    assert error(image) < 0.2
    assert error(image[::-1]) > 0.5, "another image shows other maps"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 2), st.integers(2, 5))
def test_orthonormal_maps_make_the_same_coil_images(seed: int, sets: int, coils: int) -> None:
    rng = np.random.default_rng(seed)
    maps, images = normal(rng, sets, coils, 5, 4), normal(rng, sets, 5, 4)
    maps[..., 2, 1] = 0
    one = (lambda array: array[0]) if sets == 1 else (lambda array: array)
    Q, turned = (t.numpy() for t in orthonormal(torch.from_numpy(one(maps)), torch.from_numpy(one(images))))
    Q, turned = (Q, turned) if sets == 2 else (Q[None], turned[None])
    before, after = (np.einsum("schw,shw->chw", *pair) for pair in ((maps, images), (Q, turned)))
    np.testing.assert_allclose(after, before, atol=1e-10)
    power = np.where(maps.any(axis=(0, 1)), 1, 0) * np.eye(sets)[..., None, None]
    np.testing.assert_allclose(np.einsum("schw,tchw->sthw", Q.conj(), Q), power, atol=1e-10)
    np.testing.assert_allclose((np.abs(turned) ** 2).sum(0), (np.abs(before) ** 2).sum(0), atol=1e-9)
    if sets == 2:  # each set made of norm one by itself is not enough
        alone = maps / np.maximum(np.linalg.norm(maps, axis=1, keepdims=True), 1e-300)
        assert np.abs(np.einsum("chw,chw->hw", alone[0].conj(), alone[1])).max() > 0.01


def test_one_set_combines_as_least_squares_does() -> None:
    rng = np.random.default_rng(0)
    maps, image = normal(rng, 3, 4, 4), normal(rng, 4, 4)
    Q, turned = orthonormal(torch.from_numpy(maps), torch.from_numpy(image))
    assert combine((maps * image).astype(np.complex64), Q.numpy().astype(np.complex64)) == pytest.approx(
        turned.numpy().astype(np.complex64), abs=1e-5
    )
