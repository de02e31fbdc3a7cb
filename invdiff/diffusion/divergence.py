"""When a run has left all that could explain its state."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context
    from invdiff.diffusion.steps.base import State

_BRIGHT = 90  # percentiles from here on are of what is seen, not of the air around it
_LARGEST = 100.0
"""Root mean square of a state over that of all that explains it; a run of a few steps may be tens."""


def check_bounded(state: "State", context: "Context") -> None:
    """Raise ``InputError`` where a state is not finite, or far larger than white, A^H y and noise together.

    The noise is that of the level before, some of which long steps leave. A prior that knows no intensity, or that of a
    middling percentile, leaves its images' size open, so of its states no more is asked than to be finite.
    """
    k, levels, intensity = state.k, context.levels, context.denoiser.prior.intensity
    white = 1.0 if intensity is not None and intensity.percentile >= _BRIGHT else math.inf
    explained = max(white, float(_root_mean_square(context.adjoint_y[None])), levels.beta[k - 1])
    size = float(_root_mean_square(state.x, explained).max())
    if not size <= _LARGEST:
        what = f"is {size:.2g} times what explains it" if math.isfinite(size) else "holds NaN or infinity"
        raise InputError(
            f"The run diverged at iteration {k} of {levels.steps} (sigma {levels.sigma(k):.3g}): the state {what}. Use "
            "more steps or smaller ones (lower snr or epsilon), or a wider likelihood (raise its rho)."
        )


def _root_mean_square(x: Tensor, unit: float = 1.0) -> Tensor:
    """Of each item ``(items, ...)``, in this unit; NaN where one number is not finite, whatever the unit."""
    return ((torch.view_as_real(x) if x.is_complex() else x) / unit).flatten(1).square().mean(1).sqrt()
