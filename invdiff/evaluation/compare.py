"""Every contender on every subject under every condition."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from invdiff.data import Scan, achieved_acceleration
from invdiff.data.condition import Condition
from invdiff.errors import InputError
from invdiff.evaluation.contenders import Contender, Outcome
from invdiff.evaluation.score_table import Row, ScoreTable, key
from invdiff.evaluation.subjects import Subject
from invdiff.evaluation.targets import TARGETS
from invdiff.metrics import Annotation, Convention, Scores
from invdiff.reconstruction import Assumptions, Cases, Measurement, find_kind

Progress = Callable[[int, int], None]

_PARTS = 1000  # of a contender's run, in reports of progress


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how.

    Args:
        subjects: fully sampled scans.
        contenders: methods and baselines.
        conditions: masks.
        conventions: of the metrics.
        target: of `TARGETS`, for scans that bring no ground truth.
        seed: of the methods' random numbers.
        annotations: boxes that are scored besides whole images.

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
    _boxes: Mapping[str, list[Annotation]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("subjects", "contenders", "conditions", "conventions"):
            if not getattr(self, name):
                raise InputError(f"There are no {name} to compare.")
        if self.target not in TARGETS:
            raise InputError(f"There is no target {self.target!r}; there are {', '.join(TARGETS)}.")
        boxes = {subject.name: list(self._boxes_of(subject)) for subject in self.subjects}
        object.__setattr__(self, "_boxes", boxes)
        annotated = list(dict.fromkeys(annotation.file for annotation in self.annotations))
        if annotated and not {subject.stem for subject in self.subjects} & set(annotated):
            raise InputError(
                f"The annotations are of {_some(annotated)}, but none of these is among the scans, which are "
                f"{_some(list(boxes))}."
            )

    def check(self, table: ScoreTable) -> None:
        """Try what the table does not hold yet on the first slice of each kind of scan, without a network call.

        Raises:
            InputError: something can't be reconstructed so.
        """
        seen = set()
        first_slice_of = lru_cache(maxsize=1)(lambda subject: subject.scan().select([0]))
        cases_of = lru_cache(maxsize=1)(lambda subject, condition: self._cases(first_slice_of(subject), condition))
        for subject, condition, contender in self._left(table):
            kind = subject.kspace_shape, subject.has_maps, condition, contender.name
            if kind in seen:
                continue
            seen.add(kind)
            try:
                contender.check(cases_of(subject, condition))
            except InputError as error:
                raise InputError(f"{subject.name}, mask {condition}, {contender.name}: {error}") from error

    def run(
        self,
        table: ScoreTable,
        *,
        keep: Path,
        progress: Progress | None = None,
        bad: Callable[[InputError], None] | None = None,
    ) -> None:
        """Score whatever the table does not hold yet, and add it there.

        Args:
            table: of scores.
            keep: a file for finished samples of the method that is at work.
            progress: told (done, total) of what is left to do.
            bad: told of what can't be reconstructed; where not given, the first is an error.

        Raises:
            InputError: something can't be reconstructed, or the table can't be written.
        """
        todo = self._left(table)
        scan_of = lru_cache(maxsize=1)(Subject.scan)  # one at a time: scans are large
        cases_of = lru_cache(maxsize=1)(lambda subject, condition: self._cases(scan_of(subject), condition))
        for done, (subject, condition, contender) in enumerate(todo):

            def report(part: int, parts: int, done: int = done) -> None:
                if progress is not None:
                    progress(done * _PARTS + _PARTS * part // parts, len(todo) * _PARTS)

            report(0, 1)
            try:
                cases = cases_of(subject, condition)
                outcome = contender(cases, self.seed, keep, report)
                rows = list(self._scored(subject, condition, contender, cases, outcome))
            except InputError as error:
                told = InputError(f"{subject.name}, mask {condition}, {contender.name}: {error}")
                if bad is None:
                    raise told from error
                bad(told)
            else:
                table.append(rows)
            report(1, 1)

    def found(self, table: ScoreTable) -> list[Row]:
        """The rows of this comparison that the table holds; it may hold others."""
        asked = {key(row) for unit in self._units() for row in self._rows(*unit)}
        return [row for row in table.rows if key(row) in asked]

    def _units(self) -> Iterator[tuple[Subject, Condition, Contender]]:
        return itertools.product(self.subjects, self.conditions, self.contenders)

    def _left(self, table: ScoreTable) -> list[tuple[Subject, Condition, Contender]]:
        return [unit for unit in self._units() if not all(row in table for row in self._rows(*unit))]

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

    def _cases(self, full: Scan, condition: Condition) -> Cases:
        """The undersampled scan, with something to compare with."""
        kind = find_kind("fourier" if full.coils == 1 else "sense")
        assumed = Assumptions(map_sets=1, truth_by=TARGETS[self.target])
        return Measurement(full, kind, condition.draw(full.image_shape), assumed).cases()

    def _rows(self, subject: Subject, condition: Condition, contender: Contender) -> Iterator[dict[str, str]]:
        """What tells the rows of a run apart, in the order of `_scored`."""
        general = {
            "file": subject.name,
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
        for convention in self.conventions:
            row = {**general, "convention": convention.name, "region": "", "box": ""}
            for index in convention.units(len(subject.slices)):
                yield {**row, "slice": "" if index is None else f"{subject.slices[index]}"}
            for annotation in self._boxes[subject.name]:
                box = {"region": annotation.label, "box": annotation.extent}
                yield {**row, "slice": f"{annotation.slice}", **box}

    def _scored(
        self, subject: Subject, condition: Condition, contender: Contender, cases: Cases, outcome: Outcome
    ) -> Iterator[Row]:
        scan = cases.measured
        assert isinstance(scan, Scan)
        assert scan.ground_truth is not None
        found = {
            "achieved_acceleration": f"{achieved_acceleration(scan.mask):.4f}",
            "nfe": f"{outcome.nfe}",
            "seconds": f"{outcome.seconds / len(subject.slices):.4g}",
            "weight": "" if outcome.weight is None else f"{outcome.weight:.4g}",
            "noise_std": f"{scan.noise_std:.6g}",
            "versions": ", ".join(f"{name} {version(name)}" for name in ("invdiff", "torch", "numpy")),
        }
        scores = self._scores(subject, scan.ground_truth, outcome.image)
        for row, score in zip(self._rows(subject, condition, contender), scores, strict=True):
            numbers = {"psnr": f"{score.psnr:.4f}", "ssim": f"{score.ssim:.5f}", "nmse": f"{score.nmse:.6g}"}
            yield row | found | numbers

    def _scores(self, subject: Subject, truth: NDArray[Any], image: NDArray[Any]) -> Iterator[Scores]:
        truth, image = (_cropped(volume, subject.field_of_view) for volume in (truth, image))
        for convention in self.conventions:
            agreement = convention.compare(truth, image)
            for index in convention.units(len(subject.slices)):
                yield agreement.scores(index)
            for annotation in self._boxes[subject.name]:
                index = subject.slices.index(annotation.slice)
                yield agreement.scores(index, annotation.box(subject.field_of_view))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


def _cropped(volume: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """The central part, where fastMRI cuts it out."""
    top, left = ((n - m) // 2 for n, m in zip(volume.shape[1:], shape, strict=True))
    return volume[:, top : top + shape[0], left : left + shape[1]]
