"""A search, trial by trial, kept on disk."""

import csv
import json
import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.files.yaml import number_or_text
from invdiff.reconstruction.executors import Executor, Here, Processes, Report
from invdiff.tuning.space import NOISE_TIMES, Parameters, Space
from invdiff.tuning.surrogate import Scores, propose, require_ax

Evaluate = Callable[[Parameters], float]


class Trial(BaseModel):
    """Parameters that were tried.

    Attributes:
        parameters: by name.
        score: what came of them; ``None`` where the method failed.
        seconds: how long it took.
        failure: why it failed, or empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: dict[str, int | float]
    score: float | None
    seconds: float
    failure: str = ""


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid")

    search: dict[str, Any]
    trials: list[Trial]


@dataclass
class Study:
    """A Bayesian search for the best point of a space.

    It begins with ``first`` and points spread evenly, and goes on where a Gaussian process of the trials so far expects
    most. Each trial is written to ``trials.csv`` for people and ``state.json`` for a later run: a study of the same
    search in the same folder goes on from there and finds what it would have found without the stop.

    Args:
        space: where to look.
        folder: for both files; it must exist.
        objective: the score's name, for the heading of its column.
        higher_is_better: what is sought.
        seed: of the search.
        search: all that scores depend on, as JSON holds it; a folder with another search is refused.
        first: points to try before all others; those outside the space are left out.

    Raises:
        InputError: the folder holds another search or a broken file, or Ax is not installed.
    """

    space: Space
    folder: Path
    objective: str = "score"
    higher_is_better: bool = True
    seed: int = 0
    search: Mapping[str, Any] = field(default_factory=dict)
    first: Sequence[Parameters] = ()
    trials: list[Trial] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        require_ax()
        if self._file.exists():
            self.trials = self._read()

    @property
    def scores(self) -> Scores:
        """Points and scores of the trials."""
        return [(trial.parameters, trial.score) for trial in self.trials]

    @property
    def best(self) -> Trial:
        """The trial with the best score, the earliest of equals.

        Raises:
            InputError: no trial succeeded.
        """
        succeeded = [trial for trial in self.trials if trial.score is not None]
        if not succeeded:
            failure = f"; the first said: {self.trials[0].failure}" if self.trials else ""
            raise InputError(f"None of {len(self.trials)} trials succeeded, so there is no best one{failure}")
        return (max if self.higher_is_better else min)(succeeded, key=lambda trial: trial.score or 0.0)

    def score_of(self, parameters: Mapping[str, Any]) -> float | None:
        """The score of a point that was tried; ``None`` where it was not, or failed. Other names are ignored."""
        point = {one.name: parameters.get(one.name) for one in self.space.ranges}
        return next((trial.score for trial in self.trials if trial.parameters == point), None)

    def run_at_best(self, method: str, settings: Mapping[str, str]) -> dict[str, Any]:
        """The method at its best point, with a record of the search, as the fields of a run as a file.

        Args:
            method: its name.
            settings: of the parameters that were not searched, as text.

        Raises:
            InputError: no trial succeeded.
        """
        fixed = {name: number_or_text(text) for name, text in settings.items()}
        record = {
            "score": self.best.score,
            "trials": len(self.trials),
            **{key: value for key, value in self._described.items() if key not in ("method", "settings")},
            "versions": {name: version(name) for name in ("invdiff", "ax-platform", "torch", "numpy")},
        }
        found = dict(self.best.parameters)
        times = found.pop(NOISE_TIMES, 1.0)
        return {"method": method, "settings": {**fixed, **found}, "noise_times": times, "search": record}

    def run(
        self,
        evaluate: Evaluate,
        trials: int,
        *,
        parallel: int = 1,
        executor: Executor | None = None,
        report: Callable[[Trial], None] | None = None,
    ) -> None:
        """Go on until there are so many trials, or a space of whole numbers has been tried out.

        Args:
            evaluate: the score of a point. An `InputError` is a trial that failed. Other processes are sent it pickled.
            trials: how many in all, with those that an earlier run has left.
            parallel: how many at a time. Trials that run side by side do not learn of each other, so the search
                differs from a serial one; it is as repeatable.
            executor: where; by default in this process or, with ``parallel``, in others that share its threads.
            report: called after each trial.

        Raises:
            InputError: a number is not positive, no early trial succeeded, or the folder can't be written to.
        """
        if trials < 1 or parallel < 1:
            raise InputError(
                f"A search needs at least one trial, one at a time, not {trials} trials, {parallel} at once."
            )
        if executor is None:
            executor = Here() if parallel == 1 else Processes(parallel)
        while len(self.trials) < trials:
            batch = self._batch(parallel)
            if not batch:
                return
            with closing(_in_order(executor, evaluate, batch[: trials - len(self.trials)])) as attempted:
                for trial in attempted:
                    self.trials.append(trial)
                    self._write()
                    if report is not None:
                        report(trial)

    def _batch(self, parallel: int) -> list[Parameters]:
        """What is left of the batch that the next trial belongs to."""
        done = len(self.trials)
        begun = done - done % parallel
        design = self._design(parallel)
        if begun < len(design):
            return design[done : begun + parallel]
        count = int(min(parallel, self.space.size - begun))
        if count == 0:
            return []
        scores = self.scores[:begun]
        if all(score is None for _, score in scores):
            _ = self.best  # says what the trials said
        batch = propose(self.space, scores, count, self.seed, higher_is_better=self.higher_is_better)
        return batch[done - begun :]

    def _design(self, parallel: int) -> list[Parameters]:
        """The points that begin a study, filling whole batches; all points of a space that has no more."""
        count = -(-(2 * len(self.space.ranges) + 3) // parallel) * parallel
        if self.space.size <= count:
            return self.space.points
        names = [one.name for one in self.space.ranges]
        first = [{name: point[name] for name in names} for point in self.first if point in self.space]
        design: list[Parameters] = []
        for point in [*first, *self.space.spread(16 * count, self.seed)]:
            if point not in design:
                design.append(point)
        return design[:count]

    @property
    def _file(self) -> Path:
        return self.folder / "state.json"

    def _read(self) -> list[Trial]:
        try:
            state = _State.model_validate_json(self._file.read_bytes())
        except ValidationError as error:
            raise InputError(
                f"{self._file} holds no state of a search ({error.errors()[0]['msg']}); remove it to start anew."
            ) from error
        ours, theirs = json.loads(json.dumps(self._described)), state.search
        for key in sorted({*ours, *theirs}):
            if ours.get(key) != theirs.get(key):
                raise InputError(
                    f"{self._file} belongs to another search: its {key} is {theirs.get(key)}, not {ours.get(key)}. "
                    "Give another folder, or remove the file to start anew."
                )
        return state.trials

    @property
    def _described(self) -> dict[str, Any]:
        return {
            "objective": self.objective,
            "seed": self.seed,
            "space": {one.name: [one.low, one.high, "log" if one.log else "linear"] for one in self.space.ranges},
            **self.search,
        }

    def _write(self) -> None:
        state = _State(search=self._described, trials=self.trials)
        with atomic(self._file) as temporary:
            temporary.write_text(state.model_dump_json(indent=1), encoding="utf-8")
        names = [one.name for one in self.space.ranges]
        with atomic(self.folder / "trials.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["trial", *names, self.objective, "seconds", "failure"])
            for i, trial in enumerate(self.trials):
                values = [trial.parameters[name] for name in names]
                rows.writerow([i, *values, trial.score, f"{trial.seconds:.2f}", trial.failure])


def _in_order(executor: Executor, evaluate: Evaluate, points: Sequence[Parameters]) -> Generator[Trial, None, None]:
    """Trials in the order of their points, each as soon as those before it are done."""
    early: dict[int, Trial] = {}
    expected = 0
    with closing(executor.map(partial(_numbered, evaluate), enumerate(points))) as results:
        for (number, _), trial in results:
            early[number] = trial
            while expected in early:
                yield early.pop(expected)
                expected += 1


def _numbered(evaluate: Evaluate, point: tuple[int, Parameters], report: Report) -> Trial:
    return attempt(evaluate, point[1])


def attempt(evaluate: Evaluate, parameters: Parameters) -> Trial:
    """A trial; what the method refuses or can't finish is recorded in it."""
    begun = time.perf_counter()
    score, failure = None, ""
    try:
        score = evaluate(parameters)
        if not math.isfinite(score):
            score, failure = None, f"The score is {score}."
    except InputError as error:
        failure = str(error)
    return Trial(parameters=dict(parameters), score=score, seconds=time.perf_counter() - begun, failure=failure)
