import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.priors.networks.fir import FIRBlur, FIRDown, FIRUp

LOPSIDED = (0.5, 1.0, 4.0, -1.0)  # a symmetric filter hides a missing flip
even = st.integers(1, 6).map(lambda half: 2 * half)


def image(height: int, width: int) -> torch.Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@settings(max_examples=25)
@given(st.sampled_from([(1, 3, 3, 1), LOPSIDED, (1, 1), (1, 2, 3, 4, 5, 6)]), even, even)
def test_resampling_is_zero_insertion_padding_and_convolution(plain, taps, height, width) -> None:
    x, row, half = image(height, width), np.array(taps, dtype=float), len(taps) // 2
    for layer, up, down, before, after in (
        (FIRUp(taps), 2, 1, half, half - 1),
        (FIRDown(taps), 1, 2, half - 1, half - 1),
        (FIRBlur(taps), 1, 1, half, half),
    ):
        expected = np.stack([plain.resample(one.numpy(), row, up, down, before, after) for one in x])
        np.testing.assert_allclose(layer.double()(x).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_the_comparison_rejects_an_unflipped_filter(plain) -> None:
    x = image(6, 8)
    unflipped = np.stack([plain.resample(one.numpy(), np.array(LOPSIDED[::-1]), 1, 2, 1, 1) for one in x])
    assert np.abs(FIRDown(LOPSIDED).double()(x).numpy() - unflipped).max() > 0.1


def test_intensity_is_kept_inside() -> None:
    flat = torch.full((1, 1, 16, 16), 0.7)
    torch.testing.assert_close(FIRUp()(flat)[..., 2:-2, 2:-2], torch.full((1, 1, 28, 28), 0.7))
    torch.testing.assert_close(FIRDown()(flat)[..., 1:-1, 1:-1], torch.full((1, 1, 6, 6), 0.7))


@pytest.mark.parametrize("taps", [(1.0,), (1.0, 2.0, 1.0), (1.0, -1.0)])
def test_filters_of_odd_length_or_no_sum_are_refused(taps) -> None:
    with pytest.raises(InputError, match="even number of taps"):
        FIRUp(taps)
