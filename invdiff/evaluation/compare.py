"""Every contender on every subject under every condition."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from invdiff.data.condition import Condition
from invdiff.data.scan import CoilData
from invdiff.errors import InputError
from invdiff.evaluation.as_measured import AsMeasured
from invdiff.evaluation.contenders import Contender
from invdiff.evaluation.score_table import Row, ScoreTable, key
from invdiff.evaluation.scoring import Scoring
from invdiff.evaluation.subjects import Subject
from invdiff.evaluation.targets import TARGETS
from invdiff.files.digest import digest_of
from invdiff.metrics import Annotation, Convention
from invdiff.named import named
from invdiff.reconstruction import Assumptions, Cases, Executor, Measurement, Shard, kind_of_coils
from invdiff.reconstruction.draw import HERE, WHOLE
from invdiff.reconstruction.tally import Tally

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Unit:
    """What can be scored by itself: a contender on a subject under a condition."""

    subject: Subject
    condition: Condition | AsMeasured
    contender: Contender

    def __str__(self) -> str:
        return f"{self.subject.name}, {self.condition}, {self.contender.name}"


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how.

    Args:
        subjects: fully sampled scans, or such along trajectories.
        contenders: methods and baselines.
        conditions: masks, of those that are fully sampled.
        conventions: of the metrics.
        target: of `TARGETS`, for scans that bring no ground truth.
        seed: of the methods' random numbers.
        annotations: boxes that are scored besides whole images.

    Attributes:
        units: every contender on every subject under every condition.
        boxes: those of the annotations that are scored, by the name of their subject.

    Raises:
        InputError: a list is empty, there is no such target, none of the annotated files is among the subjects, or a
            box is not within its scan.
    """

    subjects: Sequence[Subject]
    contenders: Sequence[Contender]
    conditions: Sequence[Condition]
    conventions: Sequence[Convention]
    target: str = "mvue"
    seed: int = 0
    annotations: Sequence[Annotation] = ()
    units: Sequence[Unit] = field(init=False, repr=False)
    boxes: Mapping[str, list[Annotation]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("subjects", "contenders", "conditions", "conventions"):
            if not getattr(self, name):
                raise InputError(f"There are no {name} to compare.")
        named(TARGETS, self.target, "target")
        boxes = {subject.name: list(self._boxes_of(subject)) for subject in self.subjects}
        object.__setattr__(self, "boxes", boxes)
        units = (
            Unit(subject, condition, contender)
            for subject in self.subjects
            for condition, contender in itertools.product(subject.conditions(self.conditions), self.contenders)
        )
        object.__setattr__(self, "units", tuple(units))
        annotated = list(dict.fromkeys(annotation.file for annotation in self.annotations))
        if annotated and not {subject.stem for subject in self.subjects} & set(annotated):
            raise InputError(
                f"The annotations are of {_some(annotated)}, but none of these is among the scans, which are "
                f"{_some(list(boxes))}."
            )

    def check(self, table: ScoreTable, *, shard: Shard = WHOLE) -> None:
        """Try what the table does not hold yet on the first two slices of each kind of scan, without a network call.

        Args:
            table: of scores.
            shard: the part of the units that is looked at.

        Raises:
            InputError: something can't be reconstructed so.
        """
        seen = set()
        first_slices_of = lru_cache(maxsize=1)(lambda subject: subject.scan().select([0, 1][: len(subject.slices)]))
        cases_of = lru_cache(maxsize=1)(lambda subject, condition: self.cases(first_slices_of(subject), condition))
        for position in self._left(table, shard):
            unit = self.units[position]
            subject, condition, contender = unit.subject, unit.condition, unit.contender
            kind = subject.kspace_shape, subject.has_maps, condition, contender.name, contender.settings
            if kind in seen:
                continue
            seen.add(kind)
            try:
                contender.check(cases_of(subject, condition))
            except InputError as error:
                raise InputError(f"{unit}: {error}") from error

    def run(
        self,
        table: ScoreTable,
        *,
        keep: Path,
        executor: Executor = HERE,
        shard: Shard = WHOLE,
        progress: Progress | None = None,
        bad: Callable[[InputError], None] | None = None,
    ) -> None:
        """Score whatever the table does not hold yet, and add it there. Other processes may add to it meanwhile.

        Args:
            table: of scores.
            keep: a folder for finished samples of what is at work, which every worker of a cluster must see. It goes
                when it is empty.
            executor: where to compute.
            shard: the part of the units that this process scores.
            progress: told (done, total) of what is left to do.
            bad: told of what can't be reconstructed; where not given, the first is an error.

        Raises:
            InputError: something can't be reconstructed, another process is at work on it, or the table can't be
                written.
        """
        todo = self._left(table, shard)
        scoring = Scoring(self, keep.absolute())
        try:
            with closing(executor.map(scoring, todo, Tally[int](len(todo), progress))) as results:
                for position, scored in results:
                    if not scored.failure:
                        table.append(scored.rows)
                        scoring.store(self.units[position]).remove()
                    elif bad is None:
                        raise InputError(scored.failure)
                    else:
                        bad(InputError(scored.failure))
        finally:
            with suppress(OSError):  # it is not there, or holds what was interrupted
                keep.rmdir()
        table.reload()

    def found(self, table: ScoreTable) -> list[Row]:
        """The rows of this comparison that the table holds; it may hold others."""
        asked = {key(row) for unit in self.units for row in self.rows(unit)}
        return [row for row in table.rows if key(row) in asked]

    def is_whole(self, table: ScoreTable) -> bool:
        """Whether the table holds all rows of this comparison."""
        return not self._left(table, WHOLE)

    def cases(self, full: CoilData, condition: Condition | AsMeasured) -> Cases:
        """The scan, undersampled or as it was measured, with something to compare with.

        Raises:
            InputError: as `Measurement.cases`.
        """
        kind = kind_of_coils(full.coils).of(full)
        assumed = Assumptions(map_sets=1, truth_by=TARGETS[self.target])
        return Measurement(full, kind, condition.draw(full.image_shape), assumed).cases()

    def rows(self, unit: Unit) -> Iterator[dict[str, str]]:
        """What tells the rows of a unit apart, in the order of its scores."""
        general, subject = self._general(unit), unit.subject
        for convention in self.conventions:
            row = {**general, "convention": convention.name, "region": "", "box": ""}
            for index in convention.units(len(subject.slices)):
                yield {**row, "slice": "" if index is None else f"{subject.slices[index]}"}
            for annotation in self.boxes[subject.name]:
                box = {"region": annotation.label, "box": annotation.extent}
                yield {**row, "slice": f"{annotation.slice}", **box}

    def digest(self, unit: Unit) -> str:
        """What tells a unit's images from those of others, in 32 hexadecimal digits."""
        return digest_of(self._general(unit))[:32]

    def _general(self, unit: Unit) -> dict[str, str]:
        subject, condition, contender = unit.subject, unit.condition, unit.contender
        return {
            "file": subject.name,
            "data": subject.data,
            "slices": "all" if len(subject.slices) == subject.depth else " ".join(map(str, subject.slices)),
            "method": contender.name,
            "mask": condition.mask,
            "acceleration": f"{condition.acceleration:g}",
            "centre_fraction": f"{condition.centre_fraction:g}",
            "target": subject.target or self.target,
            "source": subject.source,
            "seed": f"{self.seed}",
            "settings": contender.settings,
        }

    def _left(self, table: ScoreTable, shard: Shard) -> list[int]:
        """Positions of the units that the table lacks."""
        return [
            position
            for position, unit in enumerate(self.units)
            if shard.holds(position) and not all(row in table for row in self.rows(unit))
        ]

    def _boxes_of(self, subject: Subject) -> Iterator[Annotation]:
        for annotation in self.annotations:
            if annotation.file != subject.stem:
                continue
            if annotation.slice >= subject.depth:
                raise InputError(
                    f"{subject.name} has slices 0 to {subject.depth - 1}, but the annotation '{annotation.label}' is "
                    f"in slice {annotation.slice}."
                )
            annotation.box(subject.field_of_view)  # refuse what lies outside
            if annotation.slice in subject.slices:
                yield annotation


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
