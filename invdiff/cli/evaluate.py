"""``invdiff evaluate``: methods beside each other, over files, masks and accelerations."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from invdiff.cli.completion import baseline_names, mask_names, method_names, prior_names
from invdiff.cli.options import (
    AsJson,
    AxesText,
    Contrast,
    DeviceName,
    Group,
    MapsFile,
    NoiseFile,
    Phase,
    PrecisionName,
    PriorConfigName,
    Quiet,
    Repetition,
    Scheduler,
    Seed,
    SetNumber,
    SettingsOfMethods,
    ShardText,
    Threads,
    Workers,
)
from invdiff.cli.output import Output, tell_kept
from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.cli.computing import Computing
    from invdiff.evaluation import Comparison, Contender, ScoreTable
    from invdiff.evaluation.score_table import Row

T = TypeVar("T")
Several = list[str] | None


def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="Fully sampled scans, scans along trajectories that bring a truth, or images to scan in simulation; "
            "without it, the brain scan that ships with invdiff.",
        ),
    ] = None,
    method: Annotated[
        Several,
        typer.Option(
            autocompletion=method_names,
            help="See `invdiff methods`; may be repeated.  [default: estimate; with a --baseline and no --prior, none]",
        ),
    ] = None,
    baseline: Annotated[
        Several,
        typer.Option(
            autocompletion=baseline_names,
            help="zero-filled, cg-sense, l1-wavelet or tv, at its best weight; may be repeated.",
        ),
    ] = None,
    mask: Annotated[
        Several,
        typer.Option(
            autocompletion=mask_names,
            help="A sampling pattern: random, poisson, ..., or of a paper's code: equispaced-fastmri, random-jalal, "
            "uniform-scoremri, ...; may be repeated.  [default: random]",
        ),
    ] = None,
    acceleration: Annotated[
        list[float] | None,
        typer.Option(help="Sample one point in so many; may be repeated.  [default: 4]"),
    ] = None,
    centre_fraction: Annotated[float, typer.Option(help="Part of each sampled axis kept around the centre.")] = 0.08,
    convention: Annotated[
        Several, typer.Option(help="fastmri, inversebench or song; may be repeated.  [default: fastmri]")
    ] = None,
    target: Annotated[
        str, typer.Option(help="What scans without a ground truth are compared with: mvue or rss.")
    ] = "mvue",
    annotations: Annotated[
        Path | None,
        typer.Option(help="A fastMRI+ table of boxes, which are scored besides whole images."),
    ] = None,
    slices: Annotated[
        list[int] | None,
        typer.Option("--slice", help="A slice to take of every file (repeat for more); all by default."),
    ] = None,
    contrast: Contrast = None,
    repetition: Repetition = None,
    phase: Phase = None,
    set_number: SetNumber = None,
    group: Group = None,
    settings: SettingsOfMethods = None,
    prior: Annotated[
        Several,
        typer.Option(
            autocompletion=prior_names,
            help="A checkpoint (.safetensors, .pt, .pth), one on the Hugging Face Hub (hf://owner/name), or what "
            "ships; may be repeated, and each method is run with each.  [default: what ships for the method]",
        ),
    ] = None,
    prior_config: PriorConfigName = None,
    samples: Annotated[int, typer.Option(help="Posterior samples for each slice, whose mean is scored.")] = 8,
    seed: Seed = 0,
    axes: AxesText = None,
    maps: MapsFile = None,
    noise: NoiseFile = None,
    coils: Annotated[int | None, typer.Option(help="Coils of scans simulated from images.", show_default="8")] = None,
    noise_std: Annotated[
        float | None,
        typer.Option(
            help="Noise of scans simulated from images; a real image's maximum counts as 1.", show_default="0.005"
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out files that can't be used, with a warning.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for scores.csv and psnr.png.")] = Path("invdiff-evaluation"),
    device: DeviceName = "cpu",
    precision: PrecisionName = "auto",
    threads: Threads = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    shard: ShardText = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score methods on fully sampled files that are undersampled in every way asked for, and on scans along
    trajectories, as they are, whose files bring a truth.

    A run goes on from what scores.csv holds already; jobs of an array may share it.

    Exit status: 0; 2 for what can't be done, in a sentence, and where nothing could be scored; 3 where --skip-bad left
    something out and the rest is there; 130 for an interrupt.
    """
    from invdiff.cli.computing import Computing, read_shard
    from invdiff.cli.folder import folder_of
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.output import SOME_FAILED
    from invdiff.data import Condition, Series
    from invdiff.data.formats import given_of
    from invdiff.evaluation import Comparison, ScoreTable, Simulation, find_subjects
    from invdiff.metrics import find_convention, read_annotations

    keep_heap()
    output, part = Output(as_json, quiet), read_shard(shard)
    left_out: list[str] = []

    def warn(error: InputError) -> None:
        left_out.append(str(error))
        output.warn(f"left out: {error}")

    bad = warn if skip_bad else None
    kinds, factors = mask or ["random"], acceleration or [4.0]
    conditions = [Condition(kind, factor, centre_fraction, seed) for kind in _once(kinds) for factor in _once(factors)]
    conventions = [find_convention(name) for name in _once(convention or ["fastmri"])]
    computing = Computing(device, precision, threads, workers, scheduler)
    contenders = _contenders(
        method or [], baseline or [], settings or [], prior or [], prior_config, samples, computing
    )
    boxes = read_annotations(annotations) if annotations is not None else []
    given, series = given_of(axes, maps, noise=noise), Series(group, contrast, repetition, phase, set_number)
    simulation = Simulation(
        Simulation.coils if coils is None else coils, Simulation.noise_std if noise_std is None else noise_std, seed
    )
    subjects = find_subjects(folder, simulation, series=series, slices=slices, given=given, bad=bad)
    if (coils, noise_std) != (None, None) and all(subject.source == "measured" for subject in subjects):
        raise InputError(
            f"{subjects[0].name} was measured, with coils and noise of its own; --coils and --noise-std are of images "
            "that are scanned in simulation: leave them out."
        )
    if (mask or acceleration) and all(subject.as_measured is not None for subject in subjects):
        raise InputError(
            f"{subjects[0].name} was measured along a trajectory, of which a mask leaves nothing out; leave out --mask "
            "and --acceleration."
        )
    comparison = Comparison(subjects, contenders, conditions, conventions, target, seed, boxes)
    table = ScoreTable(out / "scores.csv")
    if not skip_bad:
        comparison.check(table, shard=part)
    folder_of("evaluate", out)
    output.say(computing.description)
    output.say(_description(comparison, table))
    for subject in subjects:
        for remark in subject.remarks:
            output.warn(f"{subject.name}: {remark}")
    masks = len({unit.condition for unit in comparison.units})
    try:
        with (
            computing.executor() as executor,
            output.progress(f"{len(contenders)} method(s), {masks} mask(s)") as progress,
        ):
            comparison.run(table, keep=out / "units", executor=executor, shard=part, progress=progress, bad=bad)
    except KeyboardInterrupt:
        if table.path.exists():
            tell_kept(f"scores so far are in {table.path}")
        raise
    rows = comparison.found(table)
    if left_out:
        output.warn(f"{len(left_out)} time(s) something was left out; see above.")
        if not rows:
            raise InputError("Nothing could be scored: everything was left out.")
    if rows:
        _show(rows, table.path, out / "psnr.png", output)
    if part.count > 1 and not comparison.is_whole(table):
        output.say("this part is done; other parts are outstanding")
    code = SOME_FAILED if left_out else 0
    output.finish({"command": "evaluate", "exit_status": code, "rows": rows, "left_out": left_out})
    if code:
        raise typer.Exit(code)


