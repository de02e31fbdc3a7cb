"""One run: what steps and guidance see of it, and the loop, written once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from invdiff.diffusion.denoiser import Denoiser
from invdiff.diffusion.divergence import check_bounded
from invdiff.diffusion.grids import Levels
from invdiff.diffusion.guidance.base import Estimate, Guidance
from invdiff.diffusion.noise import START, NoiseStream
from invdiff.diffusion.part import NEEDS
from invdiff.diffusion.run_trace import RunTrace
from invdiff.diffusion.sde import SDE
from invdiff.diffusion.views.base import View
from invdiff.errors import InputError
from invdiff.operators import LinearOperator
from invdiff.problem import Problem

if TYPE_CHECKING:
    from invdiff.diffusion.bound import Bound
    from invdiff.diffusion.steps.base import State


@dataclass
class Context:
    """A run of some samples side by side, in the prior's units.

    Attributes:
        bound: what it shares with other runs.
        noise: its random numbers.
        denoiser: the prior as a denoiser of states, which counts its calls.
        trace: what happens beside the states.
    """

    bound: "Bound"
    noise: NoiseStream
    denoiser: Denoiser
    trace: RunTrace = field(default_factory=RunTrace)

    @torch.no_grad()
    def states(self, *, resume: "State | None" = None) -> "Iterator[State]":
        """Every state of the run, the first one first, the finished image last.

        Args:
            resume: any state of the same run, to go on from: it is the first one then.

        Raises:
            InputError: a state is not finite, or far larger than its noise level and the data explain: the run has
                diverged.
        """
        sampler = self.bound.sampler
        state = resume
        if state is None:
            self.noise.rewind(START)
            kind = self.y.dtype.to_complex() if sampler.signal.is_complex else self.y.dtype.to_real()
            shape = (len(self.noise.samples), *self.operator.domain_shape)
            state = sampler.start(torch.zeros(shape, dtype=kind, device=self.y.device), self)
        yield state
        while state.k < self.levels.steps:
            self.noise.rewind(state.k + 1)
            for step in sampler.steps:
                state = step(state, self)
            check_bounded(state, self)
            yield state
        if sampler.finish and not state.finished:
            self.noise.rewind(self.levels.steps + 1)
            for step in sampler.finish:
                state = step(state, self)
            check_bounded(state, self)
            yield replace(state, finished=True)

    @property
    def sde(self) -> SDE:
        """The process."""
        return self.bound.sampler.sde

    @property
    def levels(self) -> Levels:
        """Its noise levels."""
        return self.bound.levels

    @property
    def view(self) -> View:
        """What the state is."""
        return self.bound.sampler.view

    @property
    def guidance(self) -> Guidance | None:
        """What turns the prior's estimates into guided ones, or ``None``."""
        return self.bound.sampler.guidance

    @property
    def problem(self) -> Problem:
        """What was measured, in the prior's units."""
        return self.bound.problem

    @property
    def operator(self) -> LinearOperator:
        """A, as the state sees it."""
        return self.bound.operator

    @property
    def y(self) -> Tensor:
        """The measurement, as the state sees it."""
        return self.bound.y

    @property
    def adjoint_y(self) -> Tensor:
        """Aᴴ y."""
        return self.bound.adjoint_y

    @property
    def pinv_y(self) -> Tensor:
        """A⁺ y."""
        return self.bound.pinv_y

    @property
    def noise_std(self) -> float | None:
        """Of the noise of y, or ``None`` where unknown."""
        return self.bound.noise_std

    @property
    def known_noise_std(self) -> float:
        """The noise level, for parts that need it.

        Raises:
            InputError: the problem does not say.
        """
        if self.noise_std is None:
            raise InputError(f"This method needs {NEEDS['noise_std']}.")
        return self.noise_std

    def held_back(self, part: float, deviation: float) -> float:
        """The noise level, or where it is more ``part e deviation``, e being the operator's `evenness`: so much the
        data are taken to be off beside what else is known of the image to a standard deviation.

        Raises:
            InputError: the problem does not tell the noise level.
        """
        return max(self.known_noise_std, part * self.operator.evenness() * deviation)

    def denoise(self, x: Tensor, k: int) -> Tensor:
        """The prior's estimate of the clean image from the states ``x`` at level ``k``: one network call a sample."""
        return self.denoiser.denoise(x, self.levels.alpha[k], self.levels.beta[k], self.noise)

    def unguided(self, x: Tensor, k: int) -> Estimate:
        """The prior's estimate of the states ``x`` at level ``k``: one network call a sample."""
        mean = self.denoise(x, k)
        return Estimate(mean, (x - self.levels.alpha[k] * mean) / self.levels.beta[k])

    def estimate(self, x: Tensor, k: int) -> Estimate:
        """The guided estimate of the states ``x`` at level ``k``: as many network calls a sample as guidance says."""
        if self.guidance is None:
            return self.unguided(x, k)
        guided = self.guidance(partial(self.unguided, k=k), x, k, self)
        self.denoiser.latest = guided.mean
        return guided

    def score(self, x: Tensor, k: int) -> Tensor:
        """The score at ``x``, (alpha E[x_0] - x) / beta^2 of the guided estimate: network calls as `estimate`."""
        alpha, beta = self.levels.alpha[k], self.levels.beta[k]
        if self.guidance is None:
            return self.denoiser.score(x, alpha, beta, self.noise)
        return (alpha * self.estimate(x, k).mean - x) / beta**2
