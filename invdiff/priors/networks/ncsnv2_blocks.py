"""The parts of NCSNv2 (Song and Ermon 2020, appendix A), a RefineNet (Lin et al. 2017). Attribute names are those of
published checkpoints."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as fn


class InstanceNormPlus(nn.Module):
    """Instance normalisation that keeps what it takes away: how the channels' means differ (Song and Ermon 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha, self.gamma, self.beta = (nn.Parameter(value * torch.ones(channels)) for value in (1, 1, 0))

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3))
        spread, centre = torch.var_mean(means, dim=1, keepdim=True)
        kept = self.alpha * (means - centre) / (spread + 1e-5).sqrt()
        normal = fn.instance_norm(x) + kept[:, :, None, None]
        return self.gamma[:, None, None] * normal + self.beta[:, None, None]


def conv3x3(channels_in: int, channels_out: int, *, dilation: int = 1, bias: bool = True) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the image's size."""
    return nn.Conv2d(channels_in, channels_out, 3, padding=dilation, dilation=dilation, bias=bias)


class MeanPoolConv(nn.Module):
    """A convolution, then the mean of four pixels; of an odd side the last pixel is left out."""

    def __init__(self, channels_in: int, channels_out: int, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, size, padding=size // 2)

    def forward(self, x: Tensor) -> Tensor:
        return fn.avg_pool2d(self.conv(x), 2)


class ResidualBlock(nn.Module):
    """Normalise, activate, convolve, twice, as a residual.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the result.
        first: whether it is the first of its stage, whose direct branch has a layer; without ``dilation`` it halves the
            height and width.
        dilation: of its convolutions.
    """

    def __init__(self, channels_in: int, channels_out: int, *, first: bool = False, dilation: int = 1) -> None:
        super().__init__()
        between = channels_in if first else channels_out
        self.normalize1, self.normalize2 = InstanceNormPlus(channels_in), InstanceNormPlus(between)
        self.conv1 = conv3x3(channels_in, between, dilation=dilation)
        self.conv2: nn.Module
        self.shortcut: nn.Module
        if first and dilation == 1:
            self.conv2, self.shortcut = (MeanPoolConv(channels_in, channels_out, size) for size in (3, 1))
        elif first:
            self.conv2, self.shortcut = (conv3x3(channels_in, channels_out, dilation=dilation) for _ in range(2))
        else:
            self.conv2, self.shortcut = conv3x3(channels_out, channels_out, dilation=dilation), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(fn.elu(self.normalize1(x)))
        h = self.conv2(fn.elu(self.normalize2(h)))
        merged: Tensor = self.shortcut(x) + h
        return merged


class RCU(nn.Module):
    """Residual convolution units, one after the other."""

    def __init__(self, channels: int, units: int) -> None:
        super().__init__()
        self.units = units
        for unit in range(1, units + 1):
            for stage in (1, 2):
                self.add_module(f"{unit}_{stage}_conv", conv3x3(channels, channels, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        for unit in range(1, self.units + 1):
            h = x
            for stage in (1, 2):
                h = self.get_submodule(f"{unit}_{stage}_conv")(fn.elu(h))
            x = x + h
        return x


class MSF(nn.Module):
    """Multi-resolution fusion: the sum of the inputs' convolutions, enlarged to the largest."""

    def __init__(self, channels_in: Sequence[int], channels_out: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv3x3(channels, channels_out) for channels in channels_in)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        size = inputs[0].shape[2:]
        enlarged = [
            fn.interpolate(conv(x), size=size, mode="bilinear", align_corners=True)
            for conv, x in zip(self.convs, inputs, strict=True)
        ]
        return torch.stack(enlarged).sum(0)


class CRP(nn.Module):
    """Chained residual pooling: sums of what ever wider windows see."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv3x3(channels, channels, bias=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = path = fn.elu(x)
        for conv in self.convs:
            path = conv(fn.max_pool2d(path, 5, stride=1, padding=2))
            x = x + path
        return x


class RefineBlock(nn.Module):
    """Adapt each input, fuse them, pool, adapt the result.

    Args:
        channels_in: of each input, the largest image first.
        channels_out: of the result.
        last_units: residual convolution units at the end.
    """

    def __init__(self, channels_in: Sequence[int], channels_out: int, last_units: int = 1) -> None:
        super().__init__()
        self.adapt_convs = nn.ModuleList(RCU(channels, 2) for channels in channels_in)
        if len(channels_in) > 1:
            self.msf = MSF(channels_in, channels_out)
        self.crp = CRP(channels_out)
        self.output_convs = RCU(channels_out, last_units)

    def forward(self, *inputs: Tensor) -> Tensor:
        adapted = [adapt(x) for adapt, x in zip(self.adapt_convs, inputs, strict=True)]
        fused = self.msf(adapted) if len(adapted) > 1 else adapted[0]
        refined: Tensor = self.output_convs(self.crp(fused))
        return refined
