"""``invdiff solve``: reconstruct files, or the scan that ships with the package."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from invdiff.cli.completion import baseline_names, format_names, method_names
from invdiff.cli.job import Job
from invdiff.cli.options import (
    Acceleration,
    AsJson,
    AxesText,
    BlurStd,
    CentreFraction,
    Contrast,
    DeviceName,
    DryRun,
    Factor,
    Force,
    Group,
    GuidanceName,
    MapsName,
    MaskFile,
    MemoryLimit,
    NoiseFile,
    NoiseStd,
    OperatorName,
    Patterns,
    Phase,
    PrecisionName,
    PriorConfigName,
    PriorName,
    Quiet,
    Repetition,
    Scheduler,
    Seed,
    SetNumber,
    Settings,
    ShardText,
    SignalName,
    Template,
    Threads,
    Undersample,
    ViewName,
    Views,
    Workers,
)
from invdiff.cli.output import Output
from invdiff.cli.run_file import from_file
from invdiff.errors import InputError
from invdiff.named import named

if TYPE_CHECKING:
    from invdiff.diffusion import LateStart
    from invdiff.methods import Method
    from invdiff.reconstruction import Recipe

QUALITY = {"draft": 15, "standard": 30, "high": 60, "best": 100}
"""Network calls of an estimate, by name."""

AUTO = "auto"
SHORT_LIST = ("estimate", "calibrated", "fast", "dds")
"""Methods among which `--method auto` chooses: of at most 60 network calls, without derivatives."""


def solve(
    context: typer.Context,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT",
            help="What was measured: a file, several, or folders; - for standard input; without, the brain scan that "
            "ships with invdiff.",
        ),
    ] = None,
    operator: OperatorName = "sense",
    prior: PriorName = None,
    prior_config: PriorConfigName = None,
    method: Annotated[
        str | None,
        typer.Option(
            autocompletion=method_names,
            help=f"See `invdiff methods`; {AUTO}: of {', '.join(SHORT_LIST)}, the one that best predicts samples of "
            "the scan that are held back, of at most two slices.",
            show_default="estimate",
        ),
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
        typer.Option(
            metavar="YAML",
            callback=from_file,
            is_eager=True,
            help="The run as a file, as `invdiff tune-lambda` and --print-config write it; options win.",
        ),
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the run as a file that --config takes, and do nothing.")
    ] = False,
    samples: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Posterior samples for each slice; 0 for the estimate alone.",
            show_default="4 beside an estimate, 8 of other methods",
        ),
    ] = None,
    seed: Seed = 0,
    slices: Annotated[
        str | None, typer.Option("--slices", metavar="FIRST:END", help="Slices of each file, such as 10:40, or one.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the results, in which each of several measurements has one of its own; - "
            "for images as a stream of MRD 2 on standard output."
        ),
    ] = Path("invdiff-result"),
    save: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WAY",
            autocompletion=format_names,
            help="Write the result for another program, too: nifti, dicom, ... beside it, or a path as out.nii.gz; see "
            "`invdiff export`. May be repeated.",
        ),
    ] = None,
    template: Template = None,
    report: Annotated[
        bool,
        typer.Option("--report", help="Write report.html beside each result, and index.html of several; see `report`."),
    ] = False,
    force: Force = False,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            autocompletion=baseline_names,
            help="A classical method to score beside the result, where the truth is known: zero-filled, cg-sense, "
            "l1-wavelet or tv, at its best weight; may be repeated.",
        ),
    ] = None,
    settings: Settings = None,
    guidance: GuidanceName = None,
    view: ViewName = None,
    signal: SignalName = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="Start late, from 'zero-filled', 'least-squares', or the mean of another run's reconstruction.h5.",
        ),
    ] = None,
    start_sigma: Annotated[
        float | None,
        typer.Option(help="Noise level that --start begins at, in the prior's units."),
    ] = None,
    start_time: Annotated[
        float | None,
        typer.Option(help="The SDE's time that --start begins at, in [0, 1], instead."),
    ] = None,
    contrast: Contrast = None,
    repetition: Repetition = None,
    phase: Phase = None,
    set_number: SetNumber = None,
    group: Group = None,
    keep_oversampling: Annotated[
        bool, typer.Option("--keep-oversampling", help="Write all that was measured, and not the field of view alone.")
    ] = False,
    undersample: Undersample = None,
    acceleration: Acceleration = None,
    centre_fraction: CentreFraction = None,
    axes: AxesText = None,
    maps: MapsName = None,
    mask: MaskFile = None,
    noise: NoiseFile = None,
    noise_std: NoiseStd = None,
    noise_times: Annotated[
        float,
        typer.Option(min=0, help="By what the noise is multiplied that the data are taken to have, as a search found."),
    ] = 1.0,
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
            min=0, max=1, help="Eigenvalues of ESPIRiT below it count as background.", show_default="as the data ask"
        ),
    ] = None,
    views: Views = None,
    blur_std: BlurStd = None,
    factor: Factor = None,
    patterns: Patterns = None,
    audit: Annotated[
        bool,
        typer.Option(
            help="Judge and correct the spread of posterior samples by samples of the scan that are held back, which "
            "takes as long as the samples themselves."
        ),
    ] = True,
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
    """Reconstruct images from undersampled k-space, with missing pixels, noisy, or measured otherwise (projections,
    blur, few pixels): the best image first, then posterior samples that show how far it can be trusted.

    Writes reconstruction.h5 (image, estimate, mean, std, magnitude_std, lower and upper, samples, zero_filled,
    ground_truth where known, and the course of the runs), panel.png and, of several slices, slices.png; what --save and
    --report ask for; baselines.csv where --baseline asks; and of several files summary.csv. The same command goes on
    where it was stopped. With --out - images alone are written, as a stream of MRD 2 on standard output.

    Exit status: 0; 2 for what can't be done, in a sentence; 3 where a file or a slice is missing and the rest is there;
    130 for an interrupt.
    """
    begun = time.perf_counter()  # before all that takes time
    from invdiff.cli.computing import Computing, read_shard
    from invdiff.cli.deciding import deciding_command
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import instrument_of, maps_of, parse_settings, tell_companions, undersampling
    from invdiff.cli.pipes import PIPE, results_folder, spooled, write_images
    from invdiff.cli.run_file import is_given, settings_of, written_run
    from invdiff.data import Series
    from invdiff.data.formats import given_of
    from invdiff.evaluation import find_baseline
    from invdiff.methods import find_method
    from invdiff.priors import load_prior
    from invdiff.reconstruction import Assumptions, Choice, Study, find_inputs, find_kind
    from invdiff.reconstruction.audit import FRACTION
    from invdiff.reconstruction.writers import ways_out

    keep_heap()
    output = Output(as_json, quiet, piped=out == PIPE)
    if output.json and output.piped:
        raise InputError("Standard output takes images (--out -) or a document (--json), not both.")
    if (save or report) and output.piped:
        raise InputError(
            "A run of pipes (--out -) keeps nothing; leave --save and --report out, or give --out a folder."
        )
    baselines = [find_baseline(name) for name in dict.fromkeys(baseline or [])]
    if baselines and (memory_limit is not None or output.piped):
        raise InputError(
            "--baseline takes several times the memory of a sample, and a folder for its scores; give it "
            "without --memory-limit and --out -."
        )
    ways = ways_out(save or [], template, replaces=force)
    condition = undersampling(undersample, acceleration, centre_fraction, seed)
    kind, instrument = find_kind(operator), instrument_of(operator, views, blur_std, factor, patterns)
    parsed = parse_settings(settings_of(context, settings))
    if is_given(context, "noise_std") and not is_given(context, "noise_times"):
        noise_times = 1.0  # what a search found is of the noise that it assumed
    if not 0 < noise_times < math.inf:
        raise InputError(f"--noise-times is a positive number, not {noise_times}.")
    if print_config:
        said = {"method": method or "estimate", "settings": parsed, "noise_times": noise_times}
        typer.echo(written_run(context, said), nl=False)
        return
    parts = {"guidance": guidance, "view": view, "signal": signal}
    parsed |= {name: part for name, part in parts.items() if part is not None}
    names = SHORT_LIST if method == AUTO else (method or "estimate",)
    late = _late_start(start, start_sigma, start_time)
    if method == AUTO and (parsed or quality is not None or late is not None):
        raise InputError(
            f"--set, --quality and --start are for one method, and --method {AUTO} tries several as they are."
        )
    if method == AUTO and samples == 0:
        raise InputError(f"--method {AUTO} tries methods that draw samples; give --samples 1 or more.")
    chosen = [find_method(name) for name in names]
    computing = Computing(device, precision, threads, workers, scheduler, memory_limit)
    prior = prior or chosen[0].prior
    network = computing.place(load_prior(prior, config=prior_config))
    studies: dict[str, Study] = {}
    for one in chosen:
        image, posterior = _recipes(one, _with_quality(parsed, one, quality), samples, late)
        studies[one.name] = Study(
            network,
            image,
            posterior,
            seed,
            device=computing.workers_device,
            shard=read_shard(shard),
            attributes={"prior": prior, "command": deciding_command(context)},
            memory_limit=computing.limit,
            held_back=FRACTION if audit else 0.0,
            replaces=force,
        )
    study = Choice(studies) if method == AUTO else studies[chosen[0].name]
    maps_file, how = maps_of(maps)
    given, series = given_of(axes, maps_file, mask, noise), Series(group, contrast, repetition, phase, set_number)
    assumed = Assumptions(noise_std, map_sets, crop, how, noise_times, instrument=instrument, seed=seed)
    initial = start if start not in (None, "zero-filled", "least-squares") else None
    with spooled(inputs or []) as paths, results_folder(out) as folder, computing.executor() as executor:
        found = find_inputs(paths, kind, series=series, seed=seed, condition=condition, assumed=assumed, given=given)
        if len(found) > 1:
            tell_companions(output, given, len(found))
        is_single = len(found) == 1 and not any(path.is_dir() for path in paths)
        one_place = next((way.path for way in ways if way.path is not None), None)
        if one_place is not None and not is_single:
            raise InputError(
                f"--save {one_place} is one place for {len(found)} measurement(s); give its format alone, as --save "
                "nifti, which is written beside each result."
            )
        job = Job(
            study=study,
            inputs=found,
            out=folder,
            output=output,
            where=computing.description,
            slices=slices,
            initial=initial,
            keep_oversampling=keep_oversampling,
            is_single=is_single,
            begun=begun,
            baselines=baselines,
            ways=ways,
            reports=report,
        )
        if dry_run:
            job.forecast(executor)
            return
        code = job.run(executor)
        if output.piped:
            made = zip(job.rows, job.inputs, strict=True)
            write_images([(Path(row["result"]), one.series) for row, one in made if row["result"]], paths)
    if code:
        raise typer.Exit(code)


def _with_quality(settings: dict[str, str], method: "Method", quality: str | None) -> dict[str, str]:
    if quality is None:
        return settings
    steps = named(QUALITY, quality, "quality")
    if method.spread is None or "steps" in settings:
        raise InputError(
            "--quality is the number of steps of an estimate; give it without --set steps, and no other method."
        )
    return {**settings, "steps": str(steps)}


def _recipes(
    method: "Method", settings: dict[str, str], samples: int | None, start: "LateStart | None"
) -> "tuple[Recipe | None, Recipe | None]":
    """What makes the image, and what draws samples."""
    from invdiff.methods import find_method
    from invdiff.reconstruction import Recipe

    if method.spread is None:
        return None, Recipe(method, settings, 8 if samples is None else samples, start)
    count = 4 if samples is None else samples
    spread = Recipe(find_method(method.spread), samples=count) if count else None
    return Recipe(method, settings, start=start), spread


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
