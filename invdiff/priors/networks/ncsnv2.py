"""NCSNv2 in plain PyTorch (Song and Ermon 2020, "Improved techniques for training score-based generative models").

Attribute names are those of the published code, so its checkpoints load by name.
"""

from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as fn

from invdiff.errors import InputError
from invdiff.priors.networks.ncsnv2_blocks import InstanceNormPlus, RefineBlock, ResidualBlock, conv3x3

Level = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class NCSNv2Config(BaseModel):
    """What an NCSNv2 is built from; names are those of the published configurations.

    Attributes:
        channels: image channels, in and out.
        ngf: feature channels at the finest level.
        sigma_begin: highest noise level of training, on the scale of the images.
        sigma_end: lowest noise level of training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Literal["ncsnv2"] = "ncsnv2"
    channels: Annotated[int, Field(ge=1, le=4096)] = 2
    ngf: Annotated[int, Field(ge=2, le=4096)] = 128
    sigma_begin: Level
    sigma_end: Level

    @model_validator(mode="after")
    def _levels_in_order(self) -> Self:
        if self.sigma_end >= self.sigma_begin:
            raise InputError(f"sigma_end {self.sigma_end} must be below sigma_begin {self.sigma_begin}")
        return self

    @classmethod
    def jalal2021(cls) -> Self:
        """fastMRI brain images, real and imaginary part, 384 x 384 (Jalal et al. 2021, "Robust compressed sensing MRI
        with deep generative priors"); their 99th percentile is 1."""
        return cls(sigma_begin=232, sigma_end=0.0066)

    def build(self) -> "NCSNv2":
        """The network, with fresh weights."""
        return NCSNv2(self)


class Stage(NamedTuple):
    """Two residual blocks on the way down; ``width`` is in multiples of ``ngf``."""

    name: str
    width: int
    dilation: int = 1


STAGES = (Stage("1", 1), Stage("2", 2), Stage("3", 2), Stage("31", 2), Stage("4", 4, 2), Stage("5", 4, 4))
REFINEMENTS = ("1", "2", "31", "3", "4", "5")  # from the coarsest stage up


class NCSNv2(nn.Module):
    """The largest network of Song and Ermon 2020 ("Deepest" in their code), as Jalal et al. 2021 use it for MRI.

    From the paper: the RefineNet with InstanceNorm++, its stages for large images (table 3), and the division by sigma
    (technique 3). Its published code settles what the paper leaves open: layers of direct branches, biases, pooling.

    Args:
        config: see ``NCSNv2Config``.
    """

    def __init__(self, config: NCSNv2Config) -> None:
        super().__init__()
        self.config = config
        self.begin_conv = conv3x3(config.channels, config.ngf)
        self.normalizer = InstanceNormPlus(config.ngf)
        self.end_conv = conv3x3(config.ngf, config.channels)
        widths = [config.ngf * stage.width for stage in STAGES]
        for stage, (before, width) in zip(STAGES, pairwise([config.ngf, *widths]), strict=True):
            blocks = (
                ResidualBlock(before, width, first=stage is not STAGES[0], dilation=stage.dilation),
                ResidualBlock(width, width, dilation=stage.dilation),
            )
            self.add_module(f"res{stage.name}", nn.Sequential(*blocks))
        # on the way up each gives the width of the stage above
        coarser: list[int] = []
        for index, name in zip(reversed(range(len(STAGES))), REFINEMENTS, strict=True):
            above = widths[max(index - 1, 0)]
            units = 3 if index == 0 else 1
            self.add_module(f"refine{name}", RefineBlock([widths[index], *coarser], above, units))
            coarser = [above]

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Score of noisy images.

        Args:
            x: (batch, channels, height, width), sides of at least 16. Intensities as in training.
            sigma: (batch,), noise level of each image, above 0. The published network takes the index of a level; all
                it does with it is this division by the level.

        Returns:
            Tensor like ``x``.

        Raises:
            InputError: wrong number of axes or channels, or too small images.
        """
        self._check(x, sigma)
        h, outputs = self.begin_conv(2 * x - 1), []
        for stage in STAGES:
            h = self.get_submodule(f"res{stage.name}")(h)
            outputs.append(h)
        refined: tuple[Tensor, ...] = ()
        for name in REFINEMENTS:
            refined = (self.get_submodule(f"refine{name}")(outputs.pop(), *refined),)
        output: Tensor = self.end_conv(fn.elu(self.normalizer(refined[0])))
        return output / sigma[:, None, None, None]

    def _check(self, x: Tensor, sigma: Tensor) -> None:
        channels = self.config.channels
        if x.ndim != 4 or x.shape[1] != channels or sigma.shape != x.shape[:1] or min(x.shape[2:]) < 16:
            raise InputError(
                f"This NCSNv2 takes images (batch, {channels}, height, width) with sides of at least 16, and noise "
                f"levels (batch,); it was given {tuple(x.shape)} and {tuple(sigma.shape)}."
            )
