import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from invdiff.classical import best_by_truth, cg_sense, l1_wavelet, total_variation, zero_filled
from invdiff.data import Scan, birdcage_maps, combine, shepp_logan, simulate, to_image, to_kspace
from invdiff.data.masks import random_lines
from invdiff.errors import InputError
from invdiff.metrics import psnr

SHAPE = (32, 32)
PENALISED = [cg_sense, l1_wavelet, total_variation]


@pytest.fixture(scope="module")
def scan() -> Scan:
    return simulate(shepp_logan(SHAPE), coils=4, mask=random_lines(SHAPE, 2, 0.2), noise_std=0.01)


def test_zero_filled_is_the_adjoint(scan: Scan) -> None:
    expected = (scan.maps[0].conj() * to_image(scan.kspace[0])).sum(axis=0)  # maps are normalised
    np.testing.assert_allclose(zero_filled(scan)[0], expected, atol=1e-5)


@pytest.mark.parametrize("method", PENALISED)
def test_better_than_zero_filled_and_free_of_units(method: Callable[..., Any], scan: Scan) -> None:
    image = method(scan, 1e-3)
    assert image.dtype == np.complex64
    assert psnr(scan.ground_truth, image) > psnr(scan.ground_truth, zero_filled(scan)) + 2
    other = dataclasses.replace(scan, kspace=1e-6 * scan.kspace)
    np.testing.assert_allclose(1e6 * method(other, 1e-3), image, atol=1e-3)
    np.testing.assert_array_equal(method(scan, 1e-3), image)


def test_cg_sense_solves_the_normal_equations() -> None:
    shape, weight = (6, 5), 0.1
    mask = random_lines(shape, 2)
    scan = simulate(shepp_logan(shape) + 1j, coils=3, mask=mask, noise_std=0.1)
    columns = [
        (to_kspace(birdcage_maps(3, shape) * unit.reshape(shape)) * mask).ravel()
        for unit in np.eye(30, dtype=np.complex64)
    ]
    matrix = np.stack(columns, axis=1)
    expected = np.linalg.solve(matrix.conj().T @ matrix + weight * np.eye(30), matrix.conj().T @ scan.kspace.ravel())
    np.testing.assert_allclose(cg_sense(scan, weight).ravel(), expected, atol=1e-4)


@pytest.mark.parametrize("method", [l1_wavelet, total_variation])
def test_larger_penalties_shrink_more(method: Callable[..., Any], scan: Scan) -> None:
    weak, strong = (np.linalg.norm(method(scan, weight)) for weight in (1e-4, 1.0))
    assert strong < 0.8 * weak


def test_images_are_zero_where_maps_are(scan: Scan) -> None:
    maps = scan.maps.copy()
    maps[:, :, :8] = 0
    masked = dataclasses.replace(scan, maps=maps)
    for method in (zero_filled, *PENALISED):
        assert (method(masked)[:, :8] == 0).all()


def test_best_by_truth_tries_every_weight(scan: Scan) -> None:
    weights = [1e-4, 1e-2, 10.0]
    best = best_by_truth(partial(cg_sense, scan), weights, scan.ground_truth)
    scores = {weight: psnr(scan.ground_truth, cg_sense(scan, weight)) for weight in weights}
    assert best.psnr == max(scores.values())
    assert scores[best.weight] == best.psnr
    np.testing.assert_array_equal(best.image, cg_sense(scan, best.weight))


def test_refusals(scan: Scan) -> None:
    bare = dataclasses.replace(scan, maps=None, name="knee.h5")
    for method in (zero_filled, *PENALISED):
        with pytest.raises(InputError, match=r"knee\.h5 has no coil maps"):
            method(bare)
    for method in PENALISED:
        for weight in (0.0, -1.0, float("nan")):
            with pytest.raises(InputError, match="positive number"):
                method(scan, weight)
    with pytest.raises(InputError, match="no weights"):
        best_by_truth(partial(cg_sense, scan), [], scan.ground_truth)


def test_truth_is_recovered_from_full_sampling() -> None:
    full = simulate(shepp_logan(SHAPE), coils=4)
    np.testing.assert_allclose(combine(to_image(full.kspace), full.maps), full.ground_truth, atol=1e-5)
    assert psnr(full.ground_truth, cg_sense(full, 1e-6)) > 80
