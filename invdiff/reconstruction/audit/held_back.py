"""A problem in two parts: what a method is shown, and what it is to predict without having seen it."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import Fourier, LinearOperator, Subsample
from invdiff.operators.lift import Lift
from invdiff.problem import Problem

_BANDS = 4


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
        radius: NDArray[np.float64] = np.linalg.norm(self.index / np.array(self.shape), axis=1)
        return radius

    @property
    def bands(self) -> list[NDArray[np.bool_]]:
        """Which are in each of four bands about the centre that hold as many, from the inside on; all in one where this
        is no k-space."""
        edges = np.quantile(self.radius, np.linspace(0, 1, _BANDS + 1)[1:-1]) if self.is_kspace else np.zeros(0)
        band = np.searchsorted(edges, self.radius, side="right")
        return [band == number for number in np.unique(band)]

    @property
    def line(self) -> NDArray[np.intp]:
        """The number of the line that each is in, where all are whole along one of the dimensions; else of the point
        that it is."""
        for dimension, length in enumerate(self.shape):
            lines, number = np.unique(np.delete(self.index, dimension, axis=1), axis=0, return_inverse=True)
            if len(lines) * length == len(self.index):
                return number.reshape(-1)
        return np.arange(len(self.index))


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
                `inpainting` do.
            held: bool, of the shape of Λ: those to hold back, where they were sampled at all.

        Raises:
            InputError: the operator ends otherwise, or nothing is held back, or nothing is left.
        """
        kept_back = held[sampled_by(problem).mask]
        count = int(kept_back.sum())
        if not 0 < count < len(kept_back):
            raise InputError(f"Of {len(kept_back)} samples {count} would be held back; keep some of both.")

        def part(chosen: Tensor) -> Problem:
            return replace(problem, operator=Subsample(chosen) @ problem.operator, y=problem.y[..., chosen])

        return cls(part(~kept_back), part(kept_back))


def sampled_by(problem: Problem) -> Subsample:
    """The choice of samples that a problem's operator ends in.

    Raises:
        InputError: it ends otherwise.
    """
    found = _inside(problem.operator.factors[0])
    if not isinstance(found, Subsample):
        raise InputError(f"{problem.operator!r} does not end in a choice of samples, of which some could be held back.")
    return found


def places_of(problem: Problem) -> Places:
    """Where a problem's samples stand.

    Raises:
        InputError: its operator does not end in a choice of samples.
    """
    mask = sampled_by(problem).mask
    index = (mask.nonzero() - torch.tensor(mask.shape) // 2).numpy()
    is_kspace = any(isinstance(_inside(factor), Fourier) for factor in problem.operator.factors)
    return Places(index, tuple(mask.shape), is_kspace)


def noise_power(problem: Problem) -> float:
    """``E|n|^2`` of one of a problem's samples, real or complex.

    Raises:
        InputError: the noise level is not known.
    """
    if problem.noise_std is None:
        raise InputError("Held-back samples are judged by their noise, of which the level is not known; give it.")
    return (2 if problem.y.is_complex() else 1) * problem.noise_std**2


def squares(residual: Tensor) -> NDArray[np.float64]:
    """Squared magnitudes ``(..., n)`` as ``(coils, n)``, whatever stands before the samples."""
    found: NDArray[np.float64] = residual.abs().double().square().reshape(-1, residual.shape[-1]).numpy()
    return found


def _inside(factor: LinearOperator) -> LinearOperator:
    return factor.operator if isinstance(factor, Lift) else factor
