"""Where a run begins."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.grids import Levels
from invdiff.diffusion.part import Part
from invdiff.diffusion.steps.base import State, Step
from invdiff.errors import InputError


class Start(Part, ABC):
    """Gives the first state."""

    def first_level(self, levels: Levels) -> int:
        """Index of the level at which the run begins."""
        return 0

    @abstractmethod
    def __call__(self, blank: Tensor, context: Context) -> State:
        """The first state, of the shape and kind of ``blank`` (samples, ...)."""


@dataclass(frozen=True)
class FromNoise(Start):
    """Pure noise at the highest level: x = beta_0 z.

    Args:
        then: steps to apply to it, such as the first projection of Chung & Ye 2022.
    """

    then: Sequence[Step] = ()

    @property
    def inner(self) -> tuple[Part, ...]:
        return tuple(self.then)

    def __call__(self, blank: Tensor, context: Context) -> State:
        state = State(context.levels.beta[0] * context.noise.like(blank), 0)
        for step in self.then:
            state = step(state, context)
        return state


@dataclass(frozen=True)
class FromUniform(Start):
    """Every real number of the state uniform between 0 and 1 (the released code of Jalal 2021)."""

    cites: ClassVar[tuple[str, ...]] = ("jalal2021",)

    def __call__(self, blank: Tensor, context: Context) -> State:
        z = context.noise.like(blank)
        normal = torch.view_as_real(z) if z.is_complex() else z
        uniform = torch.special.ndtr(normal)
        return State(torch.view_as_complex(uniform) if z.is_complex() else uniform, 0)


@dataclass(frozen=True)
class LateStart(Start):
    """Come closer, diffuse less (CCDF, Chung 2022): an image, noised to a low level, at which the run begins.

    Of the sampler's grid the levels from there on are used, and no others.

    Args:
        sigma: the level: the run begins at the first of the grid with beta/alpha at most this; or
        time: the same of the SDE's time, in [0, 1]. In VE, levels are geometric in time, so early times mean tiny
            noise.
        image: what to begin from: Aᴴ y, a least-squares image (`Problem.least_squares`), or ``Problem(initial=...)``.

    Raises:
        InputError: not exactly one of sigma and time is given; the grid has no level that low; or the problem has no
            initial image.
    """

    sigma: float | None = None
    time: float | None = None
    image: Literal["zero-filled", "least-squares", "initial"] = "zero-filled"
    cites: ClassVar[tuple[str, ...]] = ("chung2022ccdf",)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset() if self.image == "initial" else frozenset({"measurement"})

    def __post_init__(self) -> None:
        if (self.sigma is None) == (self.time is None):
            raise InputError("A late start is at a noise level or at a time: give one of sigma and time.")
        if self.time is not None and not 0 <= self.time <= 1:
            raise InputError(f"An SDE's time goes from 0 to 1, so a run can't start at {self.time}.")

    def first_level(self, levels: Levels) -> int:
        noise = levels.time if self.sigma is None else [levels.sigma(k) for k in range(levels.steps)]
        limit = self.time if self.sigma is None else self.sigma
        assert limit is not None
        late = [k for k in range(levels.steps) if noise[k] <= limit + 1e-9 * abs(limit)]
        if not late:
            name = "time" if self.sigma is None else "sigma"
            raise InputError(
                f"The grid's lowest level has {name} {noise[-1]:.4g}, so nothing is left to do from {name}={limit:.4g}."
            )
        return late[0]

    def check(self, context: Context) -> None:
        self.first_level(context.levels)
        if self.image == "initial" and context.problem.initial is None:
            raise InputError("A late start from an initial image needs one: give Problem(initial=...).")

    def __call__(self, blank: Tensor, context: Context) -> State:
        problem, k = context.problem, self.first_level(context.levels)
        match self.image:
            case "zero-filled":
                image = problem.zero_filled
            case "least-squares":
                image = problem.least_squares()
            case "initial":
                assert problem.initial is not None
                image = problem.initial
        x = context.view.state(image, problem)
        x = x.to(blank.dtype) if blank.is_complex() or not x.is_complex() else x.real.to(blank.dtype)
        return State(context.levels.alpha[k] * x + context.levels.beta[k] * context.noise.like(blank), k)
