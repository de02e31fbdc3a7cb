"""The prior's estimate with its derivative, for guidance that differentiates."""

from dataclasses import dataclass

import torch
from torch import Tensor

from invdiff.diffusion.guidance.base import Denoise, Estimate
from invdiff.errors import InputError


@dataclass(frozen=True, eq=False)
class Linearised:
    """The prior's estimate of a state x, and the adjoint of J, the derivative of its mean x_0 along x, of one network
    call.

    Gradients are d/dRe + i d/dIm, so Jᴴ is the adjoint under Re<u, v>. The call's graph lives as long as this does.

    Attributes:
        estimate: the prior's, without a gradient.
    """

    estimate: Estimate
    _x: Tensor
    _mean: Tensor

    @classmethod
    def of(cls, prior: Denoise, x: Tensor) -> "Linearised":
        """The prior asked about the states ``x`` with a gradient, whatever the caller's mode.

        Raises:
            InputError: no gradient passes through the prior.
        """
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            found = prior(x)
        if not found.mean.requires_grad:
            raise InputError(
                "This guidance needs the derivative of the prior's answer, and no gradient passes through this prior; "
                "use a prior that computes with differentiable functions of torch, or guidance by Proximal."
            )
        return cls(Estimate(found.mean.detach(), found.noise.detach()), x, found.mean)

    def adjoint(self, v: Tensor) -> Tensor:
        """Jᴴ v for ``v`` of the states' shape: one pass back through the call."""
        (pulled,) = torch.autograd.grad(self._mean, self._x, v, retain_graph=True)
        return pulled
