"""A problem in two parts: what a method is shown, and what it is to predict without having seen it."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.data.held_out import held_out
from invdiff.errors import InputError
from invdiff.operators import Fourier, LinearOperator, NonUniformFourier, Subsample
from invdiff.operators.lift import Lift
from invdiff.problem import Problem

LEAST = 3
"""Lines, or points, to hold back: fewer tell nothing."""

_BANDS = 4
_LEAP = 3.0  # times the usual distance of two points


@dataclass(frozen=True, eq=False)
class Places:
    """Where samples stand among all that could be sampled.

    Attributes:
        index: integers from the centre ``n // 2``, ``(samples, dimensions)``.
        shape: of all that could be sampled.
        is_kspace: whether that is k-space.
    """

    index: NDArray[np.int64]
    shape: tuple[int, ...]
    is_kspace: bool

    @property
    def radius(self) -> NDArray[np.float64]:
        """Distance from the centre of k-space, in cycles a pixel, ``(samples,)``; zero elsewhere."""
        if not self.is_kspace:
            return np.zeros(len(self.index))
        return _norms(self.index / np.array(self.shape))

    @property
    def bands(self) -> list[NDArray[np.bool_]]:
        """Which are in each of four bands about the centre that hold as many, from the inside on; all in one where this
        is no k-space."""
        return _bands(self.radius) if self.is_kspace else [np.ones(len(self.index), bool)]

    @property
    def along(self) -> int | None:
        """The dimension along which all lines are whole; None where these are points."""
        for axis in range(len(self.shape)):
            lines = np.unique(np.delete(self.index, axis, axis=1), axis=0)
            if len(lines) * self.shape[axis] == len(self.index):
                return axis
        return None

    @property
    def coordinates(self) -> NDArray[np.int64]:
        """Where lines stand along the other dimensions, ``(lines, dimensions - 1)``; else where points stand."""
        return self.index if self.along is None else np.unique(np.delete(self.index, self.along, axis=1), axis=0)

    @property
    def line(self) -> NDArray[np.intp]:
        """The number of the line that each is in, in the order of the coordinates; else of the point that it is."""
        if self.along is None:
            return np.arange(len(self.index))
        return np.unique(np.delete(self.index, self.along, axis=1), axis=0, return_inverse=True)[1].reshape(-1)

    @property
    def numbers(self) -> set[tuple[int, ...]]:
        """Indices from zero of the lines along the other dimensions, or of the points."""
        middle = np.array([side // 2 for axis, side in enumerate(self.shape) if axis != self.along])
        return set(map(tuple, (self.coordinates + middle).tolist()))

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Some of them, bool ``(samples,)``."""
        return replace(self, index=self.index[chosen])


