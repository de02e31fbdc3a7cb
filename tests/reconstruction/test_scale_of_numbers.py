"""Numbers of raw data have no units that forbid any of them, so the scale of a scan is nothing to its image."""

import warnings

import numpy as np
import pytest
import torch

from invdiff.data import Scan, shepp_logan, simulate
from invdiff.data.interpretation import interpreted
from invdiff.data.masks import equispaced
from invdiff.diffusion import TwoChannel
from invdiff.errors import InputError
from invdiff.methods import fast
from invdiff.priors import EDM, Prior, ScorePrior, UNet
from invdiff.priors.base import Intensity
from invdiff.reconstruction import Reconstruction, reconstruct, scan_cases

SHAPE = (28, 24)
SCALES = [1e-36, 1e-25, 1e18, 1e25, 1e34]


def measured(coils: int) -> Scan:
    return simulate(shepp_logan(SHAPE), coils=coils, mask=equispaced(SHAPE, 2, 12), noise_std=0.02)


def prior() -> Prior:
    torch.manual_seed(0)
    unet = UNet(channels=2, widths=(4,), blocks=1, embedding=4)
    torch.nn.init.normal_(unet.conv_out.weight, std=0.1)
    return ScorePrior(unet, EDM(0.2), channels=(2,), sigma_range=(0.01, 10.0), intensity=Intensity(99.0, 1.0))


def reconstructed(scan: Scan, scale: float) -> Reconstruction:
    """Of a scan whose numbers are so many times what they were, with nothing but k-space known; no warning is let
    by."""
    kspace = (scan.kspace.astype(np.complex128) * scale).astype(np.complex64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cases = scan_cases(interpreted(Scan(kspace, mask=scan.mask)), "sense" if scan.coils > 1 else "fourier")
        return reconstruct(cases, fast(steps=2, signal=TwoChannel()), prior(), samples=2)


def check_same(found: Reconstruction, expected: Reconstruction, scale: float) -> None:
    for name in ("samples", "zero_filled", "std"):
        one, other = (np.asarray(getattr(result, name), np.complex128) for result in (found, expected))
        assert np.linalg.norm(one / scale - other) <= 1e-3 * np.linalg.norm(other), name


@pytest.mark.parametrize("coils", [1, 4])
@pytest.mark.parametrize("scale", SCALES)
def test_the_image_is_the_same_at_any_scale(scale: float, coils: int) -> None:
    scan = measured(coils)
    expected = reconstructed(scan, 1.0)
    check_same(reconstructed(scan, scale), expected, scale)
    with pytest.raises(AssertionError):
        check_same(reconstructed(scan, scale), expected, 1.01 * scale)


@pytest.mark.parametrize("scale", [1e37, 1e200])
def test_what_single_precision_cannot_hold_is_a_sentence(scale: float) -> None:
    with pytest.raises(InputError, match=r"too large for single precision.*divide"):
        Scan(measured(1).kspace.astype(np.complex128) * scale)
