"""Where a run begins."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.data_covariance import DataCovariance
from invdiff.diffusion.grids import Levels
from invdiff.diffusion.parameters import StartSigma, StartTime
from invdiff.diffusion.part import Part
from invdiff.diffusion.power import power_at_frequencies
from invdiff.diffusion.steps.base import State, Step
from invdiff.errors import InputError
from invdiff.operators import Circulant
from invdiff.operators.inner_solve import Converged
from invdiff.operators.real_part import RealCirculant
from invdiff.within import positive

STRONGEST = 1e4
"""Of a prior against the data: what is weighed more is as good as zero, and its rounding would hide the rest."""


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "then", tuple(self.then))

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
class WienerStart(Start):
    """The image that a stationary Gaussian prior with the power spectrum of the prior's images makes of the data,
    without noise and without a network call: argmin |y - A x|^2 / s^2 + x^H C^-1 x, the Wiener filter.

    C is diagonal in frequency; it follows `Prior.power_spectrum`, or, where that is not known, is white with
    `Prior.data_std`, or one. s is the noise level, held back to a part of the first level as in `SplittingWeight`.

    Args:
        held_back: the least s, in units of the first level and of the operator's `evenness`.

    Raises:
        InputError: held_back is not positive.
    """

    held_back: Annotated[
        float, positive("least noise of the data, in units of the first level", (0.01, 0.5), log=True)
    ] = 0.1
    needs = frozenset({"measurement", "data", "noise_std"})

    def __call__(self, blank: Tensor, context: Context) -> State:
        levels, operator = context.levels, context.operator
        s = context.held_back(self.held_back, levels.sigma(0))
        power = power_at_frequencies(context.denoiser.prior, blank) / (2 if blank.is_complex() else 1)
        axes = tuple(range(-power.ndim, 0))
        kind = Circulant if blank.is_complex() else RealCirculant
        strength = (s**2 / power).clamp(max=STRONGEST)
        precision = kind(operator.domain_shape, strength, axes) + operator.gram
        image = Converged()(precision, context.adjoint_y, torch.zeros_like(context.adjoint_y), context.trace)
        return State(levels.alpha[0] * image.to(blank.dtype).expand_as(blank), 0)


@dataclass(frozen=True)
class FromPseudoInverse(Start):
    """A⁺ y, without noise (the public code of Mardani 2024)."""

    needs = frozenset({"measurement", "data"})
    cites: ClassVar[tuple[str, ...]] = ("mardani2024",)

    def __call__(self, blank: Tensor, context: Context) -> State:
        return State(context.levels.alpha[0] * context.pinv_y.to(blank.dtype).expand_as(blank), 0)


@dataclass(frozen=True)
class FromLikelihood(Start):
    """A draw of the first level given the data alone: x ~ N(M Aᴴ y / s^2, M), M = (AᴴA / s^2 + I / sigma^2)^-1 in units
    in which alpha is one, of an image without a mean (BART's ``sample``; Blumenthal 2025).

    Args:
        covariance: M.
    """

    covariance: DataCovariance = DataCovariance()
    cites: ClassVar[tuple[str, ...]] = ("blumenthal2025",)

    @property
    def inner(self) -> tuple[Part, ...]:
        return (self.covariance,)

    def __call__(self, blank: Tensor, context: Context) -> State:
        levels = context.levels
        x = self.covariance.move(levels.sigma(0), blank, context.adjoint_y, 1.0, context)
        return State(levels.alpha[0] * x, 0)


@dataclass(frozen=True)
class LateStart(Start):
    """Come closer, diffuse less (CCDF, Chung 2022): an image, noised to a low level, at which the run begins.

    Of the sampler's grid the levels from there on are used, and no others.

    Args:
        sigma: the level: the run begins at the first of the grid with beta/alpha at most this; or
        time: the same of the SDE's time, in [0, 1]. In VE, levels are geometric in time, so early times mean tiny
            noise.
        image: what to begin from: Aᴴ y for A of norm one, a least-squares image (`Problem.least_squares`), or
            ``Problem(initial=...)``.

    Raises:
        InputError: not exactly one of sigma and time is given; the grid has no level that low; or the problem has no
            initial image.
    """

    sigma: StartSigma | None = None
    time: StartTime | None = None
    image: Literal["zero-filled", "least-squares", "initial"] = "zero-filled"
    cites: ClassVar[tuple[str, ...]] = ("chung2022ccdf",)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset() if self.image == "initial" else frozenset({"measurement"})

    def __post_init__(self) -> None:
        if (self.sigma is None) == (self.time is None):
            raise InputError("A late start is at a noise level or at a time: give one of sigma and time.")
        super().__post_init__()

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
                image = problem.zero_filled / problem.operator.norm_bound() ** 2  # as of an operator of norm one
            case "least-squares":
                image = problem.least_squares(trace=context.trace)
            case "initial":
                assert problem.initial is not None
                image = problem.initial
        x = context.view.state(image, problem)
        x = x.to(blank.dtype) if blank.is_complex() or not x.is_complex() else x.real.to(blank.dtype)
        return State(context.levels.alpha[k] * x + context.levels.beta[k] * context.noise.like(blank), k)
