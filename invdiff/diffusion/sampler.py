"""A sampler: parts that fit each other, and then a problem and a prior."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from invdiff.diffusion.bound import Bound, Progress
from invdiff.diffusion.grids import Grid, Levels
from invdiff.diffusion.guidance.base import Guidance
from invdiff.diffusion.noise import Pairing, check_correlated_slices, check_pairing
from invdiff.diffusion.part import NEEDS, Part
from invdiff.diffusion.posterior import Posterior
from invdiff.diffusion.references import Reference, reference
from invdiff.diffusion.sde import SDE
from invdiff.diffusion.signals import Signal, TwoChannel
from invdiff.diffusion.start import FromNoise, Start
from invdiff.diffusion.steps.base import Predictor, Step
from invdiff.diffusion.views import Sense, View
from invdiff.errors import InputError
from invdiff.operators import LinearOperator
from invdiff.priors.base import Prior
from invdiff.priors.unit_white import UnitWhite, white
from invdiff.problem import Problem


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
        noise: whether samples are ``"independent"``, or ``"antithetic"`` in pairs, as of `NoiseStream`.
        correlated_slices: over how many slices of a volume their noise turns into independent noise, as of
            `NoiseStream`; 1: each slice has its own.

    Raises:
        InputError: there is not exactly one predictor among the steps, or one in ``finish``, a step stands where it
            makes no sense, noise is none of these, or there is no correlated slice.
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
    noise: Pairing = "independent"
    correlated_slices: int = 1

    def __post_init__(self) -> None:
        check_pairing(self.noise)
        check_correlated_slices(self.correlated_slices)
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
        steps, finish = (
            [step.without_data() if isinstance(step, Predictor) else step for step in each if _is_left(step)]
            for each in (self.steps, self.finish)
        )
        return replace(self, steps=steps, finish=finish, start=start, guidance=None)

    @property
    def nfe(self) -> int:
        """Network calls for each sample of a run, from the level of its start to the last."""
        return self.network_calls(self.grid.levels(self.sde))

    def network_calls(self, levels: Levels) -> int:
        """`nfe`, of a run over these levels."""
        moved, calls = 0, 0
        first, steps = self.start.first_level(levels), levels.steps
        guided = self.guidance.network_calls if self.guidance else 1
        for step in self.steps:
            calls += sum(step.network_calls(k + moved, steps, guided) for k in range(first, steps))
            moved += isinstance(step, Predictor)
        return calls + sum(step.network_calls(steps, steps, guided) for step in self.finish)

    @torch.no_grad()
    def bind(self, problem: Problem, prior: Prior) -> Bound:
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
        for signal in (
            part for part in _with_inner(self.signal.for_prior(prior)) if isinstance(part, Signal) and not part.inner
        ):
            if signal.channels not in prior.channels:
                raise InputError(
                    f"{type(signal).__name__} shows the network {signal.channels} channel(s), but this prior takes "
                    f"{' or '.join(map(str, prior.channels))}; choose another signal or another prior."
                )
        scale = scale_of(problem, prior, self.signal)
        unit = scale * white(prior)
        scaled = problem.rescaled(unit)
        prior = prior if white(prior) == 1 else UnitWhite(prior)
        observed, y = self.view.observe(scaled.operator, scaled.y)
        known = {"measurement": problem.is_measured, "noise_std": problem.noise_std is not None}
        known["no guidance"] = self.guidance is None
        offers = self.signal.offers | self.view.offers(problem) | {name for name, is_so in known.items() if is_so}
        for part in self.parts:
            for need in sorted(part.needs - offers):
                raise InputError(f"{type(part).__name__} needs {NEEDS[need]}.")
        seen, y = self.signal.restrict(observed, y)
        operator, y, noise_std = _of_norm_one(seen, y, scaled.noise_std)
        norm = 1.0 if operator is seen else seen.norm_bound()
        is_whole = seen is scaled.operator and y.dtype == scaled.y.dtype
        bound = Bound(
            sampler=self,
            levels=self.grid.given(noise_std).levels(self.sde),
            problem=scaled,
            operator=operator,
            y=y,
            noise_std=noise_std,
            prior=prior.given(scaled.observed_by(observed)),
            support=self.view.support(observed),
            scale=scale,
            unit=unit,
        )
        if is_whole:  # what the intensity was read off serves the run
            vars(bound)["adjoint_y"] = scaled.zero_filled / norm**2
        context = bound.run()
        for part in self.parts:
            part.check(context)
        return bound

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
        indices = range(first, first + samples)
        return self.bind(problem, prior).draw(indices, seed=seed, case=case, together=together, progress=progress)

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


def _is_left(step: Step) -> bool:
    """Whether there is something of a step without data: a sampler always moves on."""
    return isinstance(step, Predictor) or not _needs_measurement(step)


_NORM_TOLERANCE = 1e-5  # of a norm that is taken for one: rounding of maps that are normalised


def _of_norm_one(
    operator: LinearOperator, y: Tensor, noise_std: float | None
) -> tuple[LinearOperator, Tensor, float | None]:
    """A, y and the noise of y over a bound of the norm of A: c A and c y are the same problem as A and y."""
    bound = operator.norm_bound()
    if abs(bound - 1) <= _NORM_TOLERANCE or bound == 0:
        return operator, y, noise_std
    return (1 / bound) * operator, y / bound, None if noise_std is None else noise_std / bound


def scale_of(problem: Problem, prior: Prior, signal: Signal = TwoChannel()) -> float:
    """The intensity of ``problem`` that ``prior`` should see as one, estimated from the measurement alone.

    It is given by the problem, else one where the prior knows no intensity, else read off a least-squares image, by the
    `Signal.magnitude` of what it holds.

    Raises:
        InputError: that image is zero nearly everywhere.
    """
    if problem.scale is not None or prior.intensity is None:
        return problem.scale or 1.0
    magnitude = signal.magnitude(problem.normal.least_squares().abs()).flatten()
    position = int(prior.intensity.percentile / 100 * (magnitude.numel() - 1))
    level = problem.largest * float(magnitude.kthvalue(position + 1).values)
    if not level > 0:
        raise InputError(
            "No intensity scale can be read off these data: the image is zero nearly everywhere. "
            "Give Problem(scale=...)."
        )
    return level / prior.intensity.value
