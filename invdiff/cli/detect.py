"""``invdiff detect``: would a lesion of that size and contrast be seen in what is made of a measurement?"""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.completion import method_names
from invdiff.cli.options import (
    Acceleration,
    AsJson,
    AxesText,
    CentreFraction,
    DeviceName,
    Force,
    Group,
    MapsName,
    MaskFile,
    NoiseFile,
    NoiseStd,
    OperatorName,
    Phase,
    PrecisionName,
    PriorConfigName,
    PriorName,
    Quiet,
    Repetition,
    Seed,
    SetNumber,
    Settings,
    Threads,
    Undersample,
)
from invdiff.cli.output import Output
from invdiff.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from invdiff.diffusion import Sampler
    from invdiff.evaluation import Finding, Lesion, Shown
    from invdiff.priors import Prior
    from invdiff.reconstruction import Cases, Input
    from invdiff.reconstruction.audit import Correction

Pair = tuple[float, float]

TABLE = "detect.csv"
_LISTED = 12  # lesions on a terminal; all of them are in the file
_LEVEL = 0.9  # of the interval that is told
_NUMBER = r"\d{1,12}(?:\.\d{0,12})?"


def detect(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="INPUT", help="What was measured: a file; without it, the brain scan that ships with invdiff."
        ),
    ] = None,
    size: Annotated[
        str, typer.Option(metavar="SIZE", help="Width of the lesion at half of its height: 3mm, or 4px in pixels.")
    ] = "4px",
    contrast: Annotated[
        float, typer.Option("--contrast", help="Its height, as a share of the image's maximum; below zero it is dark.")
    ] = 0.1,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="Y,X", help="A place, as row and column in pixels; may be repeated."),
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Places all over the image, which is what happens without --at.")
    ] = False,
    method: Annotated[str, typer.Option(autocompletion=method_names, help="See `invdiff methods`.")] = "estimate",
    settings: Settings = None,
    samples: Annotated[
        int, typer.Option(min=0, help="Posterior samples, which tell the spread; 0 beside an estimate for none.")
    ] = 8,
    operator: OperatorName = "sense",
    prior: PriorName = None,
    prior_config: PriorConfigName = None,
    seed: Seed = 0,
    slices: Annotated[
        str | None,
        typer.Option(
            "--slices",
            metavar="FIRST:END",
            help="Slices of the file, such as 10:40, or one.",
            show_default="the middle one",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for detect.csv and detect.png.")] = Path("invdiff-detection"),
    force: Force = False,
    echo: Annotated[
        int | None,
        typer.Option("--echo", min=0, help="Which contrast, such as an echo, of files that hold several."),
    ] = None,
    repetition: Repetition = None,
    phase: Phase = None,
    set_number: SetNumber = None,
    group: Group = None,
    undersample: Undersample = None,
    acceleration: Acceleration = None,
    centre_fraction: CentreFraction = None,
    axes: AxesText = None,
    maps: MapsName = None,
    mask: MaskFile = None,
    noise: NoiseFile = None,
    noise_std: NoiseStd = None,
    audit: Annotated[
        bool,
        typer.Option(
            help="Correct the spread by samples of the scan that are held back, which takes as long as the samples "
            "themselves."
        ),
    ] = True,
    device: DeviceName = "cpu",
    precision: PrecisionName = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Put lesions into a measurement, reconstruct it with and without them, and tell how much of each came back.

    A lesion is a smooth disc with the phase that the image has there. What is told of it: the contrast that came back,
    as a share of the image's maximum and of its own; and how far posterior samples disagree about the amount of it,
    corrected by the scan itself, which the contrast must stand out from.

    Writes detect.csv (a line for each lesion), detect.png (of several slices detect-12.png, ...) and run.json, which
    says how they were made.

    Exit status: 0; 2 for what can't be done, in a sentence; 130 for an interrupt.
    """
    from invdiff.cli.computing import Computing, read_slices
    from invdiff.cli.deciding import deciding_command
    from invdiff.cli.folder import folder_of
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import maps_of, parse_settings, undersampling
    from invdiff.data import Series
    from invdiff.data.formats import given_of
    from invdiff.evaluation import Lesion, Shown, lesions_all_over
    from invdiff.evaluation import detect as look
    from invdiff.evaluation.lesions import check_apart
    from invdiff.files.digest import digest_of
    from invdiff.methods import find_method
    from invdiff.priors import load_prior
    from invdiff.reconstruction import Assumptions, Drawing, find_inputs, find_kind, known_maps, known_noise
    from invdiff.reconstruction.another_result import refuse_another_table
    from invdiff.reconstruction.reconstruct import described

    keep_heap()
    output, kind, chosen = Output(as_json, quiet), find_kind(operator), find_method(method)
    parsed = parse_settings(settings or [])
    if at and grid:
        raise InputError("Lesions are put at places (--at) or all over the image (--grid), not both.")
    if chosen.spread is None and samples < 1:
        raise InputError(f"{method} draws samples, so --samples is one or more.")
    places = [_place(text) for text in at or []]
    condition = undersampling(undersample, acceleration, centre_fraction, seed)
    maps_file, how = maps_of(maps)
    given, series = given_of(axes, maps_file, mask, noise), Series(group, echo, repetition, phase, set_number)
    assumed = Assumptions(noise_std, maps=how)
    inputs = [] if path is None else [path]
    found = find_inputs(inputs, kind, series=series, seed=seed, condition=condition, assumed=assumed, given=given)
    computing = Computing(device, precision, threads)
    cases = _only(found).read().cases()
    wanted = Lesion((0, 0), _pixels(size, cases), contrast)
    chosen_lesions = [replace(wanted, place=place) for place in places]
    if chosen_lesions:
        check_apart(chosen_lesions)
    for lesion in chosen_lesions:
        lesion.disc(cases.shown(cases.sampled).shape)
    middle = cases.full[len(cases.full) // 2]
    cases = cases.of([middle] if slices is None else read_slices(slices, cases.count, cases.name))
    prior = prior or chosen.prior
    network = computing.place(load_prior(prior, config=prior_config))
    kinds: dict[str, Any] = {"is_complex": cases.is_complex, "channels": network.channels}
    sampler = chosen.with_settings(parsed, **kinds)
    spread = find_method(chosen.spread).with_settings({}, **kinds) if chosen.spread and samples else None
    record: dict[str, Any] = {
        "command": deciding_command(context),
        "input": cases.name,
        "method": method,
        "prior": prior,
    }
    record["data"] = digest_of(*(cases.fingerprint(number) for number in cases.full))
    record |= described(cases, Drawing(cases, sampler, network, seed))
    if not force:
        refuse_another_table(out / TABLE, record)
    folder_of("detect", out)
    output.say(computing.description)
    with output.progress("noise") as progress:
        cases = known_noise(known_maps(cases, network), network, progress=progress)
    output.describe(cases)
    correction = _correction(cases, sampler, spread, network, samples, seed, output) if audit and samples > 1 else None
    looks: dict[int, Shown] = {}
    for number in cases.full:
        problem = cases.problem(number)
        lesions = chosen_lesions or lesions_all_over(
            _shown(problem.least_squares(), cases, number), wanted.size, contrast
        )
        with output.progress(f"slice {number}, {len(lesions)} lesion(s)") as progress:
            seen = look(
                problem,
                sampler,
                network,
                [_moved(lesion, cases, 1) for lesion in lesions],
                samples=samples or 1,
                spread=spread,
                correction=correction,
                seed=seed,
                case=number,
                progress=progress,
            )
        looks[number] = Shown(
            [replace(finding, lesion=_moved(finding.lesion, cases, -1)) for finding in seen.findings],
            *(
                _shown(image, cases, number).abs().numpy()
                for image in (seen.image + seen.difference, seen.inserted, seen.difference)
            ),
        )
    _finish(looks, record, out, output)


def _correction(
    cases: "Cases",
    sampler: "Sampler",
    spread: "Sampler | None",
    prior: "Prior",
    samples: int,
    seed: int,
    output: Output,
) -> "Correction | None":
    """Of the samples' spread, by what is held back of the slices; None where there is too little to hold back."""
    from invdiff.reconstruction import Drawing, MemoryStore, Stage, draw
    from invdiff.reconstruction.audit import FRACTION, HeldCases, Judge

    try:
        held = HeldCases.of(cases, FRACTION, seed)
    except InputError as error:
        output.say(f"the spread is as drawn, without an audit: {error}")
        return None
    posterior = Stage(Drawing(held, spread or sampler, prior, seed), samples)
    judge = Judge(held, posterior, None if spread is None else Stage(Drawing(held, sampler, prior, seed), 1))
    store = MemoryStore()
    for stage in judge.stages:
        with output.progress("audit") as progress:
            draw(stage.drawing, store, stage.samples, progress=progress)
    found = judge(store)
    if found is None:
        return None
    for sentence in found.verdict:
        output.say(f"audit: {sentence}")
    return found.correction


def _only(found: "list[Input]") -> "Input":
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:4])
        raise InputError(
            f"There are {len(found)} measurements ({names}{', ...' * (len(found) > 4)}), and lesions are put into one; "
            "give one file and, where it holds several, --echo, --repetition, --phase, --set-number or --group."
        )
    return found[0]


