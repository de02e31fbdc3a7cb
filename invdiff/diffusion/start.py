"""Where a run begins."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.steps.base import State, Step
from invdiff.errors import InputError


class Start(ABC):
    """Gives the first state."""

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

    def __call__(self, blank: Tensor, context: Context) -> State:
        state = State(context.levels.beta[0] * context.noise.like(blank), 0)
        for step in self.then:
            state = step(state, context)
        return state


@dataclass(frozen=True)
class LateStart(Start):
    """Come closer, diffuse less (CCDF, Chung 2022): an image, noised to a low level, at which the run begins.

    Args:
        sigma: the level: the run begins at the first of the grid with beta/alpha at most this.
        image: what to begin from, in the prior's units; the zero-filled image Aᴴ y by default.

    Raises:
        InputError: the grid has no level that low, or the image is not of the state's shape and kind.
    """

    sigma: float
    image: Tensor | None = None

    def __call__(self, blank: Tensor, context: Context) -> State:
        levels = context.levels
        late = [k for k in range(levels.steps) if levels.sigma(k) <= self.sigma * (1 + 1e-9)]
        if not late:
            lowest = levels.sigma(levels.steps - 1)
            raise InputError(
                f"The grid's lowest level is {lowest:.4g}, so nothing is left to do from sigma={self.sigma:.4g}."
            )
        image = context.adjoint_y if self.image is None else self.image
        if image.shape not in (blank.shape, blank.shape[1:]) or image.is_complex() != blank.is_complex():
            kind = "complex" if blank.is_complex() else "real"
            raise InputError(
                f"A late start begins from a {kind} image of shape {tuple(blank.shape[1:])}, but was given "
                f"{image.dtype} of shape {tuple(image.shape)}."
            )
        return State(levels.alpha[late[0]] * image + levels.beta[late[0]] * context.noise.like(blank), late[0])
