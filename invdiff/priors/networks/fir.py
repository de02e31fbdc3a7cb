"""Resampling by two with a short FIR filter (StyleGAN2, Karras et al. 2020; Zhang 2019), in plain convolutions.

Up is: a zero after every pixel, a convolution with four times the filter. Down is: a convolution, every second pixel.
Both keep a pixel's centre as NCSN++ (Song et al. 2020) does: for K taps, up pads (K/2, K/2 - 1) pixels, down (K/2 - 1,
K/2 - 1).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from invdiff.errors import InputError


def _kernel(taps: Sequence[float]) -> Tensor:
    """The separable filter of unit sum, (1, 1, K, K)."""
    if len(taps) < 2 or len(taps) % 2 or sum(taps) == 0:
        raise InputError(
            f"A FIR resampling filter has an even number of taps whose sum is not 0; it was given {tuple(taps)}."
        )
    row = torch.tensor(taps, dtype=torch.get_default_dtype()) / sum(taps)
    return torch.outer(row, row)[None, None]


class FIRUp(nn.Module):
    """Double the height and width of (batch, channels, height, width); the mean intensity stays."""

    kernel: Tensor

    def __init__(self, taps: Sequence[float] = (1, 3, 3, 1)) -> None:
        super().__init__()
        self.register_buffer("kernel", 4 * _kernel(taps), persistent=False)
        self.padding = len(taps) // 2 - 1

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel.expand(x.shape[1], -1, -1, -1)
        return fn.conv_transpose2d(x, kernel, stride=2, padding=self.padding, groups=x.shape[1])


class _Filter(nn.Module):
    """Convolve each channel with the filter, at every ``stride``-th pixel."""

    kernel: Tensor

    def __init__(self, taps: Sequence[float], stride: int, padding: int) -> None:
        super().__init__()
        self.register_buffer("kernel", _kernel(taps).flip(-1, -2), persistent=False)
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel.expand(x.shape[1], -1, -1, -1)
        return fn.conv2d(x, kernel, stride=self.stride, padding=self.padding, groups=x.shape[1])


class FIRDown(_Filter):
    """Halve the even height and width of (batch, channels, height, width); the mean intensity stays."""

    def __init__(self, taps: Sequence[float] = (1, 3, 3, 1)) -> None:
        super().__init__(taps, stride=2, padding=len(taps) // 2 - 1)


class FIRBlur(_Filter):
    """Filter without resampling; one row and column more, as a 3 x 3 convolution of stride 2 then takes them."""

    def __init__(self, taps: Sequence[float] = (1, 3, 3, 1)) -> None:
        super().__init__(taps, stride=1, padding=len(taps) // 2)
