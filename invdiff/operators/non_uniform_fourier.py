"""The Fourier transform at points off the grid, for non-Cartesian trajectories."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import as_tensor
from invdiff.operators.base import LinearOperator, Shape, size
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.frozen import Frozen
from invdiff.operators.identity import Identity
from invdiff.operators.non_uniform_plans import NonUniformPlans
from invdiff.operators.remembered import remembered
from invdiff.operators.rules import PULLBACK
from invdiff.operators.structure import Structure
from invdiff.operators.toeplitz import Toeplitz
from invdiff.operators.with_adjoint import with_adjoint

SMALLEST_ERROR = 1e-14
"""That double precision can have, and that of the gram's kernel: what that is off by can make the gram indefinite."""
EDGE = 0.5 * (1 + 1e-6)
"""The largest frequency of a grid of pixels, in cycles per pixel, as single precision may round it."""


class NonUniformFourier(LinearOperator, Frozen):
    """F(k): y(k) = sum over pixels r of x(r) exp(-2πi k·r) / √(number of pixels), the pixel n // 2 at r = 0.

    At the points of the grid, (i - n // 2) / n, it is `Fourier`. It runs on FINUFFT (Barnett, Magland & af Klinteberg,
    SIAM Journal on Scientific Computing 41, 2019), on the CPU: arrays of other devices travel there and back. Its gram
    runs where its arrays are. It is differentiable.

    Args:
        points: real ``(*frames, samples, dimensions)`` in cycles per pixel, from -1/2 to 1/2, their last axis in the
            order of the axes of ``shape``; a trajectory in 1/m times the size of a pixel in m. Held as float64.
        shape: the image's, of 1, 2 or 3 dimensions; images are ``(*frames, *shape)``.
        eps: relative error of a transform, computed in double precision. The gram has none, so one above the tolerance
            of `pinv` leaves what a singular system can not reach: keep it small where that is asked for.

    Raises:
        InputError: points and shape do not fit each other, there is no point, points are NaN, infinite or not in cycles
            per pixel, or ``eps`` is not between 1e-14 and 0.1. On first use: FINUFFT isn't installed.
    """

    points: Tensor
    shape: Shape
    eps: float = 1e-12
    symbol = "F(k)"

    def __post_init__(self) -> None:
        points, dimensions = as_tensor(self.points, "NonUniformFourier"), len(self.shape)
        if dimensions not in (1, 2, 3) or any(n < 1 for n in self.shape):
            raise InputError(f"NonUniformFourier takes images of 1, 2 or 3 dimensions but was given {self.shape}.")
        if points.is_complex() or points.ndim < 2 or points.shape[-1] != dimensions or not points.numel():
            raise InputError(
                f"The points of images of shape {self.shape} are real arrays (*frames, samples, {dimensions}), but "
                f"these are {points.dtype} of shape {tuple(points.shape)}."
            )
        if not bool(torch.isfinite(points).all()):
            raise InputError("The points hold NaN or infinity; leave out such samples, of the data as well.")
        largest = float(points.abs().max())
        if largest > EDGE:
            raise InputError(
                f"The points are in cycles per pixel, from -0.5 to 0.5, but the largest is {largest:.6g}; divide "
                "radians per pixel by 2π and cycles per field of view by the number of pixels, or multiply cycles per "
                "m by the size of a pixel in m."
            )
        if not SMALLEST_ERROR <= self.eps <= 0.1:
            raise InputError(f"The error eps of NonUniformFourier lies between 1e-14 and 0.1 but is {self.eps}.")
        object.__setattr__(self, "points", points.double())
        object.__setattr__(self, "shape", tuple(self.shape))

    @property
    def frames(self) -> Shape:
        """The leading dimensions, over which the points differ."""
        return tuple(self.points.shape[:-2])

    @property
    def domain_shape(self) -> Shape:
        return self.frames + self.shape

    @property
    def codomain_shape(self) -> Shape:
        return tuple(self.points.shape[:-1])

    @remembered
    def _plans(self) -> list[NonUniformPlans]:
        """Those of each frame."""
        points = self.points.cpu().reshape(-1, *self.points.shape[-2:]).numpy()
        return [NonUniformPlans(of_frame, self.shape, self.eps) for of_frame in points]

    def forward(self, x: Tensor) -> Tensor:
        return with_adjoint(self._samples, self._images, x.to(x.dtype.to_complex()))

    def adjoint(self, y: Tensor) -> Tensor:
        return with_adjoint(self._images, self._samples, y.to(y.dtype.to_complex()))

    def _samples(self, x: Tensor) -> Tensor:
        return self._frame_by_frame(NonUniformPlans.samples, x, self.domain_shape, self.codomain_shape)

    def _images(self, y: Tensor) -> Tensor:
        return self._frame_by_frame(NonUniformPlans.images, y, self.codomain_shape, self.domain_shape)

    def _frame_by_frame(
        self, transform: Callable[[NonUniformPlans, Tensor], Tensor], x: Tensor, taken: Shape, made: Shape
    ) -> Tensor:
        batch, frames = x.shape[: x.ndim - len(taken)], len(self.frames)
        if not x.numel():
            return x.new_zeros(*batch, *made)
        on_host = x.to("cpu", torch.complex128).reshape(size(batch), len(self._plans), *taken[frames:])
        transformed = torch.stack([transform(plans, on_host[:, i]) for i, plans in enumerate(self._plans)], dim=1)
        return (transformed / math.sqrt(size(self.shape))).reshape(*batch, *made).to(x.device, x.dtype)

    def evenness(self) -> float:
        return self._evenness

    @remembered
    def _evenness(self) -> float:
        """Of the gram's nearest circulant: neighbouring frequencies are taken for orthogonal."""
        power = self.weighted(self.points.new_ones(self.codomain_shape)).nearest_circulant().multiplier
        return math.sqrt(float(power.square().sum() / power.sum())) / self.norm_bound()

    def weighted(self, weights: Tensor) -> Toeplitz:
        """Aᴴ W A for real or complex ``weights`` of the samples, ``(*frames, samples)``."""
        double = tuple(2 * n for n in self.shape)
        lags = tuple(range(-len(double), 0))
        kernel = NonUniformFourier(self.points, double, SMALLEST_ERROR).adjoint(weights)
        for axis in lags:
            kernel.narrow(axis, 0, 1).zero_()  # lag -n, which no two pixels have
        spectrum = torch.fft.fftn(torch.fft.ifftshift(kernel, dim=lags), dim=lags)
        spectrum = spectrum * (math.sqrt(size(double)) / size(self.shape))
        if weights.is_complex():
            return Toeplitz(self.shape, spectrum)
        positive = bool((weights >= 0).all())
        return Toeplitz(self.shape, spectrum.real, Structure.POSITIVE if positive else Structure.SELF_ADJOINT)


@PULLBACK.rule(NonUniformFourier, Identity, "F(k)ᴴ I F(k) = C Fᴴ D F Cᴴ, a convolution that doesn't wrap around")
def _(operator: NonUniformFourier, middle: Identity) -> LinearOperator:
    return operator.weighted(operator.points.new_ones(operator.codomain_shape))


@PULLBACK.rule(NonUniformFourier, Diagonal, "F(k)ᴴ D F(k) = C Fᴴ D F Cᴴ, for weights of the samples")
def _(operator: NonUniformFourier, middle: Diagonal) -> LinearOperator:
    return operator.weighted(middle.spectrum)