def _place(text: str) -> Pair:
    """(row, column) of ``Y,X``."""
    found = re.fullmatch(rf"\s*(-?{_NUMBER})\s*,\s*(-?{_NUMBER})\s*", text)
    if found is None:
        raise InputError(f"--at is a row and a column in pixels, such as 64,80, not {text!r}.")
    return float(found[1]), float(found[2])


def _pixels(text: str, cases: "Cases") -> Pair:
    """Pixels along rows and columns of ``3mm``, ``4px`` or ``4``."""
    found = re.fullmatch(rf"\s*({_NUMBER})\s*(mm|px|)\s*", text)
    if found is None:
        raise InputError(f"--size is a width in mm or in pixels, such as 3mm or 4px, not {text!r}.")
    width, unit = float(found[1]), found[2]
    if unit != "mm":
        return width, width
    if cases.geometry is None:
        raise InputError(
            f"{cases.name} does not tell how large its pixels are, so a size in mm means nothing; give it in pixels, "
            "such as --size 4px."
        )
    height_mm, width_mm = cases.geometry.voxel_size
    return width / height_mm, width / width_mm


def _shown(image: "Tensor", cases: "Cases", number: int) -> "Tensor":
    """The part of an image that is wanted, of several map sets as one, on the CPU."""
    import torch

    return torch.from_numpy(cases.shown(cases.one_image(image.cpu().numpy(), number)).copy())


