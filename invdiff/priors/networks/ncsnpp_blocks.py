"""The parts of NCSN++ (Song et al. 2020, appendix H). Attribute names are those of published checkpoints."""

import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from invdiff.priors.networks.fir import FIRBlur
from invdiff.priors.networks.group_norm import group_norm

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


def initialised(layer: Layer, *, zero: bool = False) -> Layer:
    """The layer with uniform weights (Glorot and Bengio 2010) or zero weights; its bias zero."""
    if zero:
        nn.init.zeros_(layer.weight)
    else:
        nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def conv3x3(channels_in: int, channels_out: int, *, zero: bool = False) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the image's size."""
    return initialised(nn.Conv2d(channels_in, channels_out, 3, padding=1), zero=zero)


def conv1x1(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A linear map of each pixel's channels."""
    return initialised(nn.Conv2d(channels_in, channels_out, 1))


class GaussianFourierProjection(nn.Module):
    """[sin, cos](2 pi W v) of a scalar v for each image, W drawn once from N(0, scale^2) and never trained."""

    W: Tensor

    def __init__(self, features: int, scale: float) -> None:
        super().__init__()
        self.register_buffer("W", scale * torch.randn(features))

    def forward(self, v: Tensor) -> Tensor:
        angle = 2 * math.pi * v[:, None] * self.W
        return torch.cat([angle.sin(), angle.cos()], dim=1)


class PositionalEmbedding(nn.Module):
    """[sin, cos](w v) of a scalar v for each image, at frequencies w from 1 down to 1e-4 (Ho et al. 2020)."""

    frequencies: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        steps = torch.linspace(0, 1, features // 2)
        self.register_buffer("frequencies", 10000.0**-steps, persistent=False)

    def forward(self, v: Tensor) -> Tensor:
        angle = v[:, None] * self.frequencies
        return torch.cat([angle.sin(), angle.cos()], dim=1)


class ResidualBlock(nn.Module):
    """BigGAN's residual block (Brock et al. 2019), told the noise level by a bias on its channels.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the result.
        embedding: width of the noise-level embedding.
        resample: what happens to both branches: ``nn.Identity()``, or what halves or doubles the sides.
        dropout: probability, while training.
        divisor: of the sum of the two branches.
    """

    def __init__(
        self, channels_in: int, channels_out: int, embedding: int, resample: nn.Module, dropout: float, divisor: float
    ) -> None:
        super().__init__()
        self.GroupNorm_0 = group_norm(channels_in)
        self.Conv_0 = conv3x3(channels_in, channels_out)
        self.Dense_0 = initialised(nn.Linear(embedding, channels_out))
        self.GroupNorm_1 = group_norm(channels_out)
        self.Conv_1 = conv3x3(channels_out, channels_out, zero=True)
        self.projects = channels_in != channels_out or not isinstance(resample, nn.Identity)
        if self.projects:
            self.add_projection(channels_in, channels_out)
        self.resample, self.dropout, self.divisor = resample, nn.Dropout(dropout), divisor

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.resample(fn.silu(self.GroupNorm_0(x)))
        h = self.Conv_0(h) + self.Dense_0(fn.silu(embedding))[:, :, None, None]
        h = self.Conv_1(self.dropout(fn.silu(self.GroupNorm_1(h))))
        x = self.resample(x)
        merged: Tensor = (self.project(x) if self.projects else x) + h
        return merged / self.divisor

    def add_projection(self, channels_in: int, channels_out: int) -> None:
        """Make the layer of the direct branch."""
        self.Conv_2 = conv1x1(channels_in, channels_out)

    def project(self, x: Tensor) -> Tensor:
        """Pass the direct branch through its layer."""
        projected: Tensor = self.Conv_2(x)
        return projected


class DDPMBlock(ResidualBlock):
    """The residual block of Ho et al. 2020, which keeps the size of images: its direct branch has a layer of another
    name and form."""

    def __init__(self, channels_in: int, channels_out: int, embedding: int, dropout: float, divisor: float) -> None:
        super().__init__(channels_in, channels_out, embedding, nn.Identity(), dropout, divisor)

    def add_projection(self, channels_in: int, channels_out: int) -> None:
        self.NIN_0 = NIN(channels_in, channels_out, math.sqrt(0.1))

    def project(self, x: Tensor) -> Tensor:
        projected: Tensor = self.NIN_0(x.movedim(1, -1)).movedim(-1, 1)
        return projected


class NIN(nn.Module):
    """A linear map of the last axis, stored as W (in, out) and b (out)."""

    def __init__(self, channels_in: int, channels_out: int, gain: float) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(channels_in, channels_out))
        self.b = nn.Parameter(torch.zeros(channels_out))
        nn.init.xavier_uniform_(self.W, gain)

    def forward(self, x: Tensor) -> Tensor:
        return torch.matmul(x, self.W) + self.b


class Attention(nn.Module):
    """Self-attention with one head over all pixels, as a residual."""

    def __init__(self, channels: int, divisor: float) -> None:
        super().__init__()
        self.GroupNorm_0 = group_norm(channels)
        self.NIN_0, self.NIN_1, self.NIN_2 = (NIN(channels, channels, math.sqrt(0.1)) for _ in range(3))
        self.NIN_3 = NIN(channels, channels, 0.0)
        self.divisor = divisor

    def forward(self, x: Tensor) -> Tensor:
        pixels = self.GroupNorm_0(x).flatten(2).mT  # (batch, height * width, channels)
        query, key, value = (nin(pixels)[:, None] for nin in (self.NIN_0, self.NIN_1, self.NIN_2))
        h: Tensor = self.NIN_3(fn.scaled_dot_product_attention(query, key, value)[:, 0])
        return (x + h.mT.reshape(x.shape)) / self.divisor


class ShrinkConv(nn.Module):
    """Halve height and width by a convolution of stride 2, behind a FIR filter where there are ``taps``."""

    def __init__(self, channels_in: int, channels_out: int, taps: Sequence[float] | None) -> None:
        super().__init__()
        conv = initialised(nn.Conv2d(channels_in, channels_out, 3, stride=2))
        if taps is None:
            self.widen: nn.Module = nn.ZeroPad2d((0, 1, 0, 1))
            self.Conv_0 = conv
        else:
            self.widen = FIRBlur(taps)
            self.Conv2d_0 = conv
        self.filters = taps is not None

    def forward(self, x: Tensor) -> Tensor:
        shrunken: Tensor = (self.Conv2d_0 if self.filters else self.Conv_0)(self.widen(x))
        return shrunken


class GrowConv(nn.Module):
    """Double height and width: each pixel becomes four, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.Conv_0 = conv3x3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        grown: Tensor = self.Conv_0(fn.interpolate(x, scale_factor=2))
        return grown


class InputSkip(nn.Module):
    """Feed the shrunken image to each level: halve the pyramid, join its 1 x 1 convolution to the features.

    Args:
        channels_image: of the pyramid.
        channels: of the features.
        shrink: what halves the pyramid.
        concatenates: whether the two become twice as many channels, or are added.
    """

    def __init__(self, channels_image: int, channels: int, shrink: nn.Module, *, concatenates: bool = False) -> None:
        super().__init__()
        self.shrink = shrink
        self.Conv_0 = conv1x1(channels_image, channels)
        self.concatenates = concatenates

    def forward(self, pyramid: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        pyramid = self.shrink(pyramid)
        fed = self.Conv_0(pyramid)
        return pyramid, torch.cat([fed, h], dim=1) if self.concatenates else fed + h
