"""NCSN++ in plain PyTorch (Song et al. 2020, "Score-based generative modeling through SDEs").

Layers stand in ``all_modules`` in the order in which published checkpoints number them, so their weights load by name.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as fn

from invdiff.errors import InputError
from invdiff.priors.networks.fir import FIRDown, FIRUp
from invdiff.priors.networks.group_norm import group_norm
from invdiff.priors.networks.ncsnpp_blocks import (
    Attention,
    DDPMBlock,
    GaussianFourierProjection,
    GrowConv,
    InputSkip,
    PositionalEmbedding,
    ResidualBlock,
    ShrinkConv,
    conv3x3,
    initialised,
)

Count = Annotated[int, Field(ge=1, le=4096)]


class NCSNppConfig(BaseModel):
    """What an NCSN++ is built from; names are those of the published configurations.

    Attributes:
        channels: image channels, in and out.
        image_size: side of the training images. It decides which levels have attention; other sizes run all the same.
        nf: feature channels at the finest level.
        ch_mult: multiples of ``nf``, finest level first; each level has half the side of the one before.
        num_res_blocks: residual blocks at each level on the way down; one more on the way up.
        attn_resolutions: sides, at ``image_size``, of the levels that have attention. The coarsest level has one more
            in any case.
        progressive: how the result is made: ``none`` (from the finest level) or ``output_skip`` (a sum over levels).
        progressive_input: how the image enters coarser levels: ``none``, ``input_skip`` or ``residual``.
        progressive_combine: how ``input_skip`` merges: ``sum`` or ``cat``.
        resblock_type: ``biggan``, or ``ddpm``, whose resampling is convolutions of their own (not with ``fir``: the
            published code has no such network that runs).
        fir: whether resampling filters; otherwise each pixel becomes four, and four their mean.
        fir_kernel: taps of the resampling filter, an even number; normalised to unit sum.
        skip_rescale: divide each residual sum by sqrt(2).
        embedding_type: how the noise level is embedded: ``fourier`` (the logarithm of sigma, under ``vesde``) or
            ``positional`` (999 t, under ``vpsde`` and ``subvpsde``).
        fourier_scale: standard deviation of the frequencies that embed the logarithm of sigma.
        scale_by_sigma: divide the output by sigma, so that it is a score; under ``vesde`` alone.
        centered: images are in [-1, 1]; otherwise they are in [0, 1], and the network maps them by 2x - 1.
        dropout: probability, while training.
        sde: the process of training, in continuous time: ``vesde``, ``vpsde`` or ``subvpsde``.
        sigma_min: lowest noise level of training under ``vesde``, on the scale of the images.
        sigma_max: highest noise level of training under ``vesde``, which needs it.
        beta_min: rate at which ``vpsde`` and ``subvpsde`` begin.
        beta_max: rate at which they end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Literal["ncsnpp"] = "ncsnpp"
    channels: Count = 1
    image_size: Count
    nf: Count = 128
    ch_mult: Annotated[tuple[Count, ...], Field(min_length=1, max_length=16)]
    num_res_blocks: Annotated[int, Field(ge=1, le=64)]
    attn_resolutions: tuple[Count, ...] = (16,)
    progressive: Literal["none", "output_skip"] = "output_skip"
    progressive_input: Literal["none", "input_skip", "residual"] = "input_skip"
    progressive_combine: Literal["sum", "cat"] = "sum"
    resblock_type: Literal["biggan", "ddpm"] = "biggan"
    fir: bool = True
    fir_kernel: Annotated[tuple[float, ...], Field(min_length=2, max_length=64)] = (1, 3, 3, 1)
    skip_rescale: bool = True
    embedding_type: Literal["fourier", "positional"] = "fourier"
    fourier_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 16
    scale_by_sigma: bool = True
    centered: bool = False
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0
    sde: Literal["vesde", "vpsde", "subvpsde"] = "vesde"
    sigma_min: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.01
    sigma_max: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    beta_min: Annotated[float, Field(gt=0, le=1000)] = 0.1
    beta_max: Annotated[float, Field(gt=0, le=1000)] = 20

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sde == "vesde":
            if self.sigma_max is None:
                raise InputError("vesde needs sigma_max, the highest noise level of training")
            if self.sigma_min >= self.sigma_max:
                raise InputError(f"sigma_min {self.sigma_min} must be below sigma_max {self.sigma_max}")
            if self.embedding_type == "positional":
                raise InputError("a positional embedding is of the time of vpsde or subvpsde; choose fourier")
        elif self.scale_by_sigma:
            raise InputError(f"under {self.sde} outputs are noise, which is not scaled: set scale_by_sigma to false")
        if self.beta_min > self.beta_max:
            raise InputError(f"beta_min {self.beta_min} must be at most beta_max {self.beta_max}")
        if self.embedding_type == "positional" and (self.nf < 4 or self.nf % 2):
            raise InputError(f"a positional embedding needs an even nf of at least 4, not {self.nf}")
        if self.resblock_type == "ddpm" and self.fir:
            raise InputError("resblock_type ddpm resamples without a filter: set fir to false")
        return self

    @classmethod
    def song2021(cls) -> Self:
        """BraTS magnitude images, 240 x 240 (Song et al. 2021, "Solving inverse problems in medical imaging ...")."""
        return cls(
            image_size=240, nf=32, ch_mult=(1, 1, 2, 2, 2), num_res_blocks=2, attn_resolutions=(30,), sigma_max=128
        )

    @classmethod
    def chung2022(cls) -> Self:
        """fastMRI knee magnitude images, 320 x 320 (Chung and Ye 2022, "Score-based diffusion models for MRI").

        No level of 320 x 320 has side 16, so the coarsest level's attention is the only one.
        """
        return cls(
            image_size=320,
            ch_mult=(1, 2, 2, 2),
            num_res_blocks=4,
            progressive="none",
            progressive_input="residual",
            sigma_max=378,
        )

    @property
    def attention(self) -> tuple[bool, ...]:
        """Whether each level has attention, finest first."""
        return tuple(self.image_size // 2**level in self.attn_resolutions for level in range(len(self.ch_mult)))

    @property
    def taps(self) -> tuple[float, ...] | None:
        """Taps of the resampling filter, where there is one."""
        return self.fir_kernel if self.fir else None

    @property
    def divisor(self) -> float:
        """What sums of two branches are divided by."""
        return math.sqrt(2) if self.skip_rescale else 1.0

    def build(self) -> "NCSNpp":
        """The network, with fresh weights."""
        return NCSNpp(self)


class NCSNpp(nn.Module):
    """The network of Song et al. 2020, as Song et al. 2021 and Chung and Ye 2022 use it for MRI.

    Args:
        config: see ``NCSNppConfig``.

    Raises:
        InputError: a level's number of channels can't be normalised in groups.
    """

    def __init__(self, config: NCSNppConfig) -> None:
        super().__init__()
        self.config = config
        self.all_modules = nn.ModuleList(_layers(config))
        self.positions = PositionalEmbedding(config.nf)
        self.grow = _grow(config)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """Score of noisy images under ``vesde`` (divided by sigma if ``scale_by_sigma``), else their noise.

        Args:
            x: (batch, channels, height, width); sides divisible by 2^(levels - 1). Intensities as in training.
            label: (batch,): the noise level sigma of each image, above 0, under ``vesde``; else 999 times its time.

        Returns:
            Tensor like ``x``.

        Raises:
            InputError: wrong number of axes or channels, or sides that can't be halved so often.
        """
        config = self.config
        self._check(x, label)
        layer = iter(self.all_modules)
        fourier = config.embedding_type == "fourier"
        embedding = next(layer)(label.log()) if fourier else self.positions(label)
        embedding = next(layer)(embedding)
        embedding = next(layer)(fn.silu(embedding))
        pyramid = x if config.centered else 2 * x - 1
        h = next(layer)(pyramid)

        skips = [h]
        for level, attends in enumerate(config.attention):
            for _ in range(config.num_res_blocks):
                h = next(layer)(h, embedding)
                h = next(layer)(h) if attends else h
                skips.append(h)
            if level < len(config.ch_mult) - 1:
                h = _resampled(next(layer), h, embedding)
                if config.progressive_input == "input_skip":
                    pyramid, h = next(layer)(pyramid, h)
                elif config.progressive_input == "residual":
                    h = pyramid = (next(layer)(pyramid) + h) / config.divisor
                skips.append(h)

        h = next(layer)(h, embedding)
        h = next(layer)(h)
        h = next(layer)(h, embedding)

        output: Tensor | None = None
        for level, attends in reversed(list(enumerate(config.attention))):
            for _ in range(config.num_res_blocks + 1):
                h = next(layer)(torch.cat([h, skips.pop()], dim=1), embedding)
            h = next(layer)(h) if attends else h
            if config.progressive == "output_skip" or level == 0:
                image: Tensor = _read_out(h, next(layer), next(layer))
                output = image if output is None else self.grow(output) + image
            if level > 0:
                h = _resampled(next(layer), h, embedding)

        assert output is not None  # level 0 always reads out
        return output / label[:, None, None, None] if config.scale_by_sigma else output

    def _check(self, x: Tensor, label: Tensor) -> None:
        channels, multiple = self.config.channels, 2 ** (len(self.config.ch_mult) - 1)
        if x.ndim != 4 or x.shape[1] != channels or label.shape != x.shape[:1]:
            raise InputError(
                f"This NCSN++ takes images (batch, {channels}, height, width) and noise levels (batch,); it was given "
                f"{tuple(x.shape)} and {tuple(label.shape)}."
            )
        if any(side == 0 or side % multiple for side in x.shape[2:]):
            raise InputError(
                f"This NCSN++ takes images whose sides are multiples of {multiple}, not {x.shape[2]} x {x.shape[3]}; "
                "pad or crop."
            )


def _read_out(h: Tensor, norm: nn.Module, conv: nn.Module) -> Tensor:
    image: Tensor = conv(fn.silu(norm(h)))
    return image


def _resampled(layer: nn.Module, h: Tensor, embedding: Tensor) -> Tensor:
    """What halves or doubles the features: a residual block, which is told the noise level, or a convolution."""
    resampled: Tensor = layer(h, embedding) if isinstance(layer, ResidualBlock) else layer(h)
    return resampled


def _grow(config: NCSNppConfig) -> nn.Module:
    return nn.Upsample(scale_factor=2) if config.taps is None else FIRUp(config.taps)


def _shrink(config: NCSNppConfig) -> nn.Module:
    return nn.AvgPool2d(2) if config.taps is None else FIRDown(config.taps)


def _layers(config: NCSNppConfig) -> Iterator[nn.Module]:
    """Every layer in the order in which it is numbered, which is the order in which ``forward`` uses it."""
    embedding, divisor = 4 * config.nf, config.divisor
    widths = [config.nf * multiple for multiple in config.ch_mult]
    biggan = config.resblock_type == "biggan"

    def block(channels_in: int, channels_out: int, resample: nn.Module | None = None) -> ResidualBlock:
        if biggan:
            resample = resample or nn.Identity()
            return ResidualBlock(channels_in, channels_out, embedding, resample, config.dropout, divisor)
        return DDPMBlock(channels_in, channels_out, embedding, config.dropout, divisor)

    if config.embedding_type == "fourier":
        yield GaussianFourierProjection(config.nf, config.fourier_scale)
        yield initialised(nn.Linear(2 * config.nf, embedding))
    else:
        yield initialised(nn.Linear(config.nf, embedding))
    yield initialised(nn.Linear(embedding, embedding))
    yield conv3x3(config.channels, config.nf)

    now, pyramid, skips = config.nf, config.channels, [config.nf]
    for level, (width, attends) in enumerate(zip(widths, config.attention, strict=True)):
        for _ in range(config.num_res_blocks):
            yield block(now, width)
            if attends:
                yield Attention(width, divisor)
            now = width
            skips.append(now)
        if level < len(widths) - 1:
            yield block(now, now, _shrink(config)) if biggan else ShrinkConv(now, now, config.taps)
            if config.progressive_input == "input_skip":
                concatenates = config.progressive_combine == "cat"
                yield InputSkip(pyramid, now, _shrink(config), concatenates=concatenates)
                now = 2 * now if concatenates else now
            elif config.progressive_input == "residual":
                yield ShrinkConv(pyramid, now, config.taps)
                pyramid = now
            skips.append(now)

    yield block(now, now)
    yield Attention(now, divisor)
    yield block(now, now)

    for level, (width, attends) in reversed(list(enumerate(zip(widths, config.attention, strict=True)))):
        for _ in range(config.num_res_blocks + 1):
            yield block(now + skips.pop(), width)
            now = width
        if attends:
            yield Attention(width, divisor)
        if config.progressive == "output_skip" or level == 0:
            yield group_norm(width)
            yield conv3x3(width, config.channels, zero=True)
        if level > 0:
            yield block(width, width, _grow(config)) if biggan else GrowConv(width)
