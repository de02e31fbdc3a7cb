"""Maps refined with the image of a scan along a trajectory: as on a grid, by the samples themselves."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import radial, shepp_logan, simulate_along
from invdiff.operators import NonUniformFourier, fourier
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import ScanCases, known_maps, scan_cases
from invdiff.reconstruction.smooth_maps import smooth_maps

SHAPE = (48, 48)
SCAN = simulate_along(np.abs(shepp_logan(SHAPE)), radial(30, 96), coils=6, noise_std=0.002, phase="none")
TRUTH = SCAN.ground_truth[0]
MEAN = torch.from_numpy(np.stack([TRUTH.real, TRUTH.imag]))
PRIOR = GaussianPrior(MEAN, 0.03 * torch.ones(2, *SHAPE))
WEIGHT = (1 + 220 * np.add.outer(*(np.fft.fftfreq(n) ** 2 for n in SHAPE))) ** -8.0
NOISE = np.random.default_rng(0).standard_normal(SCAN.maps.shape)
WRONG = SCAN.maps + 6 * np.fft.ifft2(WEIGHT * np.fft.fft2(NOISE)).astype(np.complex64)


def seen_through(maps: np.ndarray) -> ScanCases:
    return scan_cases(replace(SCAN, maps=maps, ground_truth=None), "non-cartesian", maps="joint")


def distance(maps: np.ndarray) -> float:
    """Of maps from the true ones, but for the phase that is the image's as well."""
    alike = np.abs((maps.conj() * SCAN.maps).sum(axis=1)) / np.linalg.norm(maps, axis=1)
    return float(np.sqrt(1 - np.minimum(alike[np.abs(SCAN.ground_truth) > 0.1], 1) ** 2).mean())


def test_wrong_maps_are_refined() -> None:
    wrong = seen_through(WRONG)
    found = known_maps(wrong, PRIOR)
    assert found.preparation.held_back.is_refined
    assert found.preparation.held_back.gain > 1.2
    assert distance(found.prepared(0).maps) < 0.5 * distance(wrong.prepared(0).maps)
    assert found.fingerprint(0) != wrong.fingerprint(0)


def test_true_maps_are_kept() -> None:
    found = known_maps(seen_through(SCAN.maps), PRIOR)
    assert not found.preparation.held_back.is_refined
    np.testing.assert_array_equal(found.prepared(0).maps, SCAN.maps)


def test_too_few_readouts_leave_maps_as_they_are() -> None:
    few = simulate_along(TRUTH, radial(1, 96), coils=6, noise_std=0.002, phase="none")
    cases = scan_cases(replace(few, ground_truth=None), "non-cartesian", maps="joint")
    assert known_maps(cases, PRIOR).preparation.held_back is None


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16), sets=st.integers(1, 2))
def test_on_the_points_of_a_grid_maps_are_those_of_the_grid(seed: int, sets: int) -> None:
    shape, rng = (8, 6), np.random.default_rng(seed)

    def normal(*sides: int) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal(sides) + 1j * rng.standard_normal(sides))

    mask = rng.random(shape) < 0.7
    mask[0] = True
    points = (np.argwhere(mask) - np.array(shape) // 2) / shape
    image, around = normal(sets, *shape), normal(sets, 3, *shape)
    image, around = (image, around) if sets == 2 else (image[0], around[0])
    y = normal(3, int(mask.sum()))
    on, off = (
        smooth_maps(y, transform, image, around, 0.5)
        for transform in (fourier(mask), NonUniformFourier(torch.from_numpy(points), shape))
    )
    torch.testing.assert_close(off, on, atol=1e-6, rtol=1e-6)
    turned = smooth_maps(y, NonUniformFourier(torch.from_numpy(-points), shape), image, around, 0.5)
    assert float((turned - on).norm()) > 1e-2 * float(on.norm())


def test_maps_in_doubt_are_looked_at_unasked() -> None:
    bare = replace(SCAN, maps=None, ground_truth=None)
    cases = scan_cases(bare, "non-cartesian")
    assert cases.map_choices == (() if cases.preparation.calibration.explains else (1, 2))
    assert scan_cases(bare, "non-cartesian", maps="joint").map_choices == (1, 2)
    assert scan_cases(bare, "non-cartesian", maps="estimated").map_choices == ()
    assert pytest.approx(cases.noise_std, rel=0.7) == 0.002
