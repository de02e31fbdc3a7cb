"""``invdiff solve``: reconstruct files, or the scan that ships with the package."""

import csv
import io
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.forecasts import tell_forecasts
from invdiff.cli.options import (
    Acceleration,
    AsJson,
    CentreFraction,
    DeviceName,
    DryRun,
    MemoryLimit,
    NoiseStd,
    OperatorName,
    PrecisionName,
    PriorConfigName,
    PriorName,
    Quiet,
    Scheduler,
    ShardText,
    Threads,
    Undersample,
    Workers,
)
from invdiff.cli.output import Output, Report
from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.diffusion import LateStart
    from invdiff.methods import Method
    from invdiff.reconstruction import Cases, Executor, Input, Outcome, Reconstruction, Study

QUALITY = {"draft": 15, "standard": 30, "high": 60, "best": 100}
"""Network calls of an estimate, by name."""

SOME_FAILED = 3
"""Exit status where a part of what was asked for is missing, and the rest is there."""

_SHOWN = 8  # slices in the panel and the table of scores
_COLUMNS = ("file", "result", "slices", "failed", "psnr", "ssim", "nmse", "seconds", "reason")


def solve(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT",
            help="What was measured: a file, several, or folders; without, the brain scan that ships with invdiff.",
        ),
    ] = None,
    operator: OperatorName = "sense",
    prior: PriorName = None,
    prior_config: PriorConfigName = None,
    method: Annotated[
        str | None,
        typer.Option(help="See `invdiff methods`.", show_default="the configuration's, or estimate"),
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option(
            help=f"Network calls of the estimate: {', '.join(f'{name} ({calls})' for name, calls in QUALITY.items())}.",
            show_default="standard",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="YAML", help="A method and settings, as from `invdiff tune-lambda`; options win."),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Posterior samples for each slice; 0 for the estimate alone.",
            show_default="4 beside an estimate, 8 of other methods",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all random numbers.")] = 0,
    slices: Annotated[
        str | None, typer.Option("--slices", metavar="FIRST:END", help="Slices of each file, such as 10:40, or one.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the results, in which each of several files has one of its own.")
    ] = Path("invdiff-result"),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the method; may be repeated."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="Start late, from 'zero-filled', 'least-squares', or the mean of another run's reconstruction.h5.",
        ),
    ] = None,
    start_sigma: Annotated[
        float | None,
        typer.Option(help="For --start: the noise level to start at, in the prior's units."),
    ] = None,
    start_time: Annotated[
        float | None,
        typer.Option(help="For --start: the SDE's time to start at, in [0, 1], instead."),
    ] = None,
    undersample: Undersample = None,
    acceleration: Acceleration = 4.0,
    centre_fraction: CentreFraction = 0.08,
    noise_std: NoiseStd = None,
    map_sets: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=2,
            help="Coil map sets; two where the object is larger than the field of view.",
            show_default="as the data ask",
        ),
    ] = None,
    crop: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Of ESPIRiT: eigenvalues below count as background.", show_default="as the data ask"
        ),
    ] = None,
    device: DeviceName = "cpu",
    precision: PrecisionName = "auto",
    threads: Threads = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    shard: ShardText = None,
    memory_limit: MemoryLimit = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Reconstruct images from undersampled k-space, with missing pixels, or noisy: the best image first, then posterior
    samples that show how far it can be trusted.

    Writes reconstruction.h5 (image, estimate, mean, std, samples, zero_filled, ground_truth where known), panel.png
    and, of several slices, slices.png; of several files also summary.csv. The same command goes on where it was
    stopped.

    Exit status: 0; 2 for what can't be done, in a sentence; 3 where a file or a slice is missing and the rest is there;
    130 for an interrupt.
    """
    from invdiff.cli.computing import Computing, read_shard
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import parse_settings, undersampling
    from invdiff.methods import find_method
    from invdiff.priors import load_prior
    from invdiff.reconstruction import Assumptions, Recipe, Study, find_inputs, find_kind

    keep_heap()
    output = Output(as_json, quiet)
    kind = find_kind(operator)
    parsed = parse_settings(settings or [])
    if config is not None:
        from invdiff.tuning.config import read_config

        configured = read_config(config)
        method, parsed = method or configured.method, {**configured.texts, **parsed}
    chosen = find_method(method or "estimate")
    parsed = _with_quality(parsed, chosen, quality)
    computing = Computing(device, precision, threads, workers, scheduler, memory_limit)
    prior = prior or chosen.prior
    network = computing.place(load_prior(prior, config=prior_config))
    late = _late_start(start, start_sigma, start_time)
    study = Study(
        network,
        Recipe(chosen, parsed, start=late) if chosen.spread else None,
        None
        if samples == 0 and chosen.spread
        else Recipe(find_method(chosen.spread), {}, 4 if samples is None else samples)
        if chosen.spread
        else Recipe(chosen, parsed, 8 if samples is None else samples, start=late),
        seed,
        device if workers > 1 or scheduler else None,
        read_shard(shard),
        {"prior": prior},
        computing.limit,
    )
    condition = undersampling(undersample, acceleration, centre_fraction, seed)
    found = find_inputs(
        inputs or [], kind, seed=seed, condition=condition, assumed=Assumptions(noise_std, map_sets, crop)
    )
    initial = start if start not in (None, "zero-filled", "least-squares") else None
    job = _Job(study, found, out, output, computing.description, slices, initial)
    with computing.executor() as executor:
        if dry_run:
            job.forecast(executor)
            return
        code = job.run(executor)
    if code:
        raise typer.Exit(code)


def _with_quality(settings: dict[str, str], method: "Method", quality: str | None) -> dict[str, str]:
    if quality is None:
        return settings
    if quality not in QUALITY:
        raise InputError(f"There is no quality {quality!r}; there are {', '.join(QUALITY)}.")
    if method.spread is None or "steps" in settings:
        raise InputError(
            "--quality is the number of steps of an estimate; give it without --set steps, and no other method."
        )
    return {**settings, "steps": str(QUALITY[quality])}


def _late_start(image: str | None, sigma: float | None, time: float | None) -> "LateStart | None":
    from invdiff.diffusion import LateStart

    match image, sigma, time:
        case None, None, None:
            return None
        case ((None | "zero-filled"), _, _):
            return LateStart(sigma, time, "zero-filled")
        case "least-squares", _, _:
            return LateStart(sigma, time, "least-squares")
        case _:
            return LateStart(sigma, time, "initial")


@dataclass
class _Job:
    """Several files, one after the other, and what is told of them."""

    study: "Study"
    inputs: "list[Input]"
    out: Path
    output: Output
    where: str
    slices: str | None
    initial: str | None
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_single(self) -> bool:
        """Whether there is one file, whose results go to the folder itself."""
        return len(self.inputs) == 1

    def run(self, executor: Any) -> int:
        """Reconstruct every file; the exit status."""
        from invdiff.cli.folder import writable_folder

        folders = self._folders
        if not self.is_single:
            writable_folder(self.out)
        for position, (one, folder) in enumerate(zip(self.inputs, folders, strict=True)):
            begun = time.perf_counter()
            row: dict[str, Any] = {"file": str(one.path or one.name), "result": "", "slices": 0, "failed": 0}
            try:
                cases = self._cases(one)
                writable_folder(folder)
                row["slices"] = cases.count
                row |= self._reconstruct(cases, folder, position, executor)
            except InputError as error:
                if self.is_single:
                    raise
                self.output.warn(f"{one.name}: {error}")
                row |= {"failed": row["slices"] or 1, "reason": str(error)}
            self.rows.append({**row, "seconds": round(time.perf_counter() - begun, 2)})
            if not self.is_single:
                self._summary()
        code = SOME_FAILED if any(row["failed"] for row in self.rows) else 0
        if not self.is_single:
            self.output.say(f"wrote {self.out / 'summary.csv'}: {len(self.rows)} file(s)")
            if all(not row["result"] and row["failed"] for row in self.rows):
                raise InputError(
                    f"None of {len(self.rows)} files could be reconstructed; {self.out / 'summary.csv'} says why."
                )
        self.output.finish({"command": "solve", "exit_status": code, "files": self.rows})
        return code

    def forecast(self, executor: "Executor") -> None:
        """Tell what is left to do, and what it will take."""
        from invdiff.reconstruction import Forecast, MeasuredOnce

        alike: dict[object, MeasuredOnce] = {}
        found: list[tuple[str, Forecast, str]] = []
        for position, (one, folder) in enumerate(zip(self.inputs, self._folders, strict=True)):
            try:
                cases = self._cases(one)
                measure = alike.setdefault(cases.likeness, MeasuredOnce())
                whole = self.study.forecast(cases, folder, position=position, executor=executor, measure=measure)
                found.append((str(one.path or one.name), whole, ""))
            except InputError as error:
                if self.is_single:
                    raise
                self.output.warn(f"{one.name}: {error}")
                found.append((str(one.path or one.name), Forecast(), str(error)))
        self.output.say(self.where)
        tell_forecasts(self.output, found, self.study.memory_limit)

    def _cases(self, one: "Input") -> "Cases":
        from dataclasses import replace

        from invdiff.cli.computing import read_slices
        from invdiff.reconstruction import read_reconstructed

        cases = one.read().cases()
        if self.initial is not None:
            cases = replace(cases, initial=read_reconstructed(self.initial))
        return cases if self.slices is None else cases.of(read_slices(self.slices, cases.count, cases.name))

    @property
    def _folders(self) -> list[Path]:
        if self.is_single:
            return [self.out]
        names = [one.path.name if one.path else one.name for one in self.inputs]
        short = [name.split(".")[0] for name in names]
        unique = [one if short.count(one) == 1 else name for one, name in zip(short, names, strict=True)]
        if len(set(unique)) < len(unique):
            twice = next(name for name in unique if unique.count(name) > 1)
            raise InputError(f"Two of the files are called {twice}, and so would their results be; rename one.")
        return [self.out / name for name in unique]

    def _reconstruct(self, cases: "Cases", folder: Path, position: int, executor: Any) -> dict[str, Any]:
        watcher = _Watcher(self, folder)
        try:
            outcome = self.study(cases, folder, position=position, executor=executor, watcher=watcher)
        except KeyboardInterrupt:
            if any((folder / "units").glob("*.npz")):
                print(
                    f"invdiff: finished samples are in {folder / 'units'}; the same command goes on from there.",
                    file=sys.stderr,
                )
            raise
        for number, reason in sorted(outcome.failures.items()):
            self.output.warn(f"{cases.name}, slice {number}: {reason}")
        found: dict[str, Any] = {"failed": len(outcome.failures), "reason": next(iter(outcome.failures.values()), "")}
        if outcome.path is None:
            self.output.say(f"{cases.name}: this part is done; other parts of the study are outstanding")
            return found
        return {**found, "result": str(outcome.path), **self.show(cases, outcome, folder)}

    def show(self, cases: "Cases", outcome: "Outcome", folder: Path) -> dict[str, Any]:
        """Draw what is on disk, and score it where the truth is known."""
        from invdiff.classical import rivals
        from invdiff.metrics import nmse, psnr, ssim
        from invdiff.pictures import table
        from invdiff.reconstruction import spread_slices

        assert outcome.path is not None
        seen = spread_slices(outcome.path, _SHOWN)
        written = _draw(outcome.path, seen, cases, self.study)
        scores: dict[str, Any] = {}
        if seen.ground_truth is not None:
            images = _titled(seen, cases, self.study)
            numbers = [int(number) for number in seen.attributes["slice"]]
            few = "" if len(numbers) == cases.count else f" of slices {', '.join(map(str, numbers))}"
            if not self.output.quiet:
                compared = self.study.memory_limit is None  # SigPy takes several times what a sample does
                found = rivals(cases.of(numbers)).items() if compared else ()
                known = {f"{name} (best weight {best.weight:.1e})": best.image for name, best in found}
                begun, *made = images.items()
                rows = dict([begun, *known.items(), *made])
                self.output.show(table(seen.ground_truth, rows, cases.target + few))
            scores = {"psnr": psnr(seen.ground_truth, seen.image), "ssim": ssim(seen.ground_truth, seen.image)}
            scores["nmse"] = nmse(seen.ground_truth, seen.image)
        there = "was there already:" if outcome.was_there else "wrote"
        self.output.say(f"{there} {', '.join(map(str, written[:-1]))} and {written[-1]}")
        return scores

    def _summary(self) -> None:
        from invdiff.files import atomic

        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        with atomic(self.out / "summary.csv") as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")


def _titled(seen: "Reconstruction", cases: "Cases", study: "Study") -> dict[str, Any]:
    """The images of a result by their titles: what it began from first, and the best last."""
    from invdiff.reconstruction import find_kind

    images: dict[str, Any] = {find_kind(cases.operator).begins_as: seen.zero_filled}
    if seen.samples.shape[1]:
        assert study.posterior is not None
        recipe = study.posterior
        mean = f"mean of {recipe.samples}" if recipe.samples > 1 else "one sample"
        images[f"{recipe.method.name}, {mean}"] = seen.mean
    if seen.estimate is not None:
        assert study.image is not None
        images[f"{study.image.method.name}, {seen.attributes['nfe']} calls"] = seen.estimate
    return images


def _draw(path: Path, seen: "Reconstruction", cases: "Cases", study: "Study") -> list[Path]:
    """The result's panel and, of several slices, a contact sheet; every file that there is now."""
    from invdiff.pictures import write_panel
    from invdiff.reconstruction import write_contact_sheet

    panel, sheet = path.with_name("panel.png"), path.with_name("slices.png")
    several = seen.samples.shape[1] > 1  # one sample does not tell how far samples disagree
    images = _titled(seen, cases, study)
    numbers = [int(number) for number in seen.attributes["slice"]]
    write_panel(panel, images, std=seen.std if several else None, truth=seen.ground_truth, numbers=numbers)
    if cases.count == 1:
        return [path, panel]
    write_contact_sheet(sheet, path)
    return [path, panel, sheet]


class _Watcher:
    """Tells of a file's progress."""

    def __init__(self, job: _Job, folder: Path) -> None:
        self.job, self.folder = job, folder
        self.cases: Cases | None = None

    def begun(self, cases: "Cases") -> None:
        """What is reconstructed, and what was found out about it."""
        self.cases = cases
        output = self.job.output
        if not self.job.rows:
            output.say(self.job.where)
        output.say(cases.description)
        if cases.preparation is not None:
            for line in cases.preparation.report:
                output.say(line)
            for warning in cases.preparation.warnings:
                output.warn(warning)

    def progress(self, title: str) -> AbstractContextManager[Report]:
        """A bar."""
        return self.job.output.progress(title)

    def image(self, path: Path) -> None:
        """The image is there."""
        from invdiff.reconstruction import spread_slices

        assert self.cases is not None
        written = _draw(path, spread_slices(path, _SHOWN), self.cases, self.job.study)
        self.job.output.say(f"wrote {written[0]} and {written[1]}: the image; samples that show its uncertainty follow")