@dataclass(frozen=True, eq=False)
class PlacesAlong:
    """Where samples stand along a trajectory.

    Attributes:
        points: in cycles a pixel, ``(samples, dimensions)``.
        readout: the number of the readout that each is in, from zero, ``(samples,)``.
    """

    points: NDArray[np.float64]
    readout: NDArray[np.int64]

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> Self:
        """All points of a trajectory, readout after readout: from one to the next, points leap."""
        steps = _norms(np.diff(points, axis=0))
        leaps = steps > _LEAP * np.median(steps) if len(steps) else np.zeros(0, bool)
        return cls(points, np.concatenate([[0], np.cumsum(leaps)]))

    @property
    def radius(self) -> NDArray[np.float64]:
        """Distance from the centre of k-space, in cycles a pixel, ``(samples,)``."""
        return _norms(self.points)

    @property
    def bands(self) -> list[NDArray[np.bool_]]:
        """Which are in each of four bands about the centre that hold as many, from the inside on."""
        return _bands(self.radius)

    @property
    def coordinates(self) -> NDArray[np.int64]:
        """The numbers of the readouts, ``(readouts, 1)``: neighbours are those of before and after."""
        return np.unique(self.readout)[:, None]

    @property
    def line(self) -> NDArray[np.intp]:
        """Which of the coordinates each is in."""
        return np.unique(self.readout, return_inverse=True)[1]

    @property
    def numbers(self) -> set[tuple[int, ...]]:
        """Those of the readouts."""
        return {(int(number),) for number in self.coordinates[:, 0]}

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Some of them, bool ``(samples,)``."""
        return replace(self, points=self.points[chosen], readout=self.readout[chosen])


def _norms(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    norms: NDArray[np.float64] = np.linalg.norm(points, axis=1)
    return norms


def _bands(radius: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    band = np.searchsorted(np.quantile(radius, np.linspace(0, 1, _BANDS + 1)[1:-1]), radius, side="right")
    return [band == number for number in np.unique(band)]


@dataclass(frozen=True, eq=False)
class HeldBack:
    """Samples of a measurement that are kept from a method, to be predicted.

    Attributes:
        shown: the problem without them.
        hidden: the problem of them alone.
    """

    shown: Problem
    hidden: Problem

    @classmethod
    def of(cls, problem: Problem, held: Tensor) -> Self:
        """The problem without some of its samples.

        Args:
            problem: measured by an operator that ends in a choice of samples, P(Λ) B, as `sense`, `fourier` and
                `inpainting` do, or in a transform to points, F(k) S.
            held: bool, of the shape of Λ, or of the points: those to hold back, where they were sampled at all.

        Raises:
            InputError: the operator ends otherwise, or nothing is held back, or nothing is left.
        """
        kept_back = held_samples(problem, held)
        count = int(kept_back.sum())
        if not 0 < count < len(kept_back):
            raise InputError(f"Of {len(kept_back)} samples {count} would be held back; keep some of both.")

        def part(chosen: Tensor) -> Problem:
            return replace(problem, operator=Subsample(chosen) @ problem.operator, y=problem.y[..., chosen])

        return cls(part(~kept_back), part(kept_back))


def held_samples(problem: Problem, held: Tensor) -> Tensor:
    """Which of a problem's samples are to be held back, bool ``(samples,)``.

    Args:
        problem: as of `HeldBack.of`.
        held: as of `HeldBack.of`.

    Raises:
        InputError: its operator ends otherwise.
    """
    return held[sampled_by(problem).mask] if _transform_of(problem) is None else held


def sampled_by(problem: Problem) -> Subsample:
    """The choice of samples that a problem's operator ends in.

    Raises:
        InputError: it ends otherwise.
    """
    found = _inside(problem.operator.factors[0])
    if not isinstance(found, Subsample):
        raise InputError(f"{problem.operator!r} does not end in a choice of samples, of which some could be held back.")
    return found


def held_of(problem: Problem, fraction: float, seed: int) -> Tensor:
    """Samples of a problem to hold back, drawn as `held_out` draws them: bool, of the shape of Λ.

    Raises:
        InputError: its operator does not end in a choice of samples, or too few are outside the calibration region.
    """
    sampled = sampled_by(problem).mask.cpu().numpy()
    return torch.from_numpy(held_out(sampled, fraction, seed, least=LEAST).copy())


def places_of(problem: Problem) -> Places | PlacesAlong:
    """Where a problem's samples stand.

    Raises:
        InputError: its operator does not end in a choice of samples.
    """
    along = _transform_of(problem)
    if along is not None:
        last = _inside(problem.operator.factors[0])
        every = PlacesAlong.of(along.points.reshape(-1, along.points.shape[-1]).numpy())
        return every.where(last.mask.flatten().numpy()) if isinstance(last, Subsample) else every
    mask = sampled_by(problem).mask
    index = (mask.nonzero() - torch.tensor(mask.shape) // 2).numpy()
    is_kspace = any(isinstance(_inside(factor), Fourier) for factor in problem.operator.factors)
    return Places(index, tuple(mask.shape), is_kspace)


def noise_power(problem: Problem) -> float:
    """``E|n|^2`` of one of a problem's samples, real or complex.

    Raises:
        InputError: the noise level is not known, or zero.
    """
    if not problem.noise_std:
        known = "not known" if problem.noise_std is None else "zero"
        raise InputError(f"Held-back samples are judged by their noise, of which the level is {known}; give it.")
    return (2 if problem.y.is_complex() else 1) * problem.noise_std**2


def squares(residual: Tensor) -> NDArray[np.float64]:
    """Squared magnitudes ``(..., n)`` as ``(coils, n)``, whatever stands before the samples."""
    found: NDArray[np.float64] = residual.abs().double().square().reshape(-1, residual.shape[-1]).numpy()
    return found


def _transform_of(problem: Problem) -> NonUniformFourier | None:
    """The transform to points off the grid that is a part of a problem's operator."""
    every = (_inside(factor) for factor in problem.operator.factors)
    return next((one for one in every if isinstance(one, NonUniformFourier)), None)


def _inside(factor: LinearOperator) -> LinearOperator:
    return factor.operator if isinstance(factor, Lift) else factor
