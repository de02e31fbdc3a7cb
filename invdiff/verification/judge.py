"""A method, judged on an exact problem with so many network calls."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from invdiff.diffusion import Bound, Sampler
from invdiff.errors import InputError
from invdiff.methods import Method
from invdiff.verification.coordinates import coordinates
from invdiff.verification.exact_problem import ExactProblem, Posed
from invdiff.verification.gates import crossed
from invdiff.verification.measures import Measures, measures


@dataclass(frozen=True)
class Extent:
    """How thoroughly to judge.

    Args:
        samples: of each measurement; fewer leave larger standard errors.
        draws: how many measurements of each kind of problem, each of another image.
        seed: of all random numbers.

    Raises:
        InputError: there are fewer than 20 samples, of which no 90 % interval can be told, or no measurement.
    """

    samples: int = 100
    draws: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 20 or self.draws < 1:
            raise InputError(
                f"A method is judged by at least 20 samples of at least one measurement, not {self.samples} of "
                f"{self.draws}."
            )


@dataclass(frozen=True)
class Verdict:
    """What came of it.

    Attributes:
        method: its name.
        problem: the problem.
        budget: network calls that each sample might take.
        calls: those that each took; 0 where none was drawn.
        measures: None where there are no samples.
        errors: standard errors of the measures.
        crossed: the gates that are crossed, or why there are no samples although the method takes the problem.
        refusal: why the method can't be judged on it, a sentence; empty where it can.
    """

    method: str
    problem: ExactProblem
    budget: int
    calls: int = 0
    measures: Measures | None = None
    errors: Measures | None = None
    crossed: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def is_judged(self) -> bool:
        """Whether it could be judged."""
        return not self.refusal

    @property
    def is_right(self) -> bool:
        """Whether it was judged, and keeps every gate."""
        return self.is_judged and not self.crossed


def judge(
    method: Method,
    problem: ExactProblem,
    budget: int,
    extent: Extent = Extent(),
    given: Mapping[str, str] | None = None,
) -> Verdict:
    """Draw samples by a method, and hold them against the exact posterior.

    Args:
        method: the method. It sees real and imaginary part one after the other where it has a parameter ``signal``: a
            signal that turns images at random is right for priors alone that know no direction.
        problem: the problem.
        budget: the most network calls for each sample; the parameter ``steps`` is as large as it allows.
        extent: how many samples of how many measurements.
        given: other parameters of the method, as text.

    Returns:
        A verdict; where the parameters or the problem are refused, its ``refusal`` is the sentence.
    """
    posed = [problem.posed(case, extent.seed) for case in range(extent.draws)]
    try:
        sampler = within(method, budget, given or {})
        bound = [_bound(sampler, each) for each in posed]
    except InputError as error:
        return Verdict(method.name, problem, budget, refusal=str(error))
    try:
        drawn = [
            each.draw(extent.samples, seed=extent.seed, case=case, together=extent.samples)
            for case, each in enumerate(bound)
        ]
    except InputError as error:
        return Verdict(method.name, problem, budget, sampler.nfe, crossed=(str(error),))
    samples = [coordinates(each.samples.to(torch.complex128), 2) for each in drawn]
    found, errors = measures(posed, samples)
    return Verdict(method.name, problem, budget, drawn[0].nfe, found, errors, crossed(found, errors))


def within(method: Method, budget: int, given: Mapping[str, str]) -> Sampler:
    """The method with as many steps as the budget of network calls allows.

    Raises:
        InputError: it takes more, or a parameter is refused.
    """
    if method.spread is not None:
        raise InputError(f"{method.name} makes one image, which is no sample; judge {method.spread}.")
    plain = {"signal": "split"} if "signal" in method.defaults else {}

    def made(steps: int) -> Sampler:
        return method.with_settings({**plain, **given, "steps": str(steps)})

    if "steps" not in method.defaults:
        raise InputError(f"{method.name} has no parameter steps, so it can't be given {budget} network calls.")
    if "steps" in given:
        raise InputError(f"{method.name}'s steps follow from the network calls that it may take; leave steps out.")
    steps = bisect_right(range(1, budget + 1), budget, key=lambda steps: made(steps).nfe)
    if steps == 0:
        raise InputError(f"{method.name} takes {made(1).nfe} network calls at least, more than {budget}.")
    return made(steps)


def _bound(sampler: Sampler, posed: Posed) -> Bound:
    if not sampler.signal.is_complex:
        raise InputError(f"{type(sampler.signal).__name__} makes real images, and these are complex.")
    return sampler.bind(posed.problem, posed.prior)
