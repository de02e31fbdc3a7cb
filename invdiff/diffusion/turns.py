"""Signals that are drawn anew for each network call.

A network answers a little differently for an image and for its mirror image, and two signals err in different places.
What is shown differently from call to call leaves errors that cancel.
"""

import cmath
import math
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from invdiff.diffusion.noise import NoiseStream
from invdiff.diffusion.signals import Signal, SplitComplex, TwoChannel, WrappedSignal
from invdiff.errors import InputError
from invdiff.priors.base import Prior


@dataclass(frozen=True)
class ByTurns(WrappedSignal):
    """Several signals in turn, one an iteration: such as real and imaginary part together, then one after the other.

    Raises:
        InputError: there are none, or some are of complex images and others of real ones.
    """

    signals: tuple[Signal, ...]

    def __post_init__(self) -> None:
        if len({signal.is_complex for signal in self.signals}) != 1:
            raise InputError("ByTurns takes signals that are all of complex images, or all of real ones.")

    @property
    def signal(self) -> Signal:  # type: ignore[override] # the one that stands for all
        return self.signals[0]

    @property
    def is_linear(self) -> bool:
        return all(signal.is_linear for signal in self.signals)

    @property
    def shown(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(channels for signal in self.signals for channels in signal.shown))

    @property
    def inner(self) -> tuple[Signal, ...]:
        return self.signals

    def suiting(self, *, is_complex: bool, channels: Collection[int]) -> Signal:
        fitting = tuple(signal for signal in self.signals if signal.suits(is_complex=is_complex, channels=channels))
        return ByTurns(fitting) if len(fitting) > 1 else super().suiting(is_complex=is_complex, channels=channels)

    def for_prior(self, prior: Prior) -> Signal:
        taken = tuple(signal for signal in self.signals if signal.channels in prior.channels)
        return ByTurns(taken) if taken else self

    def drawn(self, noise: NoiseStream, shape: torch.Size) -> Signal:
        return self.signals[noise.iteration % len(self.signals)].drawn(noise, shape)


@dataclass(frozen=True)
class Turned(WrappedSignal):
    """Another signal of the image mirrored along each axis or not, transposed or not where it is square, and, where it
    is complex, turned by a global phase: for each sample and network call at random, and turned back. A prior to which
    turned images are others (`Prior.is_oriented`) is shown them as they are."""

    signal: Signal

    def suiting(self, *, is_complex: bool, channels: Collection[int]) -> Signal:
        return Turned(self.signal.suiting(is_complex=is_complex, channels=channels))

    def for_prior(self, prior: Prior) -> Signal:
        signal = self.signal.for_prior(prior)
        return signal if prior.is_oriented else Turned(signal)

    def drawn(self, noise: NoiseStream, shape: torch.Size) -> Signal:
        numbers = noise.draw((5,), torch.float64).cpu()
        turns = tuple(
            Turn(
                flipped=tuple(axis for axis, number in ((-2, at[0]), (-1, at[1])) if number > 0),
                transposed=shape[-1] == shape[-2] and bool(at[2] > 0),
                phase=math.atan2(float(at[3]), float(at[4])) if self.is_complex else 0.0,
            )
            for at in numbers
        )
        return _AtTurns(self.signal.drawn(noise, shape), turns)


@dataclass(frozen=True)
class Turn:
    """One way to turn an image: a unitary map.

    Attributes:
        flipped: axes that are mirrored, first.
        transposed: whether the last two axes are exchanged, then.
        phase: by which a complex image is turned, in radians.
    """

    flipped: tuple[int, ...]
    transposed: bool
    phase: float

    def __call__(self, x: Tensor) -> Tensor:
        """The image turned."""
        x = x.flip(self.flipped)
        x = x.mT if self.transposed else x
        return x * cmath.rect(1.0, self.phase) if x.is_complex() else x

    def back(self, x: Tensor) -> Tensor:
        """The turned image as it was."""
        x = x * cmath.rect(1.0, -self.phase) if x.is_complex() else x
        x = x.mT if self.transposed else x
        return x.flip(self.flipped)


@dataclass(frozen=True)
class _AtTurns(WrappedSignal):
    """A signal of samples, each turned in a way of its own."""

    signal: Signal
    turns: tuple[Turn, ...]

    def encode(self, x: Tensor) -> Tensor:
        return self.signal.encode(torch.stack([turn(image) for turn, image in zip(self.turns, x, strict=True)]))

    def decode(self, images: Tensor, shape: torch.Size) -> Tensor:
        turned = self.signal.decode(images, shape)
        return torch.stack([turn.back(image) for turn, image in zip(self.turns, turned, strict=True)])


TURNED = Turned(ByTurns((TwoChannel(), SplitComplex())))
"""Both parts of a complex image together and one after the other, call by call, turned at random."""
