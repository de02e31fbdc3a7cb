"""What steps and guidance see of a problem once it is bound to a sampler and a prior."""

from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from invdiff.diffusion.denoiser import Denoiser
from invdiff.diffusion.grids import Levels
from invdiff.diffusion.guidance.base import Estimate, Guidance
from invdiff.diffusion.noise import NoiseStream
from invdiff.diffusion.part import NEEDS
from invdiff.diffusion.sde import SDE
from invdiff.diffusion.views.base import View
from invdiff.errors import InputError
from invdiff.operators import LinearOperator
from invdiff.operators.trace import Trace
from invdiff.problem import Problem


@dataclass
class Context:
    """A bound run, in the prior's units.

    Attributes:
        sde: the process.
        levels: its noise levels.
        problem: what was measured, in the prior's units.
        view: what the state is.
        operator: A, as the state sees it.
        y: the measurements.
        noise_std: of their noise.
        denoiser: the prior as a denoiser of states.
        guidance: turns the prior's estimates into guided ones, or ``None``.
        noise: this run's random numbers.
        trace: what happens beside the states.
    """

    sde: SDE
    levels: Levels
    problem: Problem
    view: View
    operator: LinearOperator
    y: Tensor
    noise_std: float | None
    denoiser: Denoiser
    guidance: Guidance | None
    noise: NoiseStream
    trace: Trace = field(default_factory=Trace)

    @cached_property
    def adjoint_y(self) -> Tensor:
        """Aᴴ y."""
        return self.operator.H(self.y)

    @cached_property
    def pinv_y(self) -> Tensor:
        """A⁺ y."""
        return self.operator.pinv(self.y)

    @property
    def known_noise_std(self) -> float:
        """The noise level, for parts that need it.

        Raises:
            InputError: the problem does not say.
        """
        if self.noise_std is None:
            raise InputError(f"This method needs {NEEDS['noise_std']}.")
        return self.noise_std

    def denoise(self, x: Tensor, k: int) -> Tensor:
        """The prior's estimate of the clean image from the states ``x`` at level ``k``: one network call a sample."""
        return self.denoiser.denoise(x, self.levels.alpha[k], self.levels.beta[k], self.noise)

    def estimate(self, x: Tensor, k: int) -> Estimate:
        """The guided estimate of the states ``x`` at level ``k``: one network call a sample."""
        alpha, beta = self.levels.alpha[k], self.levels.beta[k]
        mean = self.denoise(x, k)
        estimate = Estimate(mean, (x - alpha * mean) / beta)
        return estimate if self.guidance is None else self.guidance(estimate, x, k, self)

    def score(self, x: Tensor, k: int) -> Tensor:
        """The score at ``x``, (alpha E[x_0] - x) / beta^2 of the guided estimate: one network call a sample."""
        alpha, beta = self.levels.alpha[k], self.levels.beta[k]
        if self.guidance is None:
            return self.denoiser.score(x, alpha, beta, self.noise)
        return (alpha * self.estimate(x, k).mean - x) / beta**2
