import dataclasses
from pathlib import Path

import numpy as np
import pytest

from invdiff.data import (
    Scan,
    birdcage_maps,
    calibration_region,
    combine,
    espirit_maps,
    estimate_maps,
    read_scan,
    shepp_logan,
    simulate,
    to_image,
)
from invdiff.data.masks import equispaced
from invdiff.errors import InputError


@pytest.fixture(scope="module")
def scan() -> Scan:
    return simulate(shepp_logan((48, 40)), coils=5, noise_std=1e-3, seed=1)


def unexplained(kspace: np.ndarray, maps: np.ndarray) -> float:
    images = to_image(kspace)
    return float(np.linalg.norm(images - maps * combine(images, maps)) / np.linalg.norm(images))


def test_maps_are_normalised_and_explain_the_scan(scan: Scan) -> None:
    maps = espirit_maps(scan.kspace[0], (24, 24))
    power = (np.abs(maps) ** 2).sum(axis=0)
    assert maps.dtype == np.complex64
    assert np.all((np.abs(power - 1) < 1e-5) | (power == 0))
    assert unexplained(scan.kspace[0], maps) < 0.06
    assert unexplained(scan.kspace[0], maps[::-1]) > 0.3


def test_maps_find_the_coils_that_made_the_scan(scan: Scan) -> None:
    maps, true = espirit_maps(scan.kspace[0], (32, 32)), scan.maps[0]
    inside = np.abs(scan.ground_truth[0]) > 0.1
    agreement = np.abs((maps.conj() * true).sum(axis=0))[inside]  # one where equal up to a phase
    assert np.median(agreement) > 0.999


def test_equal_to_sigpy_on_a_square(scan: Scan) -> None:
    from sigpy.mri.app import EspiritCalib

    ours = espirit_maps(scan.kspace[0], (24, 24), crop=0.9)
    theirs = EspiritCalib(scan.kspace[0].copy(), calib_width=24, crop=0.9, max_iter=300, show_pbar=False).run()
    support = np.abs(ours).any(axis=0)
    assert np.mean(support != np.abs(theirs).any(axis=0)) < 0.01
    overlap = np.abs((ours.conj() * theirs).sum(axis=0))[support & np.abs(theirs).any(axis=0)]
    assert np.quantile(overlap, 0.05) > 0.999


def test_nothing_outside_the_calibration_region_is_seen(scan: Scan) -> None:
    k = scan.kspace[0]
    other = np.where(equispaced((48, 40), every=10**6, centre_lines=12, offset=26), k, 1e3 * k[:, ::-1, ::-1] + 7)
    centre = slice(20 - 6, 20 + 6)
    np.testing.assert_array_equal(k[:, :, centre], other[:, :, centre])
    np.testing.assert_array_equal(espirit_maps(k, (48, 12)), espirit_maps(other, (48, 12)))
    inside = k.copy()
    inside[:, 24, 20] *= 1.5
    assert (espirit_maps(inside, (48, 12)) != espirit_maps(k, (48, 12))).any()


def test_estimates_from_the_fully_sampled_centre(scan: Scan) -> None:
    under = scan.undersample(equispaced((48, 40), 4, 16))
    maps = estimate_maps(under)
    assert maps.shape == scan.kspace.shape
    np.testing.assert_array_equal(maps[0], espirit_maps(scan.kspace[0], calibration_region(under.mask)))


def test_one_coil_has_a_map_of_ones() -> None:
    assert (estimate_maps(simulate(shepp_logan((16, 16)), coils=1)) == 1).all()


@pytest.mark.parametrize(
    ("region", "words"), [((5, 20), "at least 6 x 6"), ((48, 64), "not 48 x 64"), ((0, 0), "not 0 x 0")]
)
def test_regions_that_do_not_do(scan: Scan, region: tuple[int, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        espirit_maps(scan.kspace[0], region)


def test_refusals_name_the_scan(scan: Scan) -> None:
    thin = dataclasses.replace(scan.undersample(equispaced((48, 40), 4, 2)), name="knee.h5")
    with pytest.raises(InputError, match=r"knee\.h5: ESPIRiT needs"):
        estimate_maps(thin)
    with pytest.raises(InputError, match="above crop"):
        espirit_maps(scan.kspace[0], (24, 24), crop=2)
    with pytest.raises(InputError, match="holds no signal"):
        espirit_maps(0 * scan.kspace[0], (24, 24))
    with pytest.raises(InputError, match="at least one coil"):
        birdcage_maps(0, (8, 8))


def test_combine_is_least_squares() -> None:
    rng = np.random.default_rng(0)
    maps = (rng.standard_normal((3, 4, 5)) + 1j * rng.standard_normal((3, 4, 5))).astype(np.complex64)
    maps[:, 0, 0] = 0
    images = (rng.standard_normal((2, 3, 4, 5)) + 0j).astype(np.complex64)
    combined = combine(images, maps)
    assert (combined[:, 0, 0] == 0).all()
    expected = np.linalg.lstsq(maps[:, 2, 3][:, None], images[1, :, 2, 3], rcond=None)[0][0]
    assert combined[1, 2, 3] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("centre_lines", [10, 20])
def test_measured_scan_is_explained_from_few_lines(shared_data: Path, centre_lines: int) -> None:
    full = read_scan(shared_data / "kspace" / "brain_pulseq_16ch.h5")
    maps = estimate_maps(full.undersample(equispaced(full.image_shape, 4, centre_lines)))
    assert unexplained(full.kspace, maps) < 0.165  # noise alone leaves 0.160
    assert 0.4 < np.abs(maps).any(axis=(0, 1)).mean() < 0.65  # the head, not the air around it
