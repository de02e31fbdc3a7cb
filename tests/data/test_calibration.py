from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.classical import cg_sense, l1_wavelet, of_every_slice
from invdiff.data import (
    Scan,
    birdcage_maps,
    calibrate,
    check_maps,
    combine_slices,
    noise_of_scan,
    one_image,
    prewhiten,
    read_scan,
    separate,
    shepp_logan,
    simulate,
    to_image,
    to_kspace,
)
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.reconstruction import ScanCases, scan_cases

NOISE = 0.002
SIDE = 64
MASK = equispaced((SIDE, SIDE), 3, 20)


def wrapped_scan() -> Scan:
    """An object wider than the field of view, whose ends fall onto each other."""
    wide = np.zeros((SIDE, 2 * SIDE), np.complex64)
    width = 2 * int(0.94 * SIDE)
    wide[:, SIDE - width // 2 : SIDE + width // 2] = shepp_logan((SIDE, width))
    kspace = to_kspace(birdcage_maps(8, wide.shape) * wide)[..., ::2]
    parts = np.random.default_rng(0).standard_normal((2, *kspace.shape))
    return Scan((kspace + NOISE * (parts[0] + 1j * parts[1])).astype(np.complex64)[None], name="wrapped")


def plain_scan() -> Scan:
    return Scan(simulate(shepp_logan((SIDE, SIDE)), coils=8, noise_std=NOISE).kspace, name="plain")


def test_an_object_larger_than_the_field_of_view_takes_two_sets() -> None:
    full = wrapped_scan()
    scan = full.undersample(MASK)
    found = calibrate(scan, NOISE)
    one = calibrate(scan, NOISE, sets=1)
    assert (found.sets, one.sets) == (2, 1)
    assert found.maps.shape == (1, 2, 8, SIDE, SIDE)
    assert found.excess < 0.35 * one.excess
    assert found.noise_residual < found.residual < one.residual

    def seen_through(maps: np.ndarray) -> ScanCases:
        return scan_cases(replace(scan, maps=maps, mask=MASK), "sense", noise_std=NOISE)

    def error(maps: np.ndarray) -> float:
        """Of the coil images that CG-SENSE finds, against those of the full data."""
        truth = combine_slices(to_image(full.kspace), maps)
        image = of_every_slice(cg_sense, seen_through(maps))(1e-3)
        return float(np.linalg.norm(np.abs(image) - np.abs(truth)) / np.linalg.norm(truth))

    assert error(found.maps) < 0.7 * error(one.maps)
    with pytest.raises(InputError, match="one map set"):
        of_every_slice(l1_wavelet, seen_through(found.maps))(1e-3)


def test_an_ordinary_scan_takes_one() -> None:
    found = calibrate(plain_scan().undersample(MASK), NOISE)
    assert found.sets == 1
    assert found.maps.shape == (1, 8, SIDE, SIDE)
    assert found.crop == 0.9
    assert found.explains


@pytest.mark.parametrize("name", ["brain_pulseq_16ch", "brain_librehub_8ch"])
def test_measured_brains_are_explained_by_one_set_as_well_as_noise_allows(shared_data: Path, name: str) -> None:
    full = read_scan(shared_data / "kspace" / f"{name}.h5")
    scan = full.undersample(equispaced(full.image_shape, 4, 20))
    outer = scan.kspace[..., -12:][..., scan.sampled[0, -12:]].swapaxes(0, 1).reshape(scan.coils, -1)
    noise = noise_of_scan(outer)  # holds little signal here
    white = replace(scan, kspace=prewhiten(scan.kspace, noise.covariance), mask=scan.sampled)
    found = calibrate(white, noise.std)
    assert found.sets == 1
    assert found.residual == pytest.approx(found.noise_residual, rel=0.15)


def test_maps_of_another_scan_do_not_explain() -> None:
    scan = plain_scan().undersample(MASK)
    true = simulate(shepp_logan((SIDE, SIDE)), coils=8).maps
    assert check_maps(scan, true, NOISE).explains
    foreign = check_maps(scan, true[:, [3, 1, 7, 0, 5, 2, 6, 4]], NOISE)
    assert not foreign.explains
    assert foreign.residual > 10 * foreign.noise_residual


def test_what_is_asked_for_is_taken() -> None:
    scan = plain_scan().undersample(MASK)
    assert calibrate(scan, NOISE, sets=2).sets == 2
    assert calibrate(scan, NOISE, crop=0.3, sets=1).crop == 0.3
    with pytest.raises(InputError, match="one map set, or two, but not 3"):
        calibrate(scan, NOISE, sets=3)
    with pytest.raises(InputError, match=r"plain: no pixel has an ESPIRiT eigenvalue above crop = 2"):
        calibrate(scan, NOISE, crop=2, sets=1)
    with pytest.raises(InputError, match="plain: ESPIRiT needs"):
        calibrate(plain_scan().undersample(equispaced((SIDE, SIDE), 3, 2)), NOISE)


@settings(deadline=None, max_examples=10)
@given(sets=st.integers(1, 3), seed=st.integers(0, 99))
def test_separate_is_least_squares(sets: int, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)

    maps, images, noise = draw(2, sets, 5, 3, 4), draw(2, sets, 3, 4), draw(2, 5, 3, 4)
    maps[:, :, :, 0, 0] = 0
    seen = (maps * images[:, :, None]).sum(axis=1)
    found = separate(seen, maps)
    assert (found[..., 0, 0] == 0).all()
    np.testing.assert_allclose(found[..., 1:, :], images[..., 1:, :], atol=2e-3)
    left = seen + noise - (maps * separate(seen + noise, maps)[:, :, None]).sum(axis=1)
    np.testing.assert_allclose((maps.conj() * left[:, None]).sum(axis=2), 0, atol=2e-3)  # orthogonal to every map


def test_one_image_has_the_energy_of_all_and_the_phase_of_the_first() -> None:
    images = np.array([[[3j]], [[4]]], np.complex64)
    np.testing.assert_allclose(one_image(images), [[5j]], atol=1e-6)
