"""The loop, written once."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.denoiser import Denoiser
from invdiff.diffusion.grids import Grid
from invdiff.diffusion.guidance.base import Guidance
from invdiff.diffusion.noise import START, NoiseStream
from invdiff.diffusion.part import NEEDS, Part
from invdiff.diffusion.posterior import Posterior
from invdiff.diffusion.references import Reference, reference
from invdiff.diffusion.sde import SDE
from invdiff.diffusion.signals import Signal
from invdiff.diffusion.start import FromNoise, Start
from invdiff.diffusion.steps.base import Predictor, State, Step
from invdiff.diffusion.views import Sense, View
from invdiff.errors import InputError
from invdiff.operators import ConvergenceWarning, LinearOperator
from invdiff.operators.trace import Trace
from invdiff.priors.base import Prior
from invdiff.priors.unit_white import UnitWhite, white
from invdiff.problem import Problem

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Sampler:
    """A diffusion solver, put together from parts.

    Args:
        sde: how noise is added.
        grid: at which levels it is removed.
        steps: what happens in each iteration, in order; exactly one of them is a predictor.
        signal: how states meet the network.
        view: what the state is.
        guidance: how estimates learn of the data, if not by consistency steps.
        start: the first state.
        finish: steps after the last level.
        cites: whom to cite for the whole, beside its parts: keys of `invdiff.diffusion.references`.

    Raises:
        InputError: there is not exactly one predictor among the steps, or one in ``finish``, or a step stands where it
            makes no sense.
    """

    sde: SDE
    grid: Grid
    steps: Sequence[Step]
    signal: Signal
    view: View = Sense()
    guidance: Guidance | None = None
    start: Start = FromNoise()
    finish: Sequence[Step] = ()
    cites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))  # an iterator is read once, and then it is empty
        object.__setattr__(self, "finish", tuple(self.finish))
        predictors = [type(step).__name__ for step in self.steps if isinstance(step, Predictor)]
        if len(predictors) != 1:
            named = ", ".join(predictors) or "none"
            raise InputError(f"A sampler moves to the next level by exactly one predictor; its steps have {named}.")
        if any(isinstance(step, Predictor) for step in self.finish):
            raise InputError("A finish has no next level to move to; take the predictor out of it.")
        before = True
        for step in self.steps:
            if step.place == "finish" or (step.place == "after the predictor" and before):
                where = "the finish" if step.place == "finish" else "the steps after the predictor"
                raise InputError(f"{type(step).__name__} makes sense in {where} alone; move it there.")
            before = before and not isinstance(step, Predictor)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every part, those inside of others too."""
        outermost: list[Part] = [self.sde, self.grid, self.start, *self.steps, *self.finish, self.signal, self.view]
        return _with_inner(*outermost, *([self.guidance] if self.guidance else []))

    def citations(self) -> tuple[Reference, ...]:
        """The references of the method and of exactly the parts in use, each once, and of this software."""
        keys = [*self.cites, *(key for part in self.parts for key in part.cites), "invdiff"]
        return tuple(reference(key) for key in dict.fromkeys(keys))

    def without_data(self) -> "Sampler":
        """What this sampler does for its prior: guidance, and steps and a start that need a measurement, are left out.

        Its levels stay those that data were to help with, which may begin too low to draw whole images.
        """
        start = FromNoise() if _needs_measurement(self.start) else self.start
        steps, finish = ([step for step in each if not _needs_measurement(step)] for each in (self.steps, self.finish))
        return replace(self, steps=steps, finish=finish, start=start, guidance=None)

    @property
    def nfe(self) -> int:
        """Network calls for each sample of a run, from the level of its start to the last."""
        levels, moved, calls = self.grid.levels(self.sde), 0, 0
        first, steps = self.start.first_level(levels), levels.steps
        for step in self.steps:
            calls += sum(step.network_calls(k + moved, steps) for k in range(first, steps))
            moved += isinstance(step, Predictor)
        return calls + sum(step.network_calls(steps, steps) for step in self.finish)

    def bind(
        self, problem: Problem, prior: Prior, *, seed: int = 0, case: int = 0, samples: Sequence[int] = (0,)
    ) -> Context:
        """Fit the parts to a problem and a prior: check them against each other, and scale the data to units in which
        the prior's white is one, and operator and data together to an operator of norm one, at most.

        Raises:
            InputError: two parts do not fit.
        """
        if self.view.domain != prior.domain:
            raise InputError(
                f"The view {type(self.view).__name__} needs a prior that knows the {self.view.domain}, but this one "
                f"knows the {prior.domain}; choose another prior or another view."
            )
        for signal in (part for part in _with_inner(self.signal) if isinstance(part, Signal) and not part.inner):
            if signal.channels not in prior.channels:
                raise InputError(
                    f"{type(signal).__name__} shows the network {signal.channels} channel(s), but this prior takes "
                    f"{' or '.join(map(str, prior.channels))}; choose another signal or another prior."
                )
        scaled = problem.rescaled(scale_of(problem, prior) * white(prior))
        prior = prior if white(prior) == 1 else UnitWhite(prior)
        observed, y = self.view.observe(scaled.operator, scaled.y)
        known = {"measurement": problem.is_measured, "noise_std": problem.noise_std is not None}
        offers = self.signal.offers | self.view.offers(problem) | {name for name, is_so in known.items() if is_so}
        for part in self.parts:
            for need in sorted(part.needs - offers):
                raise InputError(f"{type(part).__name__} needs {NEEDS[need]}.")
        seen = Problem(observed, scaled.y, scaled.noise_std, scale=1.0)
        operator, y, noise_std = _of_norm_one(*self.signal.restrict(observed, y), scaled.noise_std)
        context = Context(
            sde=self.sde,
            levels=self.grid.given(noise_std).levels(self.sde),
            problem=scaled,
            view=self.view,
            operator=operator,
            y=y,
            noise_std=noise_std,
            denoiser=Denoiser(prior.given(seen), self.signal),
            guidance=self.guidance,
            noise=NoiseStream(seed, case, samples, y.device, self.view.support(observed)),
        )
        for part in self.parts:
            part.check(context)
        return context

    @torch.no_grad()
    def states(self, context: Context, *, resume: State | None = None) -> Iterator[State]:
        """Every state of a bound run, the first one first, the finished image last.

        Args:
            context: the run, bound.
            resume: any state of the same run, to go on from: it is the first one then.

        Raises:
            InputError: a state is not finite, or far larger than its noise level and the data explain: the run has
                diverged.
        """
        state = resume
        if state is None:
            context.noise.rewind(START)
            kind = context.y.dtype.to_complex() if self.signal.is_complex else context.y.dtype.to_real()
            shape = (len(context.noise.samples), *context.operator.domain_shape)
            state = self.start(torch.zeros(shape, dtype=kind, device=context.y.device), context)
        yield state
        while state.k < context.levels.steps:
            context.noise.rewind(state.k + 1)
            for step in self.steps:
                state = step(state, context)
            _check_bounded(state, context)
            yield state
        if self.finish and not state.finished:
            context.noise.rewind(context.levels.steps + 1)
            for step in self.finish:
                state = step(state, context)
            _check_bounded(state, context)
            yield replace(state, finished=True)

    def __call__(
        self,
        problem: Problem,
        prior: Prior,
        *,
        samples: int = 1,
        seed: int = 0,
        case: int = 0,
        first: int = 0,
        together: int | None = None,
        progress: Progress | None = None,
    ) -> Posterior:
        """Draw samples of the image given the measurement.

        Args:
            problem: what was measured.
            prior: what images look like.
            samples: how many to draw.
            seed: of the random numbers; with ``case`` and its own index, a sample's numbers depend on nothing else.
            case: which image of a data set this is.
            first: index of the first sample, to add to samples drawn before.
            together: how many samples run side by side: by default one on the CPU, where that is fastest and makes
                results independent of ``samples``, and all of them on other devices.
            progress: called with (iterations done, iterations in all).

        Raises:
            InputError: two parts do not fit, ``samples`` or ``together`` is not positive, ``seed``, ``case`` or
                ``first`` is negative, or the run diverges.
        """
        if samples < 1:
            raise InputError(f"At least one sample must be drawn, but got samples={samples}.")
        if together is not None and together < 1:
            raise InputError(f"At least one sample runs at a time, but got together={together}.")
        scale = scale_of(problem, prior)
        problem, unit = replace(problem, scale=scale), scale * white(prior)
        if together is None:
            together = side_by_side(problem, samples)
        chunks = [
            range(start, min(start + together, first + samples)) for start in range(first, first + samples, together)
        ]
        images: list[Tensor] = []
        visited: list[float] = []
        trace = Trace()
        calls = 0
        for number, chunk in enumerate(chunks):
            context = self.bind(problem, prior, seed=seed, case=case, samples=chunk)
            visited = []
            for state in self.states(context):
                visited.append(context.levels.sigma(state.k))
                if progress is not None:
                    iterations = context.levels.steps
                    progress(number * iterations + state.k, len(chunks) * iterations)
            images.append(self.view.image(state.x, context.problem))
            calls += context.denoiser.calls
            trace.solves.extend(context.trace.solves)
        if trace.warning is not None:
            warnings.warn(trace.warning, ConvergenceWarning, stacklevel=2)
        return Posterior(torch.cat(images) * unit, scale, calls // samples, tuple(visited), trace)

    def generate(
        self,
        prior: Prior,
        shape: tuple[int, ...],
        *,
        samples: int = 1,
        seed: int = 0,
        first: int = 0,
        together: int | None = None,
        progress: Progress | None = None,
    ) -> Posterior:
        """Draw samples of the prior: the same loop, of an image of which nothing was measured, on the prior's device.

        Args:
            prior: what images look like.
            shape: of an image, such as (H, W).
            samples: how many to draw.
            seed: of the random numbers.
            first: index of the first sample.
            together: how many samples run side by side, as in a call of the sampler.
            progress: called with (iterations done, iterations in all).

        Returns:
            The samples ``(samples, *shape)`` in the prior's own units (see `Prior.intensity`).

        Raises:
            InputError: a part needs a measurement (see `without_data`), the prior knows images given a measurement
                alone, or as a call of the sampler.
        """
        nothing = Problem.unmeasured(shape, device=prior.device)
        return self(nothing, prior, samples=samples, seed=seed, first=first, together=together, progress=progress)


def _with_inner(*parts: Part) -> tuple[Part, ...]:
    """These parts, each followed by those that it is made of."""
    return tuple(found for part in parts for found in (part, *_with_inner(*part.inner)))


def _needs_measurement(part: Part) -> bool:
    return any("measurement" in inner.needs for inner in _with_inner(part))


def side_by_side(problem: Problem, samples: int) -> int:
    """How many samples of a problem run together best: one on the CPU, and all of them on other devices."""
    return 1 if problem.y.device.type == "cpu" else samples


_NORM_TOLERANCE = 1e-5  # of a norm that is taken for one: rounding of maps that are normalised


def _of_norm_one(
    operator: LinearOperator, y: Tensor, noise_std: float | None
) -> tuple[LinearOperator, Tensor, float | None]:
    """A, y and the noise of y over a bound of the norm of A: c A and c y are the same problem as A and y."""
    bound = operator.norm_bound()
    if abs(bound - 1) <= _NORM_TOLERANCE or bound == 0:
        return operator, y, noise_std
    return (1 / bound) * operator, y / bound, None if noise_std is None else noise_std / bound


def scale_of(problem: Problem, prior: Prior) -> float:
    """The intensity of ``problem`` that ``prior`` should see as one, estimated from the measurement alone.

    It is given by the problem, else one where the prior knows no intensity, else read off a least-squares image; of
    several (coil images, map sets) off the root of their sum of squares.

    Raises:
        InputError: that image is zero nearly everywhere.
    """
    if problem.scale is not None or prior.intensity is None:
        return problem.scale or 1.0
    largest = float(problem.y.abs().max())
    image = problem.rescaled(largest).least_squares().abs()
    magnitude = torch.linalg.vector_norm(image.reshape(-1, *image.shape[-2:]), dim=0).flatten()
    position = int(prior.intensity.percentile / 100 * (magnitude.numel() - 1))
    level = largest * float(magnitude.kthvalue(position + 1).values)
    if not level > 0:
        raise InputError(
            "No intensity scale can be read off these data: the image is zero nearly everywhere. "
            "Give Problem(scale=...)."
        )
    return level / prior.intensity.value


_BRIGHT = 90  # percentiles from here on are of what is seen, not of the air around it
_LARGEST = 100.0
"""Root mean square of a state over that of all that explains it; a run of a few steps may be tens."""


def _check_bounded(state: State, context: Context) -> None:
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
