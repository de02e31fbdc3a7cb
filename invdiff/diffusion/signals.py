"""How a complex image meets a network of real channels."""

import math
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from invdiff.diffusion.noise import NoiseStream
from invdiff.diffusion.part import Part
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, RealPart
from invdiff.priors.base import Prior


class Signal(Part, ABC):
    """Transports a denoiser of real arrays ``(batch, channels, H, W)`` to the states ``(samples, *, H, W)`` of a
    sampler.
    """

    @property
    @abstractmethod
    def channels(self) -> int:
        """What it shows the network."""

    @property
    @abstractmethod
    def is_complex(self) -> bool:
        """Whether states are complex."""

    @property
    def is_linear(self) -> bool:
        """Whether states are shown to the network by a linear map, so that they have a density."""
        return True

    @property
    def offers(self) -> frozenset[str]:
        """What states of this kind offer to other parts: keys of `NEEDS`."""
        offered = {"density": self.is_linear, "complex images": self.is_complex}
        return frozenset(name for name, is_so in offered.items() if is_so)

    @property
    def shown(self) -> tuple[int, ...]:
        """All numbers of channels that the network is shown."""
        return (self.channels,)

    def suits(self, *, is_complex: bool, channels: Collection[int]) -> bool:
        """Whether it is of images of that kind, for a prior that takes these numbers of channels."""
        return self.is_complex == is_complex and set(self.shown) <= set(channels)

    def suiting(self, *, is_complex: bool, channels: Collection[int]) -> "Signal":
        """This signal where it suits image and prior, else the plain one that does; where none does this one, which a
        sampler refuses and says why."""
        candidates = (self, SplitComplex(), TwoChannel()) if is_complex else (RealImage(),)
        suiting = (signal for signal in candidates if signal.suits(is_complex=is_complex, channels=channels))
        return next(suiting, candidates[0])

    def for_prior(self, prior: Prior) -> "Signal":
        """The signal that a prior is shown: those of several ways keep what it takes."""
        return self

    def drawn(self, noise: NoiseStream, shape: torch.Size) -> "Signal":
        """The signal of one network call for states of this shape: those that change from call to call draw it."""
        return self

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """States as the network sees them."""

    @abstractmethod
    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        """The network's images as states of the given shape."""

    def magnitude(self, images: Tensor) -> Tensor:
        """The intensities ``(*, H, W)`` of what images ``(*, H, W)`` show: several of one place, such as those of coils
        or map sets, have one, the root of their sum of squares."""
        magnitude: Tensor = torch.linalg.vector_norm(images.reshape(-1, *images.shape[-2:]), dim=0)
        return magnitude

    def restrict(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        """Operator and measurement as a state of this kind meets them.

        Raises:
            InputError: states of this kind are none of the operator's images.
        """
        if operator.real_domain:
            raise InputError(
                f"{operator!r} takes real images but states of {type(self).__name__} are complex; use RealImage."
            )
        return operator, y if y.is_complex() or operator.real_codomain else torch.complex(y, torch.zeros_like(y))


class WrappedSignal(Signal):
    """A signal that is another one but for what `drawn` makes of it; ``signal`` says which."""

    signal: Signal

    @property
    def channels(self) -> int:
        return self.signal.channels

    @property
    def is_complex(self) -> bool:
        return self.signal.is_complex

    @property
    def is_linear(self) -> bool:
        return self.signal.is_linear

    @property
    def shown(self) -> tuple[int, ...]:
        return self.signal.shown

    @property
    def inner(self) -> tuple[Signal, ...]:
        return (self.signal,)

    def encode(self, x: Tensor) -> Tensor:
        return self.signal.encode(x)

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return self.signal.decode(images, shape)

    def restrict(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        return self.signal.restrict(operator, y)

    def magnitude(self, images: Tensor) -> Tensor:
        return self.signal.magnitude(images)


@dataclass(frozen=True)
class RealImage(Signal):
    """The image is real (a magnitude image, as in Song 2021): one channel. Steps see ``A @ RealPart.H``, or A
    where it takes real images as it is."""

    channels = 1
    is_complex = False

    def encode(self, x: Tensor) -> Tensor:
        return x.reshape(-1, 1, *x.shape[-2:])

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        return images.reshape(shape)

    def restrict(self, operator: LinearOperator, y: Tensor) -> tuple[LinearOperator, Tensor]:
        makes_real = operator.real_codomain or operator.preserves_reals
        if not (y.is_complex() or makes_real):
            raise InputError(
                f"{operator!r} makes complex measurements but y is real; give y as it was measured. An operator of "
                "your own that makes real ones of real images says so by preserves_reals = True."
            )
        if operator.real_domain or (operator.preserves_reals and not y.is_complex()):
            return operator, y
        return operator @ RealPart(operator.domain_shape).H, y


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
    cites: ClassVar[tuple[str, ...]] = ("chung2022",)


@dataclass(frozen=True)
class TwoChannel(_ComplexParts):
    """Real and imaginary part as the two channels of a network of complex images (Jalal 2021, DDS)."""

    channels = 2
    cites: ClassVar[tuple[str, ...]] = ("jalal2021",)


@dataclass(frozen=True)
class MagnitudePhase(Signal):
    """Magnitude abs(x) and phase arg(x) / 2π + 1/2, one after the other, through one network of real images.

    A heuristic: Chung & Ye 2022 (sec. 3.2) name it beside `SplitComplex` and give no equations. The network denoises
    both as if their noise were Gaussian and of the state's level, which holds for neither, so no density of states
    follows from it; parts that need one refuse it.
    """

    channels = 1
    is_complex = True
    is_linear = False
    cites: ClassVar[tuple[str, ...]] = ("chung2022",)

    def encode(self, x: Tensor) -> Tensor:
        parts = torch.stack([x.abs(), x.angle() / (2 * math.pi) + 0.5], -3)
        return parts.reshape(-1, 1, *x.shape[-2:])

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        magnitude, phase = images.reshape(*shape[:-2], 2, *shape[-2:]).unbind(-3)
        return torch.polar(magnitude, 2 * math.pi * (phase - 0.5))
