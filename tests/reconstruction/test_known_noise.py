"""The noise level that a reconstruction stands on: looked at again where it is in doubt, and left alone where not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from invdiff.data import Scan, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.data.picture import Picture
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Cases, known_noise, picture_cases, scan_cases

NOISE = 0.01
SHAPE = (48, 48)
FULL = simulate(np.abs(shepp_logan(SHAPE)), coils=6, noise_std=NOISE)
MASK = equispaced(SHAPE, 3, 10)
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))


def within_two_per_cent(cases: Cases) -> Cases:
    assert cases.preparation is not None
    assert cases.preparation.noise_std == pytest.approx(NOISE, rel=0.03)
    return replace(cases, preparation=replace(cases.preparation, noise_uncertainty=0.02))


@pytest.fixture(scope="module")
def cases() -> Cases:
    """Of a scan with the true maps, its noise not given and known within two per cent."""
    return within_two_per_cent(scan_cases(Scan(FULL.kspace, maps=FULL.maps), "sense", mask=MASK))


def in_doubt(cases: Cases) -> Cases:
    """The same, its noise taken for three times what it is, and not well known."""
    assert cases.preparation is not None
    return replace(
        cases,
        preparation=replace(cases.preparation, noise_std=3 * NOISE, noise_uncertainty=0.5),
    )


def test_a_level_in_doubt_is_found(cases: Cases) -> None:
    doubtful = in_doubt(cases)
    found = known_noise(doubtful, PRIOR)
    assert found.measured.noise_std == pytest.approx(NOISE, rel=0.1)
    assert f"noise {found.measured.noise_std:.3g} in each" in found.description
    assert found.preparation.known_noise_std == found.measured.noise_std
    assert known_noise(doubtful, PRIOR).measured.noise_std == found.measured.noise_std, "the same every time"


def test_a_level_that_is_known_is_kept(cases: Cases) -> None:
    assert cases.preparation.is_settled
    assert known_noise(cases, PRIOR) is cases


def test_a_level_that_was_given_is_kept() -> None:
    given = scan_cases(Scan(FULL.kspace, maps=FULL.maps), "sense", mask=MASK, noise_std=0.03)
    assert known_noise(given, PRIOR) is given


def test_misfit_is_no_noise(cases: Cases) -> None:
    """Maps that do not explain the data: the residual is what the data term assumes, and the noise is told apart."""
    turned = np.ascontiguousarray(np.roll(FULL.maps, 4, axis=-1))
    wrong = within_two_per_cent(scan_cases(Scan(FULL.kspace, maps=turned), "sense", mask=MASK))
    found = known_noise(wrong, PRIOR)
    assert found.preparation.known_noise_std == pytest.approx(NOISE, rel=0.1)
    assert found.measured.noise_std > 1.5 * NOISE
    assert found.measured.noise_std == found.preparation.data_noise_std


def test_pictures_are_left_alone() -> None:
    picture = picture_cases(Picture(np.abs(shepp_logan((16, 16)))[None], noise_std=0.1), "denoise")
    assert known_noise(picture, PRIOR) is picture
