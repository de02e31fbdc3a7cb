"""Maps refined with the image where they explain samples held back better, and left alone where not."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from invdiff.cli.options import maps_of
from invdiff.data import Scan, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import FolderStore, ScanCases, known_maps, scan_cases

SHAPE = (48, 48)
FULL = simulate(np.abs(shepp_logan(SHAPE)), coils=6, noise_std=0.002, phase="none")
MASK = equispaced(SHAPE, 3, 10)
MEAN = torch.from_numpy(np.stack([FULL.ground_truth[0].real, FULL.ground_truth[0].imag]))
PRIOR = GaussianPrior(MEAN, 0.03 * torch.ones(2, *SHAPE))
rng = np.random.default_rng(0)
WEIGHT = (1 + 220 * np.add.outer(*(np.fft.fftfreq(n) ** 2 for n in SHAPE))) ** -8.0
CHANGE = np.fft.ifft2(WEIGHT * np.fft.fft2(rng.standard_normal(FULL.maps.shape))).astype(np.complex64)


def seen_through(given: np.ndarray, **assumed: str) -> ScanCases:
    return scan_cases(Scan(FULL.kspace, maps=given, noise_std=0.002), "sense", mask=MASK, **assumed)


@pytest.fixture(scope="module")
def wrong() -> ScanCases:
    """Of a scan with maps that are wrong, smoothly."""
    return seen_through(FULL.maps + 6 * CHANGE, maps="joint")


def distance(maps: np.ndarray) -> float:
    """Of maps from the true ones, but for the phase that is the image's as well."""
    alike = np.abs((maps.conj() * FULL.maps).sum(axis=1)) / np.linalg.norm(maps, axis=1)
    return float(np.sqrt(1 - np.minimum(alike[np.abs(FULL.ground_truth) > 0.1], 1) ** 2).mean())


def test_wrong_maps_are_refined(wrong: ScanCases) -> None:
    found = known_maps(wrong, PRIOR)
    told = found.preparation.held_back
    assert told.is_refined
    assert told.gain > 1.2
    assert found.preparation.report[-1] == (
        f"coil maps refined with the image: held-back samples explained {told.gain:.2f} times better"
    )
    assert found.preparation.attributes["maps_refined"]
    assert found.preparation.warnings == ()
    assert distance(found.prepared(0).maps) < 0.5 * distance(wrong.prepared(0).maps)
    assert known_maps(found, PRIOR) is found


def test_true_maps_are_kept() -> None:
    cases = seen_through(FULL.maps, maps="joint")
    found = known_maps(cases, PRIOR)
    assert not found.preparation.held_back.is_refined
    assert found.preparation.report[-1].startswith("coil maps kept as estimated")
    np.testing.assert_array_equal(found.prepared(0).maps, FULL.maps)


def test_refined_maps_are_the_same_wherever_and_however_often_they_are_made(wrong: ScanCases, tmp_path) -> None:
    found = known_maps(wrong, PRIOR, store=FolderStore(tmp_path))
    again = known_maps(wrong, PRIOR, store=FolderStore(tmp_path))
    elsewhere = pickle.loads(pickle.dumps(found))
    for other in (again, elsewhere):
        np.testing.assert_array_equal(other.prepared(0).maps, found.prepared(0).maps)
        assert other.fingerprint(0) == found.fingerprint(0)
    assert found.fingerprint(0) != wrong.fingerprint(0)
    another = GaussianPrior(MEAN, 0.04 * torch.ones(2, *SHAPE))
    assert known_maps(wrong, another).fingerprint(0) != found.fingerprint(0), "maps depend on the prior"


def test_maps_are_looked_at_where_that_is_asked_for_or_they_are_in_doubt() -> None:
    measured = Scan(FULL.kspace, noise_std=0.002)
    assert scan_cases(measured, "sense", mask=MASK, maps="joint").map_choices == (1, 2)
    assert scan_cases(measured, "sense", mask=MASK, maps="joint", map_sets=1).map_choices == (1,)
    assert scan_cases(measured, "sense", mask=MASK, maps="estimated").map_choices == ()
    explained = scan_cases(measured, "sense", mask=MASK)
    assert explained.map_choices == (() if explained.preparation.calibration.explains else (1, 2))
    assert known_maps(explained, PRIOR) is explained or explained.map_choices
    assert seen_through(FULL.maps + 6 * CHANGE).map_choices == (), "maps that are given stay"


def test_where_nothing_can_be_held_back_maps_stay() -> None:
    full = scan_cases(Scan(FULL.kspace, maps=FULL.maps, noise_std=0.002), "sense", maps="joint")
    found = known_maps(full, PRIOR)
    assert found.joint is None
    assert found.preparation.held_back is None


def test_two_sets_that_were_asked_for_are_refined_as_two() -> None:
    cases = scan_cases(Scan(FULL.kspace, noise_std=0.002), "sense", mask=MASK, maps="joint", map_sets=2)
    maps, image = known_maps(cases, PRIOR).prepared(0).maps, cases.problem(0).operator.domain_shape
    assert maps.shape == (1, 2, 6, *SHAPE)
    assert image == (2, *SHAPE)


def test_the_option_names_a_file_or_how_maps_are_found() -> None:
    assert maps_of(None) == (None, None)
    assert maps_of("joint") == (None, "joint")
    assert maps_of("./joint") == (Path("joint"), None)
