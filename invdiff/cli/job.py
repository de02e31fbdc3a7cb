"""Several files, one after the other: where their results go, what is told of them, and what fails."""

import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invdiff.cli.export import tell_exported
from invdiff.cli.forecasts import tell_forecasts
from invdiff.cli.output import SOME_FAILED, Output, Report, tell_kept
from invdiff.cli.shown_result import draw, titled, write_scores
from invdiff.errors import InputError
from invdiff.refusal import REFUSED, refusal

if TYPE_CHECKING:
    from invdiff.evaluation import Contender
    from invdiff.reconstruction import Cases, Choice, Executor, Input, MeasuredOnce, Outcome, Study
    from invdiff.reconstruction.writers import WayOut

_LONG = 1000  # network calls, of which it is said beforehand what they will take
_SHOWN = 8  # slices in the panel and the table of scores
BASELINES = "baselines.csv"
_COLUMNS = ("file", "result", "slices", "failed", "psnr", "ssim", "nmse", "seconds", "written", "reason")


@dataclass
class Job:
    """Several files, one after the other, and what is told of them.

    Attributes:
        study: how each is reconstructed.
        inputs: the files.
        out: folder for the results.
        output: who is told.
        where: it is computed, in words.
        slices: of each file, as ``--slices`` names them.
        initial: a reconstruction whose image to start from.
        keep_oversampling: whether images are of all that was measured, and not of the field of view alone.
        is_single: whether there is one file, whose results go to the folder itself.
        begun: when the command was, by `time.perf_counter`.
        baselines: classical methods to score beside it, where the truth is known.
        ways: in which each result is written for other programs.
        reports: whether each result gets a page to look at.
        rows: what came of each.
        alike: what was measured of the costs of files that are alike.
    """

    study: "Study | Choice"
    inputs: "list[Input]"
    out: Path
    output: Output
    where: str
    slices: str | None
    initial: str | None
    keep_oversampling: bool
    is_single: bool
    begun: float
    baselines: "list[Contender]"
    ways: "list[WayOut]"
    reports: bool
    rows: list[dict[str, Any]] = field(default_factory=list)
    alike: "dict[object, MeasuredOnce]" = field(default_factory=dict)

    def run(self, executor: Any) -> int:
        """Reconstruct every file; the exit status."""
        from invdiff.cli.folder import folder_of

        folders = self._folders
        if not self.is_single:
            self._check_index()
            folder_of("solve", self.out)
        for position, (one, folder) in enumerate(zip(self.inputs, folders, strict=True)):
            begun = time.perf_counter()
            row: dict[str, Any] = {"file": _named(one), "result": "", "slices": 0, "failed": 0, "written": []}
            try:
                cases = self._cases(one)
                self._check(cases, folder)
                folder_of("solve", folder)
                row["slices"] = cases.count
                row |= self._reconstruct(cases, folder, position, executor)
            except REFUSED as error:
                reason = refusal(error)
                if self.is_single or reason is None:
                    raise
                self.output.warn(f"{one.name}: {reason}")
                row |= {"failed": row["slices"] or 1, "reason": reason}
            self.rows.append({**row, "seconds": round(time.perf_counter() - begun, 2)})
            if not self.is_single and self.study.shard.count == 1:
                self._summary()
        index = self._report()
        code = SOME_FAILED if any(row["failed"] or row.get("reason") for row in self.rows) else 0
        outstanding = sum(not row["result"] and not row["failed"] for row in self.rows)
        if outstanding and not self.is_single:
            self.output.say(f"of {len(self.rows)} file(s), {outstanding} wait for other parts of the study")
        elif not self.is_single:
            self._summary()
            self.output.wrote(f"wrote {self.out / 'summary.csv'}: {len(self.rows)} file(s)")
            if all(not row["result"] and row["failed"] for row in self.rows):
                raise InputError(
                    f"None of {len(self.rows)} files could be reconstructed; {self.out / 'summary.csv'} says why."
                )
        listed = {} if index is None else {"index": str(index)}
        self.output.finish({"command": "solve", "exit_status": code, "files": self.rows, **listed})
        return code

    @property
    def _index(self) -> Path | None:
        """Where reports of several files, once all are there, are listed."""
        return None if self.is_single or self.study.shard.count > 1 else self.out / "index.html"

    def _check(self, cases: "Cases", folder: Path) -> None:
        """Refuse, before anything is drawn, what could not be written in the end: after a template of something else,
        or in the place of a page that is none of ours."""
        from invdiff.pictures.report import check_own, page_names

        for way in self.ways:
            way.check(cases.name, None if cases.geometry is None else cases.geometry.cropped)
        for name in page_names(cases.count) if self.reports else ():
            check_own(folder / name)

    def _check_index(self) -> None:
        from invdiff.pictures.report import check_own

        if self.reports and self._index is not None:
            check_own(self._index)

    def _report(self) -> Path | None:
        """Write a page of each result that there is now; the page that lists them, if there is one."""
        from invdiff.cli.report import write_reports
        from invdiff.pictures.report import page_names

        there = {Path(row["result"]): row for row in self.rows if row["result"]} if self.reports else {}
        reasons = write_reports(self.output, list(there), self._index, replace=True)
        for path, row in there.items():
            if path in reasons:
                self.output.warn(reasons[path])
                row["reason"] = row["reason"] or reasons[path]
            else:
                row["written"] += [str(path.with_name(name)) for name in page_names(row["slices"])]
        return self._index if len(reasons) < len(there) else None

    def forecast(self, executor: "Executor") -> None:
        """Tell what is left to do, and what it will take."""
        from invdiff.reconstruction import Forecast, MeasuredOnce

        found: list[tuple[str, Forecast, str]] = []
        begun = self.begun  # what the first file waits for is a part of its time
        for position, (one, folder) in enumerate(zip(self.inputs, self._folders, strict=True)):
            try:
                cases = self._cases(one)
                self._check(cases, folder)
                measure = self.alike.setdefault(cases.likeness, MeasuredOnce())
                made = time.perf_counter() - begun
                whole = self.study.forecast(cases, folder, position=position, executor=executor, measure=measure)
                seconds = whole.seconds + made if whole.units else 0.0
                found.append((_named(one), replace(whole, seconds=seconds), ""))
            except InputError as error:
                if self.is_single:
                    raise
                self.output.warn(f"{one.name}: {error}")
                found.append((_named(one), Forecast(), str(error)))
            begun = time.perf_counter()
        self.output.say(self.where)
        tell_forecasts(self.output, found, self.study.memory_limit)

    def _tell_cost(self, cases: "Cases", folder: Path, position: int, executor: "Executor") -> None:
        """Say what a long run of a file will take, by trying a part of it."""
        from invdiff.reconstruction import MeasuredOnce
        from invdiff.reconstruction.trial import counted

        if self.output.quiet:
            return
        cost = partial(self.study.forecast, cases, folder, position=position, executor=executor)
        try:
            if cost(measure=counted).network_calls < _LONG:
                return
            found = cost(measure=self.alike.setdefault(cases.likeness, MeasuredOnce()))
        except InputError:  # which the run itself says, of a slice or of all
            return
        time = timedelta(seconds=round(found.seconds))
        self.output.say(f"{cases.name}: {found.network_calls:,} network calls to go, about {time}; see --dry-run")

    def _cases(self, one: "Input") -> "Cases":
        from invdiff.cli.computing import read_slices
        from invdiff.reconstruction import read_reconstructed

        cases = one.read().cases()
        if self.initial is not None:
            cases = replace(cases, initial=read_reconstructed(self.initial))
        cases = cases.with_oversampling if self.keep_oversampling else cases
        return cases if self.slices is None else cases.of(read_slices(self.slices, cases.count, cases.name))

    @property
    def _folders(self) -> list[Path]:
        if self.is_single:
            return [self.out]
        labels = [one.labels for one in self.inputs]
        times = Counter(short for short, _ in labels)
        unique = [short if times[short] == 1 else whole for short, whole in labels]
        twice = next((name for name, count in Counter(unique).items() if count > 1), None)
        if twice is not None:
            raise InputError(f"Two of the files are called {twice}, and so would their results be; rename one.")
        return [self.out / name for name in unique]

    def _reconstruct(self, cases: "Cases", folder: Path, position: int, executor: Any) -> dict[str, Any]:
        self._tell_cost(cases, folder, position, executor)
        watcher = _Watcher(self, folder)
        try:
            outcome = self.study(cases, folder, position=position, executor=executor, watcher=watcher)
        except KeyboardInterrupt:
            if any((folder / "units").glob("*.npz")):
                tell_kept(f"finished samples are in {folder / 'units'}")
            raise
        for number, reason in sorted(outcome.failures.items()):
            self.output.warn(f"{cases.name}, slice {number}: {reason}")
        found: dict[str, Any] = {"failed": len(outcome.failures), "reason": next(iter(outcome.failures.values()), "")}
        if outcome.path is None:
            self.output.say(f"{cases.name}: this part is done; other parts of the study are outstanding")
            return found
        found |= {"result": str(outcome.path), **self.show(cases, outcome, folder)}
        written, reasons = self._save(cases.name, outcome.path)
        return {**found, "written": written, "reason": next(iter(reasons), found["reason"])}

    def _save(self, name: str, path: Path) -> tuple[list[str], list[str]]:
        """Write the result for other programs: files, and folders of them; and why there is none of others."""
        written: list[str] = []
        reasons: list[str] = []
        for way in self.ways:
            try:
                exported = way.export(path)
            except InputError as error:  # the result is there, and `invdiff export` can be asked again
                self.output.warn(f"{name}: {error}")
                reasons.append(str(error))
                continue
            tell_exported(self.output, exported)
            written += map(str, exported.files if exported.place is None else [exported.place])
        return written, reasons

    def show(self, cases: "Cases", outcome: "Outcome", folder: Path) -> dict[str, Any]:
        """Draw what is on disk, and score it where the truth is known."""
        from invdiff.metrics import Scores
        from invdiff.pictures import table
        from invdiff.reconstruction import conformal_for, course_remarks, spread_slices

        assert outcome.path is not None
        seen = spread_slices(outcome.path, _SHOWN)
        written = draw(outcome.path, seen, cases)
        scores: dict[str, Any] = {}
        if seen.ground_truth is not None:
            images = titled(seen, cases)
            numbers = [int(number) for number in seen.attributes["slice"]]
            few = "" if len(numbers) == cases.count else f" of slices {', '.join(map(str, numbers))}"
            begun, *made = images.items()
            rows = [begun, *self._classical(cases.of(numbers), folder).items(), *made]
            scored = {title: Scores.of(seen.ground_truth, image) for title, image in rows}
            self.output.show(table(scored, cases.target + few))
            if self.baselines:
                written.append(write_scores(folder / BASELINES, scored, numbers, cases.target))
            scores = vars(scored[rows[-1][0]])  # the best image is the last
        elif self.baselines:
            self.output.warn(f"{cases.name} has no ground truth, so there is nothing to score baselines by.")
        for sentence in str(seen.attributes.get("audit_verdict", "")).splitlines():
            self.output.say(f"audit: {sentence}")
        for sentence in course_remarks(outcome.path):
            self.output.say(f"course: {sentence}")
        validated = conformal_for(seen.attributes, seen.samples.shape[1])
        if validated is not None:
            self.output.say(validated.sentence)
        there = "was there already:" if outcome.was_there else "wrote"
        self.output.wrote(f"{there} {', '.join(map(str, written[:-1]))} and {written[-1]}")
        return scores

    def _classical(self, cases: "Cases", folder: Path) -> dict[str, Any]:
        """What baselines make of some cases, by their titles; those that can't serve are warned of."""
        made: dict[str, Any] = {}
        for baseline in self.baselines:
            try:
                with self.output.progress(baseline.name) as progress:
                    found = baseline(cases, 0, folder, progress)
            except InputError as error:
                self.output.warn(str(error))
                continue
            weight = "" if found.weight is None else f" (best weight {found.weight:.1e})"
            made[f"{baseline.name}{weight}"] = cases.shown(found.image)
        return made

    def _summary(self) -> None:
        from invdiff.files.csv_table import write_csv

        rows = ({**row, "written": "; ".join(row["written"])} for row in self.rows)
        write_csv(self.out / "summary.csv", _COLUMNS, rows)


def _named(one: "Input") -> str:
    return one.name if one.path is None else str(one.path.with_name(one.name))


class _Watcher:
    """Tells of a file's progress."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.job, self.folder = job, folder
        self.cases: Cases | None = None

    def begun(self, cases: "Cases") -> None:
        """What is reconstructed, and what was found out about it."""
        if self.cases is not None:
            return
        self.cases = cases
        if not self.job.rows:
            self.job.output.say(self.job.where)
        self.job.output.describe(cases)

    def progress(self, title: str) -> AbstractContextManager[Report]:
        """A bar."""
        return self.job.output.progress(title)

    def told(self, sentence: str) -> None:
        """A sentence."""
        self.job.output.say(sentence)

    def image(self, path: Path) -> None:
        """The image is there."""
        from invdiff.reconstruction import spread_slices

        assert self.cases is not None
        written = draw(path, spread_slices(path, _SHOWN), self.cases)
        self.job.output.wrote(
            f"wrote {written[0]} and {written[1]}: the image; samples that show its uncertainty follow"
        )
