"""Coil maps and image found together, by turns within one run of half-quadratic splitting.

The measurement is linear in the image for given maps, and in the maps for a given image (JSENSE: Ying & Sheng 2007).
The prior's image of a falling level is the better the lower the level is, and so are the maps that follow from it.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from invdiff.diffusion.sampler import Sampler, scale_of
from invdiff.operators import LinearOperator, Sensitivities
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.smooth_maps import orthonormal, smooth_maps

_BEFORE = 0.3  # of the levels: the image is too coarse to tell maps by
_EVERY = 2  # levels between map steps


@dataclass(frozen=True)
class Joint:
    """Refines coil maps with the image that they show.

    Attributes:
        prior: what images look like.
        sampler: a method whose state is an image without noise, such as `invdiff.methods.estimate`.
    """

    prior: Prior
    sampler: Sampler

    @property
    def decided(self) -> tuple[object, ...]:
        """All that the refined maps depend on besides the data."""
        return repr(self.sampler), self.prior.fingerprint()

    @torch.no_grad()
    def __call__(self, y: Tensor, transform: LinearOperator, maps: Tensor, noise_std: float) -> tuple[Tensor, Tensor]:
        """Refined maps, and the image of the run that found them.

        Args:
            y: complex ``(coils, m)``, the samples.
            transform: from the image ``(H, W)`` of one coil to its samples ``(m,)``, on a grid or along a trajectory.
            maps: complex ``(coils, H, W)`` or ``(sets, coils, H, W)``, to begin with.
            noise_std: of each real number of ``y``.

        Returns:
            maps of that shape, orthonormal at each pixel, and the image ``(H, W)`` or ``(sets, H, W)``, in the units of
            ``y``.

        Raises:
            InputError: parts do not fit, or the run diverges.
        """
        device = self.prior.device
        y, transform, maps = y.to(device), transform.to(device), maps.to(device)
        around = orthonormal(maps, torch.zeros_like(maps[..., 0, :, :]))[0]
        problem = Problem(transform @ Sensitivities(around), y, noise_std)
        problem = problem.with_scale(scale_of(problem, self.prior))
        bound = self.sampler.bind(problem, self.prior)
        steps = bound.levels.steps
        turns = set(range(round(_BEFORE * steps), steps, _EVERY))
        run = bound.run().states()
        state = next(run)
        while state.k < steps:
            state = next(run)
            if state.k not in turns:
                continue
            alpha = bound.levels.alpha[state.k]
            image = state.x[0] / alpha * bound.unit
            maps, image = orthonormal(smooth_maps(y, transform, image, around, noise_std), image)
            bound = self.sampler.bind(replace(problem, operator=transform @ Sensitivities(maps)), self.prior)
            run = bound.run().states(resume=replace(state, x=(image / bound.unit * alpha)[None]))
            next(run)
        return maps, state.x[0] * bound.unit
