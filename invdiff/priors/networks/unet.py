"""A residual U-Net: the small, fully convolutional network behind the priors that ship."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as fn

from invdiff.priors.networks.group_norm import group_norm

Count = Annotated[int, Field(ge=1, le=4096)]
Norm = Literal["none", "group"]

_NORMS: dict[Norm, Callable[[int], nn.Module]] = {"none": nn.Identity, "group": group_norm}


class UNetConfig(BaseModel):
    """The arguments of a ``UNet``, to store beside its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Literal["unet"] = "unet"
    channels: Count
    widths: Annotated[tuple[Count, ...], Field(min_length=1, max_length=16)]
    blocks: Annotated[int, Field(ge=1, le=64)]
    embedding: Annotated[int, Field(ge=2, le=4096, multiple_of=2)]
    patch: Annotated[int, Field(ge=1, le=64)]
    norm: Norm = "none"

    def build(self) -> "UNet":
        """The network, with fresh weights."""
        return UNet(self.channels, self.widths, self.blocks, self.embedding, self.patch, self.norm)


class FourierFeatures(nn.Module):
    """Sine and cosine features of a scalar label, at fixed geometric frequencies."""

    frequencies: Tensor

    def __init__(self, features: int, max_frequency: float = 32.0) -> None:
        super().__init__()
        count = features // 2
        frequencies = max_frequency ** (torch.arange(count) / max(count - 1, 1)) * (math.pi / 4)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, label: Tensor) -> Tensor:
        angle = label[:, None] * self.frequencies
        return torch.cat([angle.sin(), angle.cos()], dim=1)


class ResidualBlock(nn.Module):
    """``x + conv(silu(film(norm(conv(silu(norm(x)))))))``; the last convolution starts at zero."""

    def __init__(self, width: int, embedding: int, norm: Norm) -> None:
        super().__init__()
        self.norm_in, self.norm_out = (_NORMS[norm](width) for _ in range(2))
        self.conv_in = nn.Conv2d(width, width, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * width)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)
        for parameter in (*self.film.parameters(), *self.conv_out.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, dim=1)
        h = self.norm_out(self.conv_in(fn.silu(self.norm_in(x))))
        h = torch.addcmul(shift, h, 1 + scale)
        result: Tensor = x + self.conv_out(fn.silu(h))
        return result


class UNet(nn.Module):
    """Residual U-Net; the defaults are the built-in prior's.

    The image is folded ``patch`` x ``patch`` into channels, processed at ``len(widths)`` resolutions with additive
    skips scaled by 1/sqrt(2), and unfolded again. Any height and width: sides are padded by replication to the next
    multiple and cropped back.

    Args:
        channels: image channels (2: real and imaginary part). An input with fewer channels is filled up with zeros and
            its result cut back, so one network can be trained to serve both.
        widths: feature channels at each resolution, finest first.
        blocks: residual blocks at each resolution, on the way down and again on the way up.
        embedding: width of the noise-level embedding.
        patch: side of the patches folded into channels; above one, less time a step and less detail.
        norm: ``"group"`` learns several times faster, ``"none"`` takes less time a step.

    Raises:
        InputError: groups of these widths can't be normalised.
    """

    def __init__(
        self,
        channels: int = 2,
        widths: Sequence[int] = (16, 48, 96, 192),
        blocks: int = 2,
        embedding: int = 128,
        patch: int = 1,
        norm: Norm = "group",
    ) -> None:
        super().__init__()
        self.config = UNetConfig(
            channels=channels, widths=tuple(widths), blocks=blocks, embedding=embedding, patch=patch, norm=norm
        )
        self.channels, self.patch = channels, patch
        self.multiple = patch * 2 ** (len(widths) - 1)
        self.embed = nn.Sequential(
            FourierFeatures(embedding),
            nn.Linear(embedding, embedding),
            nn.SiLU(),
            nn.Linear(embedding, embedding),
            nn.SiLU(),
        )
        self.conv_in = nn.Conv2d(channels * patch**2, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.ModuleList(ResidualBlock(width, embedding, norm) for _ in range(blocks)) for width in widths
        )
        self.up = nn.ModuleList(
            nn.ModuleList(ResidualBlock(width, embedding, norm) for _ in range(blocks)) for width in widths
        )
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.conv_out = nn.Conv2d(widths[0], channels * patch**2, 3, padding=1)
        for parameter in self.conv_out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """Map ``x`` (batch, channels, height, width) and a noise label (batch,) to an image like ``x``."""
        channels, height, width = x.shape[1:]
        padding = (0, -width % self.multiple, 0, -height % self.multiple)
        x = fn.pad(x, padding, mode="replicate") if any(padding) else x
        x = fn.pad(x, (0, 0, 0, 0, 0, self.channels - channels)) if channels < self.channels else x
        embedding = self.embed(label)
        h = self.conv_in(fn.pixel_unshuffle(x, self.patch))
        skips = []
        for level, blocks in enumerate(self.down):
            for block in blocks.children():
                h = block(h, embedding)
            if level < len(self.shrink):
                skips.append(h)
                h = self.shrink[level](h)
        for level in reversed(range(len(self.up))):
            if level < len(self.grow):
                h = (self.grow[level](h) + skips.pop()) * math.sqrt(0.5)
            for block in self.up[level].children():
                h = block(h, embedding)
        x = fn.pixel_shuffle(self.conv_out(fn.silu(h)), self.patch)
        return x[:, :channels, :height, :width]