def _moved(lesion: "Lesion", cases: "Cases", sign: int) -> "Lesion":
    """From the part that is wanted to all that was measured, or back."""
    if cases.geometry is None:
        return lesion
    rows, columns = cases.geometry.crop
    row, column = lesion.place
    return replace(lesion, place=(row + sign * rows.start, column + sign * columns.start))


def _finish(looks: "Mapping[int, Shown]", record: "Mapping[str, Any]", out: Path, output: Output) -> None:
    """Write the table, how it was made and a picture of each slice, and say what became of the lesions."""
    import statistics

    from invdiff.evaluation import write_detection
    from invdiff.files.csv_table import write_csv
    from invdiff.reconstruction.run_record import write_record

    rows = [_row(number, finding) for number, shown in looks.items() for finding in shown.findings]
    write_record(out, record)  # first: a table beside which nothing says how it was made is refused the next time
    write_csv(out / TABLE, list(rows[0]), rows)
    pictures = [out / ("detect.png" if len(looks) == 1 else f"detect-{number}.png") for number in looks]
    for picture, shown in zip(pictures, looks.values(), strict=True):
        write_detection(picture, shown)
    output.show(_table(rows))
    shares = sorted(row["share"] for row in rows)
    output.say(
        f"of {len(shares)} lesion(s) {statistics.median(shares):.0%} of the contrast came back in the median, "
        f"{shares[0]:.0%} at least and {shares[-1]:.0%} at most"
    )
    output.say(f"wrote {', '.join(map(str, [out / TABLE, *pictures[:-1]]))} and {pictures[-1]}")
    output.finish({"command": "detect", "exit_status": 0, "lesions": rows})


def _row(number: int, finding: "Finding") -> dict[str, Any]:
    lesion = finding.lesion
    (row, column), (height, width) = lesion.place, lesion.size
    numbers = {"row": row, "column": column, "height": height, "width": width, "contrast": lesion.contrast}
    numbers |= {"recovered": finding.recovered, "share": finding.share}
    told: dict[str, float | None] = {"spread": None, "low": None, "high": None}
    if not math.isnan(finding.spread):
        low, high = finding.amount().interval(_LEVEL)
        told = {"spread": finding.spread, "low": float(low), "high": float(high)}
    return {"slice": number, **{name: float(f"{value:.6g}") for name, value in numbers.items()}, **told}


def _table(rows: "Sequence[Mapping[str, Any]]") -> Any:
    """A `rich.table.Table` of the lesions, from the least recovered on."""
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False, caption_justify="left")
    sampled = any(row["spread"] is not None for row in rows)
    of_samples = ("spread", f"{_LEVEL:.0%}") if sampled else ()
    for heading in ("slice", "row", "column", "contrast", "recovered", "share", *of_samples):
        table.add_column(heading, justify="right")
    for row in sorted(rows, key=lambda row: float(row["share"]))[:_LISTED]:
        numbers = f"{row['row']:.1f}", f"{row['column']:.1f}", f"{row['contrast']:.3g}", f"{row['recovered']:.3f}"
        told = () if row["spread"] is None else (f"{row['spread']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}")
        table.add_row(str(row["slice"]), *numbers, f"{row['share']:.0%}", *told)
    if len(rows) > _LISTED:
        table.caption = f"the {_LISTED} of which least came back"
    return table
