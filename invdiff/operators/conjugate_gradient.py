"""Conjugate gradients for batches, each item stopped when it has converged."""

import warnings
from typing import NamedTuple

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator, Report

DEFAULT_LIMIT = 1000


class ConvergenceWarning(UserWarning):
    """An iteration ended before it had reached its tolerance."""


class Solution(NamedTuple):
    """What a solve came to.

    Attributes:
        iterations: how many there were.
        residual: norm of b - A x over that of b, the largest of the batch.
        converged: whether that is within the tolerance for every item.
    """

    iterations: int
    residual: float
    converged: bool


def default_tolerance(dtype: torch.dtype) -> float:
    """The relative residual that this precision can be asked for."""
    return 1e-12 if torch.finfo(dtype).bits == 64 else 1e-6


def conjugate_gradient(
    operator: LinearOperator,
    b: Tensor,
    *,
    initial: Tensor | None,
    tol: float | Tensor | None,
    max_iter: int | None,
    preconditioner: LinearOperator | None = None,
    report: Report | None = None,
) -> Tensor:
    """x with A x = b for positive A (Hestenes & Stiefel 1952), inner products Re<u, v>; see `LinearOperator.solve`.

    A singular A is solved in its range; from ``initial=None`` and without a preconditioner that gives the solution of
    least norm. Every item is scaled to a largest number of one, before it is preconditioned and after, so that no
    square overflows or vanishes.
    """
    event = len(operator.domain_shape)
    tol = default_tolerance(b.dtype) if tol is None else tol
    limit = DEFAULT_LIMIT if max_iter is None else max_iter

    def inner(u: Tensor, v: Tensor) -> Tensor:
        dot: Tensor = torch.linalg.vecdot(u.flatten(u.ndim - event), v.flatten(v.ndim - event))
        return dot.real if dot.is_complex() else dot

    def over_event(scalar: Tensor) -> Tensor:
        return scalar.reshape(scalar.shape + (1,) * event)

    def largest(u: Tensor) -> Tensor:
        found = u.abs().flatten(u.ndim - event).amax(-1)
        return over_event(torch.where(found > 0, found, 1))

    size = largest(b)
    b = b / size
    x = torch.zeros_like(b) if initial is None else initial / size
    residual = b if initial is None else b - operator.forward(x)
    turned = residual if preconditioner is None else preconditioner.forward(residual)
    gain = largest(turned)
    direction = turned = residual if preconditioner is None else turned / gain
    squared = inner(residual, residual)
    weighed = inner(residual, turned)
    whole = inner(b, b)
    goal = tol**2 * whole
    active = ~(squared <= goal)  # NaN goes on, to be seen in the result
    iterations = 0
    while iterations < limit and bool(active.any()):
        image = operator.forward(direction)
        curvature = inner(direction, image)
        active = active & (curvature > 0)  # nothing left to find in the operator's range
        step = torch.where(active, weighed / torch.where(active, curvature, 1), 0)
        x = x + over_event(step) * direction
        residual = residual - over_event(step) * image
        squared = torch.where(active, inner(residual, residual), squared)
        active = active & (squared > goal)
        turned = residual if preconditioner is None else preconditioner.forward(residual) / gain
        previous, weighed = weighed, torch.where(active, inner(residual, turned), weighed)
        turn = torch.where(active, weighed / torch.where(active, previous, 1), 0)
        direction = turned + over_event(turn) * direction
        iterations += 1
    reached = (squared / torch.where(whole > 0, whole, 1)).max().sqrt() if squared.numel() else torch.zeros(())
    converged = not bool((squared > goal).any())  # NaN is seen in the result
    if report is not None:
        report(Solution(iterations, float(reached), converged))
    if max_iter is None and not converged:
        warnings.warn(
            f"Conjugate gradients on {operator!r} stopped after {iterations} iterations at a relative residual of "
            f"{float(reached):.1e}, above the tolerance {float(torch.as_tensor(tol).min()):.1e}.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return x * size
