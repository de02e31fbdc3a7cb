"""The centre of k-space on a grid, and its noise, from samples along a trajectory.

Where readouts cross densely, k-space on the grid is what fits their samples best by least squares (as Rosenfeld,
Magnetic Resonance in Medicine 40, 1998, optimal gridding by blocks), and what is left of them is noise: they are more
than the numbers that are fitted.
"""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.covariance import shrunk_covariance
from invdiff.data.espirit import LARGEST_CALIBRATION
from invdiff.data.fourier import to_kspace
from invdiff.data.masks import central
from invdiff.data.noise import Noise
from invdiff.data.scale import largest_part
from invdiff.data.trajectory import Trajectory
from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.operators import LinearOperator

Complex = NDArray[np.complex64]
Mask = NDArray[np.bool_]

SMALLEST = 8
"""Side of the least centre that maps are estimated from."""

_MARGIN = 16  # positions around the centre that are fitted too: samples near its edge hold signal of them
_WEIGHT = 1e-3  # of the Tikhonov penalty, in units of a sample a position
_ROUNDS = 150
_SPOKES = 14  # by the golden angle, which fill that much
_FREE = 0.05  # of the samples' power that noise must leave, or they are no more than what is fitted
_MISFIT = (
    0.1  # relative uncertainty: levels of 0.005 of the image's maximum were 3 % low to 5 % high, lower ones higher
)


@dataclass(frozen=True, eq=False)
class Gridded:
    """The centre of k-space on a grid.

    Attributes:
        kspace: complex64 ``(slices, coils, h, w)`` about its own centre ``(h // 2, w // 2)``.
        left: what the fit leaves of the samples within it, ``(coils, n)``.
        left_of_noise: the part of white noise, by power, that the same fit leaves.
    """

    kspace: Complex
    left: Complex
    left_of_noise: float

    def noise(self) -> Noise:
        """The noise of the samples, by what the fit leaves.

        Raises:
            InputError: samples are hardly more than what is fitted.
        """
        coils, count = self.left.shape
        free = self.left_of_noise * count
        if self.left_of_noise < _FREE or free < coils or not self.left.any():
            raise InputError(
                f"the {count} samples about the centre of k-space are too few to tell the noise of {coils} coil(s); "
                "give --noise-std, or a noise scan."
            )
        scale = largest_part(self.left)
        covariance = scale**2 * shrunk_covariance(self.left.astype(np.complex128) / scale) / self.left_of_noise
        return Noise(
            std=float(np.sqrt(np.diag(covariance).real.mean())),
            uncertainty=float(np.hypot(1 / np.sqrt(4 * coils * free), _MISFIT)),
            source="from what no image explains of the samples about the centre of k-space",
            covariance=covariance if coils > 1 else None,
        )


def filled_side(trajectory: Trajectory, shape: tuple[int, int]) -> int:
    """The side of the centre of k-space that is brought to a grid; zero where readouts fill too little of it."""
    side = trajectory.filled_side(shape, LARGEST_CALIBRATION)
    return side if side >= SMALLEST else 0


@dataclass(frozen=True, eq=False)
class _Fit:
    """How positions of a grid are fitted to samples.

    Attributes:
        operator: from the grid's image to the samples that are taken.
        normal: its gram, with the penalty.
        taken: of all samples, those on the grid.
        within: of those taken, the ones in the centre.
    """

    operator: "LinearOperator"
    normal: "LinearOperator"
    taken: Mask
    within: Mask

    @classmethod
    def along(cls, places: NDArray[np.float64], grid: tuple[int, int], sides: tuple[int, int]) -> Self:
        """Of samples at places ``(n, 2)``, in positions of the grid."""
        import torch

        from invdiff.operators import Identity, NonUniformFourier

        taken: Mask = np.all(np.abs(places) <= np.array(grid) / 2, axis=-1)
        within: Mask = np.all(np.abs(places[taken]) <= np.array(sides) / 2, axis=-1)
        A = NonUniformFourier(torch.from_numpy(places[taken] / grid), grid)
        return cls(A, _WEIGHT * Identity(grid) + A.gram, taken, within)

    def __call__(self, y: Complex) -> tuple[Complex, Complex]:
        """The image ``(n, *grid)`` of samples ``(n, taken)``, and what it leaves of those in the centre."""
        import torch

        samples = torch.from_numpy(y)
        x = self.normal.solve(self.operator.H(samples), tol=1e-4, max_iter=_ROUNDS)
        return x.numpy(), (samples - self.operator(x)).numpy()[:, self.within]


def gridded_centre(kspace: Complex, trajectory: Trajectory, shape: tuple[int, int]) -> Gridded:
    """The centre of k-space that readouts fill, at most 32 positions of each side, by least squares.

    Args:
        kspace: ``(slices, coils, readouts, samples)``, at any intensity scale.
        trajectory: where its samples lie.
        shape: (H, W) of the image.

    Raises:
        InputError: the centre is not filled, or FINUFFT is not there.
    """
    filled = filled_side(trajectory, shape)
    if not filled:
        raise InputError(
            f"the {trajectory.readouts} readouts fill too little of the centre of k-space: coil "
            f"maps and noise are estimated from {SMALLEST} x {SMALLEST} at least, which takes {_SPOKES} spokes of a "
            "radial scan: measure more readouts, or give maps and noise_std in the file."
        )
    sides = (filled, filled)
    grid = (min(filled + 2 * _MARGIN, shape[0]), min(filled + 2 * _MARGIN, shape[1]))
    fits = [_Fit.along(trajectory.places(index) * shape, grid, sides) for index in range(trajectory.slices or 1)]
    blocks, left, left_of_noise = [], [], 0.0
    for one, fit in zip(kspace, itertools.cycle(fits), strict=False):
        samples = trajectory.sampled(one)[:, fit.taken]
        parts = np.random.default_rng(0).standard_normal((2, 1, samples.shape[1]), np.float32)
        scale = largest_part(samples) or 1.0  # squares of large numbers overflow
        drawn = (parts[0] + 1j * parts[1]).astype(np.complex64)
        x, rest = fit(np.concatenate([(samples / scale).astype(np.complex64), drawn]))
        left_of_noise += float((np.abs(rest[-1]) ** 2).mean()) / 2 / len(kspace)
        left.append(rest[:-1] * np.float32(scale))
        blocks.append((to_kspace(x[:-1])[:, *central(grid, sides)] * scale).astype(np.complex64))
    return Gridded(np.stack(blocks), np.concatenate(left, axis=1), left_of_noise)