def _once(items: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(items))


def _contenders(
    methods: list[str],
    baselines: list[str],
    settings: list[str],
    priors: list[str],
    prior_config: str | None,
    samples: int,
    computing: "Computing",
) -> "list[Contender]":
    from invdiff.evaluation import Diffusion, find_baseline, share_settings
    from invdiff.methods import find_method
    from invdiff.priors import load_prior

    classical = [find_baseline(name) for name in _once(baselines)]
    chosen = [find_method(name) for name in _once(methods or ([] if baselines and not priors else ["estimate"]))]
    given = share_settings(settings, chosen)
    pairs = [(method, name) for method in chosen for name in _once(priors or [method.prior])]
    names = _once(name for _, name in pairs)
    networks = {name: computing.place(load_prior(name, config=prior_config)) for name in names}
    diffusion = [
        Diffusion(method, given[method.name], networks[name], name, samples, computing.workers_device)
        for method, name in pairs
    ]
    return [*classical, *diffusion]


def _description(comparison: "Comparison", table: "ScoreTable") -> str:
    sources = _once(subject.source for subject in comparison.subjects)
    slices = sum(len(subject.slices) for subject in comparison.subjects)
    held = len(comparison.found(table))
    return (
        f"{len(comparison.subjects)} file(s), {slices} slice(s), {'; '.join(sources)}"
        f"{f'; {held} row(s) are in {table.path} already' if held else ''}"
    )


def _show(rows: "list[Row]", table: Path, figure: Path, output: Output) -> None:
    """Draw the figure and print means."""
    from invdiff.evaluation import summary, write_figure

    write_figure(figure, rows)
    output.show(summary(rows))
    output.say(f"wrote {table} and {figure}")
