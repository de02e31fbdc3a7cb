from dataclasses import replace

import numpy as np
import pytest
import torch

from invdiff.classical import rivals
from invdiff.data import Picture, Scan, combine, noise_std, shepp_logan, simulate, to_image
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.reconstruction import picture_cases, scan_cases

SHAPE = (32, 28)
MASK = equispaced(SHAPE, 2, 12)
FULL = simulate(np.stack([shepp_logan(SHAPE), shepp_logan(SHAPE)[::-1]]), coils=4, noise_std=0.01)
MEASURED = Scan(FULL.kspace)  # nothing but k-space


def test_maps_see_the_calibration_region_alone() -> None:
    cases = scan_cases(MEASURED, "sense", mask=MASK, noise_std=0.01)
    elsewhere = np.where((np.abs(np.arange(28) - 14) > 8), 3 * MEASURED.kspace + 1, MEASURED.kspace)
    other = scan_cases(Scan(elsewhere), "sense", mask=MASK, noise_std=0.01)
    np.testing.assert_array_equal(other.measured.maps, cases.measured.maps)
    centre = np.where((np.abs(np.arange(28) - 14) < 4), 3 * MEASURED.kspace + 1, MEASURED.kspace)
    assert (scan_cases(Scan(centre), "sense", mask=MASK, noise_std=0.01).measured.maps != cases.measured.maps).any()
    truth = combine(to_image(MEASURED.kspace), cases.measured.maps)
    np.testing.assert_array_equal(cases.ground_truth, truth)


def test_what_the_file_knows_is_kept() -> None:
    cases = scan_cases(FULL, "sense", mask=MASK)
    np.testing.assert_array_equal(cases.measured.maps, FULL.maps)
    np.testing.assert_array_equal(cases.ground_truth, FULL.ground_truth)
    assert cases.measured.noise_std == 0.01
    assert cases.target == "the ground truth of the file"
    assert scan_cases(FULL, "sense", mask=MASK, noise_std=0.5).measured.noise_std == 0.5


def test_noise_is_estimated_from_sampled_data() -> None:
    scan = replace(FULL, noise_std=None)
    cases = scan_cases(scan, "sense", mask=MASK)
    kept = scan.undersample(MASK)
    assert cases.measured.noise_std == noise_std(kept.kspace, kept.mask)
    assert cases.measured.noise_std != noise_std(scan.kspace)


def test_a_truth_needs_full_data() -> None:
    once = MEASURED.undersample(MASK)
    assert scan_cases(once, "sense").ground_truth is None
    assert scan_cases(once, "sense", mask=equispaced(SHAPE, 4, 12)).ground_truth is None
    assert scan_cases(MEASURED, "sense").ground_truth is None  # it is what there is to reconstruct
    assert rivals(scan_cases(once, "sense")) == {}


@pytest.mark.parametrize("operator", ["sense", "fourier"])
def test_problems_measure_the_truth(operator: str) -> None:
    scan = simulate(np.stack([shepp_logan(SHAPE)] * 2), coils=1 if operator == "fourier" else 4, mask=MASK)
    problems = list(scan_cases(scan, operator, noise_std=0.0))
    assert len(problems) == 2
    for problem, truth in zip(problems, scan.ground_truth, strict=True):
        torch.testing.assert_close(problem.operator(torch.from_numpy(truth)), problem.y, atol=1e-5, rtol=1e-4)


def test_refusals() -> None:
    with pytest.raises(InputError, match="4 coils, but the operator fourier is for one"):
        scan_cases(MEASURED, "fourier")
    with pytest.raises(InputError, match="ground_truth is zero everywhere"):
        scan_cases(replace(FULL, ground_truth=0 * FULL.ground_truth), "sense")
    with pytest.raises(InputError, match="noise_std is nan"):
        scan_cases(FULL, "sense", noise_std=np.nan)
    with pytest.raises(InputError, match="no dataset 'mask'"):
        picture_cases(Picture(np.ones((1, 4, 4)), noise_std=0.1), "inpainting")


def test_flipped_arrays() -> None:
    flipped = replace(FULL, kspace=FULL.kspace[..., ::-1], maps=FULL.maps[::-1], ground_truth=None)
    assert scan_cases(flipped, "sense").zero_filled.shape == (2, *SHAPE)
    picture = Picture(
        np.random.default_rng(0).random((1, 12, 12), np.float32)[:, ::-1], np.eye(12, dtype=bool)[::-1], 0.1
    )
    assert picture_cases(picture, "inpainting").zero_filled.shape == (1, 12, 12)


def test_pictures_are_real_or_complex() -> None:
    image = np.random.default_rng(0).random((2, 12, 12), np.float32)
    real = picture_cases(Picture(image), "denoise")
    assert not real.is_complex
    assert [problem.y.dtype for problem in real] == [torch.float32] * 2
    mask = image[0] > 0.3
    crooked = picture_cases(Picture(image * np.complex64(1j), mask, 0.1), "inpainting")
    assert crooked.is_complex
    assert [tuple(problem.y.shape) for problem in crooked] == [(mask.sum(),)] * 2
    np.testing.assert_array_equal(crooked.zero_filled, np.where(mask, image * 1j, 0))
    assert rivals(crooked) == {}


def test_description_says_what_is_there() -> None:
    cases = scan_cases(FULL, "sense", mask=MASK)
    rate = f"{28 / MASK[0].sum():.2f}"
    assert cases.description == (
        f"simulated: 2 slice(s) of 32 x 28, 4 coils, acceleration {rate}, noise 0.01 in each real number"
    )


@pytest.mark.parametrize("operator", ["sense", "denoise"])
def test_initial_images_go_with_their_slices(operator: str) -> None:
    rng = np.random.default_rng(0)
    initial = (rng.standard_normal((2, *SHAPE)) + 1j * rng.standard_normal((2, *SHAPE))).astype(np.complex64)
    images = Picture(np.abs(initial), noise_std=0.1)
    cases = scan_cases(FULL, "sense", mask=MASK) if operator == "sense" else picture_cases(images, "denoise")
    assert [problem.initial for problem in cases] == [None, None]
    begun = replace(cases, initial=initial[:, ::-1])  # flipped, as a view
    for problem, bare, image in zip(begun, cases, initial, strict=True):
        np.testing.assert_array_equal(problem.initial.numpy(), image[::-1])
        assert torch.equal(problem.y, bare.y)
        assert problem.noise_std == bare.noise_std
    np.testing.assert_array_equal(begun.zero_filled, cases.zero_filled)


@pytest.mark.parametrize("shape", [SHAPE, (1, *SHAPE), (2, *SHAPE[::-1]), (2, 4, *SHAPE)])
def test_initial_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"start from have shape .*, but the slices have \(2, 32, 28\)"):
        replace(scan_cases(FULL, "sense", mask=MASK), initial=np.ones(shape))
