"""Instruments beside MR scanners, as operators on real images: their physics are deepinv's."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from invdiff.bridges.deepinv import from_deepinv
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, Shape, Subsample


class Instrument(ABC):
    """What measures images by deepinv's physics. It is a value: two with equal settings are the same."""

    @abstractmethod
    def measurement_shape(self, shape: Shape) -> Shape:
        """What it makes of images ``(H, W)``, without an axis of one channel.

        Raises:
            InputError: it can't measure images of that shape.
        """

    @abstractmethod
    def operator(self, shape: Shape) -> LinearOperator:
        """A, on real images ``(H, W)``.

        Raises:
            InputError: it can't measure images of that shape.
        """

    @abstractmethod
    def simple_image(self, A: LinearOperator, y: Tensor) -> Tensor:
        """What is shown without a prior, ``(H, W)``.

        Args:
            A: what `operator` gave.
            y: a measurement, of its codomain.
        """


@dataclass(frozen=True)
class Tomograph(Instrument):
    """Computed tomography: parallel beams from directions that are evenly spaced over half a turn (Kak & Slaney,
    Principles of Computerized Tomographic Imaging, 1988, sec. 3). A measurement is ``(1, detectors, views)``.

    Args:
        views: how many directions.

    Raises:
        InputError: there are none.
    """

    views: int = 60

    def __post_init__(self) -> None:
        if self.views < 1:
            raise InputError(f"A tomograph has one view or more, but --views is {self.views}.")

    def measurement_shape(self, shape: Shape) -> Shape:
        """(detectors, views): the detectors span the image's diagonal."""
        height, width = shape
        if height != width:
            raise InputError(f"Tomography takes square images, but these are {height} x {width}; crop or pad them.")
        return width + math.ceil((math.sqrt(2) - 1) * width), self.views

    def operator(self, shape: Shape) -> LinearOperator:
        """Line integrals, in lengths of a pixel."""
        self.measurement_shape(shape)
        from deepinv.physics import Tomography

        return from_deepinv(Tomography(angles=self.views, img_width=shape[1], circle=False, normalize=False), shape)

    def simple_image(self, A: LinearOperator, y: Tensor) -> Tensor:
        """Filtered back-projection, with a ramp filter."""
        physics: Any = A.physics  # type: ignore[attr-defined] # of a DeepinvOperator
        image: Tensor = physics.A_dagger(y[None])[0, 0]
        return image


@dataclass(frozen=True)
class Blur(Instrument):
    """A Gaussian blur, as of optics out of focus, of images that go on periodically. A measurement is ``(1, H, W)``.

    Args:
        std: of the Gaussian, in pixels.

    Raises:
        InputError: it is not positive.
    """

    std: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.std < float("inf"):
            raise InputError(f"The width of a blur is a positive number of pixels, but --blur-std is {self.std}.")

    def measurement_shape(self, shape: Shape) -> Shape:
        """(H, W)."""
        if 3 * self.std > min(shape) / 2:
            raise InputError(
                f"A blur of --blur-std {self.std:g} is wider than images of {shape[0]} x {shape[1]} pixels; take a "
                "smaller one."
            )
        return shape

    def operator(self, shape: Shape) -> LinearOperator:
        """A convolution with a Gaussian whose sum is one."""
        self.measurement_shape(shape)
        from deepinv.physics import BlurFFT
        from deepinv.physics.functional.blur import gaussian_blur

        return from_deepinv(BlurFFT((1, *shape), filter=gaussian_blur(sigma=(self.std, self.std))), shape)

    def simple_image(self, A: LinearOperator, y: Tensor) -> Tensor:
        """What was measured."""
        return y[0]


@dataclass(frozen=True)
class Enlarger(Instrument):
    """Images of fewer pixels: a Gaussian low-pass, of which every so-manieth pixel along each side is kept. A
    measurement is ``(1, H / factor, W / factor)``.

    Args:
        factor: by which each side is shorter.

    Raises:
        InputError: it is less than two.
    """

    factor: int = 2

    def __post_init__(self) -> None:
        if self.factor < 2:
            raise InputError(f"Super-resolution has a factor of two or more, but --factor is {self.factor}.")

    def measurement_shape(self, shape: Shape) -> Shape:
        """(H / factor, W / factor)."""
        if any(side % self.factor or side < 8 * self.factor for side in shape):  # the low-pass is about as wide
            raise InputError(
                f"Images of {shape[0]} x {shape[1]} pixels have no smaller ones by --factor {self.factor}; crop or pad "
                "their sides to larger multiples of it."
            )
        return tuple(side // self.factor for side in shape)

    def operator(self, shape: Shape) -> LinearOperator:
        """S h * x; the image goes on periodically."""
        self.measurement_shape(shape)
        from deepinv.physics import Downsampling

        physics = Downsampling((1, *shape), filter="gaussian", factor=self.factor, padding="circular")
        return from_deepinv(physics, shape)

    def simple_image(self, A: LinearOperator, y: Tensor) -> Tensor:
        """Each pixel as a square of its value."""
        return y[0].repeat_interleave(self.factor, 0).repeat_interleave(self.factor, 1)


@dataclass(frozen=True)
class SinglePixelCamera(Instrument):
    """One detector behind patterns of light: Hadamard's, those of lowest sequency first (Duarte et al., Single-pixel
    imaging via compressive sampling, IEEE Signal Processing Magazine 25, 2008). A measurement is ``(patterns,)``.

    Args:
        patterns: how many; ``None``: a quarter of the pixels.

    Raises:
        InputError: there are none.
    """

    patterns: int | None = None

    def __post_init__(self) -> None:
        if self.patterns is not None and self.patterns < 1:
            raise InputError(f"A single-pixel camera shows one pattern or more, but --patterns is {self.patterns}.")

    def measurement_shape(self, shape: Shape) -> Shape:
        """(patterns,)."""
        height, width = shape
        if height & (height - 1) or width & (width - 1):
            raise InputError(
                f"Hadamard's patterns have sides that are powers of two, but images are {height} x {width}; crop or "
                "pad them."
            )
        count = max(1, height * width // 4) if self.patterns is None else self.patterns
        if count > height * width:
            raise InputError(
                f"There are {height * width} patterns of {height} x {width} pixels, but --patterns is {count}."
            )
        return (count,)

    def operator(self, shape: Shape) -> LinearOperator:
        """Some rows of the orthonormal two-dimensional Hadamard transform."""
        (count,) = self.measurement_shape(shape)
        from deepinv.physics import SinglePixelCamera as Physics

        physics = Physics(m=count, img_size=(1, *shape), fast=True)
        shown = physics.mask.reshape(1, *shape) != 0
        return Subsample(torch.as_tensor(shown)) @ from_deepinv(physics, shape)

    def simple_image(self, A: LinearOperator, y: Tensor) -> Tensor:
        """Aᴴ y: zero along patterns that were not shown."""
        return A.H(y)
