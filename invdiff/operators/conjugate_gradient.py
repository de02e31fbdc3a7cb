"""Conjugate gradients for batches, each item stopped when it has converged."""

import warnings

import torch
from torch import Tensor

from invdiff.operators.base import LinearOperator

DEFAULT_LIMIT = 1000


class ConvergenceWarning(UserWarning):
    """An iteration ended before it had reached its tolerance."""


def conjugate_gradient(
    operator: LinearOperator, b: Tensor, *, initial: Tensor | None, tol: float | None, max_iter: int | None
) -> Tensor:
    """x with A x = b for positive A (Hestenes & Stiefel 1952), inner products Re<u, v>; see `LinearOperator.solve`.

    A singular A is solved in its range; from ``initial=None`` that gives the solution of least norm.
    """
    event = len(operator.domain_shape)
    precision = torch.finfo(b.dtype)
    tol = tol if tol is not None else (1e-12 if precision.bits == 64 else 1e-6)

    def inner(u: Tensor, v: Tensor) -> Tensor:
        dot: Tensor = torch.linalg.vecdot(u.flatten(u.ndim - event), v.flatten(v.ndim - event))
        return dot.real if dot.is_complex() else dot

    def over_event(scalar: Tensor) -> Tensor:
        return scalar.reshape(scalar.shape + (1,) * event)

    x = torch.zeros_like(b) if initial is None else initial
    residual = b if initial is None else b - operator.forward(initial)
    direction = residual
    squared = inner(residual, residual)
    goal = tol**2 * inner(b, b)
    active = ~(squared <= goal)  # NaN goes on, to be seen in the result
    for _ in range(max_iter if max_iter is not None else DEFAULT_LIMIT):
        if not bool(active.any()):
            break
        image = operator.forward(direction)
        curvature = inner(direction, image)
        active = active & (curvature > 0)  # nothing left to find in the operator's range
        step = torch.where(active, squared / torch.where(active, curvature, 1), 0)
        x = x + over_event(step) * direction
        residual = residual - over_event(step) * image
        previous, squared = squared, torch.where(active, inner(residual, residual), squared)
        active = active & (squared > goal)
        turn = torch.where(active, squared / torch.where(active, previous, 1), 0)
        direction = residual + over_event(turn) * direction
    if max_iter is None and bool(active.any()):
        reached = float((squared / inner(b, b))[active].max().sqrt())
        warnings.warn(
            f"Conjugate gradients on {operator!r} stopped after {DEFAULT_LIMIT} iterations at a relative residual of "
            f"{reached:.1e}, above the tolerance {tol:.1e}.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return x
