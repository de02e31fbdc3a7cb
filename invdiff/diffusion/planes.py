"""A network of images shown a volume along each of its axes in turn."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from invdiff.diffusion.noise import NoiseStream
from invdiff.diffusion.signals import Signal, WrappedSignal
from invdiff.errors import InputError
from invdiff.priors.base import Prior

_AXES = (-3, -2, -1)
_OWN_MOST = (-3, -3, -3, -2, -3, -3, -3, -1)


@dataclass(frozen=True)
class AlternatingPlanes(WrappedSignal):
    """Another signal of the slices of a volume ``(D, H, W)``, across another of its axes in each iteration: the product
    of a prior across every axis, one factor at a time (Lee 2023).

    What slices across one axis leave rough along it, slices across the others see, and make smooth. The network meets
    images ``(H, W)``, ``(D, W)`` and ``(D, H)``, which a prior of one kind knows where the voxels are about as long as
    wide, and the anatomy is alike along all axes.

    Args:
        signal: how the images of a plane meet the network.
        axes: across which slices are shown, in turn: of -3, -2, -1. By default six of eight times across the first;
            docs/volumes.md tells how that was chosen.

    Raises:
        InputError: there are no axes, or others.
    """

    signal: Signal
    axes: tuple[int, ...] = _OWN_MOST
    cites: ClassVar[tuple[str, ...]] = ("lee2023",)

    def __post_init__(self) -> None:
        if not self.axes or not set(self.axes) <= set(_AXES):
            raise InputError(f"AlternatingPlanes shows slices across the axes -3, -2 and -1, not across {self.axes}.")

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"volume"})

    def magnitude(self, images: Tensor) -> Tensor:
        return images.abs()

    def for_prior(self, prior: Prior) -> Signal:
        return replace(self, signal=self.signal.for_prior(prior))

    def drawn(self, noise: NoiseStream, shape: torch.Size) -> Signal:
        axis = self.axes[noise.iteration % len(self.axes)]
        return _Across(self.signal.drawn(noise, _moved(shape, axis)), axis)


@dataclass(frozen=True)
class _Across(WrappedSignal):
    """A signal of the slices across one axis."""

    signal: Signal
    axis: int

    def encode(self, x: Tensor) -> Tensor:
        return self.signal.encode(x.movedim(self.axis, -3))

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return self.signal.decode(images, _moved(shape, self.axis)).movedim(-3, self.axis)


def _moved(shape: torch.Size, axis: int) -> torch.Size:
    """The shape of slices across an axis, one after the other."""
    sizes = list(shape)
    across = sizes.pop(axis)
    return torch.Size([*sizes[:-2], across, *sizes[-2:]])
