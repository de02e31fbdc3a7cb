"""How a complex image meets a network of real channels."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import LinearOperator, RealPart


class Signal(ABC):
    """Transports a denoiser of real arrays ``(batch, channels, H, W)`` to the states ``(samples, *, H, W)`` of a
    sampler.

    Attributes:
        channels: what it shows the network.
        is_complex: whether states are complex.
    """

    channels: int
    is_complex: bool

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """States as the network sees them."""

    @abstractmethod
    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        """The network's images as states of the given shape."""

    def restrict(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        """Operator and measurement as a state of this kind meets them."""
        return operator, y if y.is_complex() else torch.complex(y, torch.zeros_like(y))


@dataclass(frozen=True)
class RealImage(Signal):
    """The image is real (a magnitude image, as in Song 2021): one channel. Steps see ``A @ RealPart.H``."""

    channels = 1
    is_complex = False

    def encode(self, x: Tensor) -> Tensor:
        return x.reshape(-1, 1, *x.shape[-2:])

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return images.reshape(shape)

    def restrict(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        if y.is_complex():
            return operator @ RealPart(operator.domain_shape).H, y
        if not operator.preserves_reals:
            raise InputError(f"{operator!r} makes complex measurements but y is real; give y as it was measured.")
        return operator, y


class _ComplexParts(Signal):
    """Real and imaginary part of each image side by side, ``channels`` of them in an image of the network."""

    is_complex = True

    def encode(self, x: Tensor) -> Tensor:
        return torch.view_as_real(x).movedim(-1, -3).reshape(-1, self.channels, *x.shape[-2:])

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        parts = images.reshape(*shape[:-2], 2, *shape[-2:])
        return torch.complex(parts.select(-3, 0), parts.select(-3, 1))


@dataclass(frozen=True)
class SplitComplex(_ComplexParts):
    """Real and imaginary part, one after the other, through one network of real images (Chung & Ye 2022, sec. 3.2)."""

    channels = 1


@dataclass(frozen=True)
class TwoChannel(_ComplexParts):
    """Real and imaginary part as the two channels of a network of complex images (Jalal 2021, DDS)."""

    channels = 2
