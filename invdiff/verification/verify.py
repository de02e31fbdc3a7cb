"""Many methods on many exact problems."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

from invdiff.errors import InputError
from invdiff.methods import Method, find_method
from invdiff.methods.own import method_of_file
from invdiff.reconstruction.executors import Executor, Here, Report
from invdiff.verification.exact_problem import ExactProblem
from invdiff.verification.judge import Extent, Verdict, judge


@dataclass(frozen=True)
class Candidate:
    """A method to be judged, in words, so that other processes can find it.

    Args:
        name: as of `candidate_method`.
        given: parameters with their values as text; the others have their defaults.
    """

    name: str
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Trial:
    """One method on one problem with one budget."""

    candidate: Candidate
    problem: ExactProblem
    budget: int


@dataclass(frozen=True)
class Judge:
    """Work for an executor: the verdict of a trial."""

    extent: Extent

    def __call__(self, trial: Trial, report: Report) -> Verdict:
        """Judge."""
        method = candidate_method(trial.candidate.name)
        return judge(method, trial.problem, trial.budget, self.extent, dict(trial.candidate.given))


@lru_cache
def candidate_method(name: str) -> Method:
    """A method by its name or, with a colon, as ``FILE.py:FUNCTION``, whose file is run.

    Raises:
        InputError: as `invdiff.methods.find_method` or `method_of_file`.
    """
    return method_of_file(name) if ":" in name else find_method(name)


def verify(
    candidates: Sequence[Candidate],
    problems: Sequence[ExactProblem],
    budgets: Sequence[int] = (20, 50, 100),
    extent: Extent = Extent(),
    *,
    executor: Executor = Here(),
    progress: Callable[[int, int], None] | None = None,
) -> list[Verdict]:
    """Judge every method on every problem with every budget.

    Args:
        candidates: the methods.
        problems: the problems, such as `FULL` or `SHORT`.
        budgets: network calls that each sample may take.
        extent: how many samples of how many measurements.
        executor: where it is computed.
        progress: told (done, in all).

    Returns:
        A verdict each, in the order of the arguments.

    Raises:
        InputError: there is no such method, a budget is not positive, or no method takes any of the problems.
    """
    if min(budgets) < 1:
        raise InputError(f"Samples take at least one network call, not {min(budgets)}.")
    for candidate in candidates:
        candidate_method(candidate.name)
    # by problem first, as processes remember what is known of the last ones
    trials = [Trial(each, problem, budget) for problem in problems for each in candidates for budget in budgets]
    verdicts: dict[Trial, Verdict] = {}
    with closing(executor.map(Judge(extent), trials)) as judged:
        for trial, verdict in judged:
            verdicts[trial] = verdict
            if progress is not None:
                progress(len(verdicts), len(trials))
    if not any(verdict.is_judged for verdict in verdicts.values()):
        raise InputError(f"No method could be judged: {verdicts[trials[0]].refusal}")
    return [verdicts[Trial(each, at, n)] for each in candidates for at in problems for n in budgets]
