"""What several commands ask for, read the same way."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.completion import (
    guidance_names,
    mask_names,
    operator_names,
    prior_names,
    setting_names,
    signal_names,
    view_names,
)
from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.bridges.instruments import Instrument
    from invdiff.cli.output import Output
    from invdiff.data import Condition
    from invdiff.data.formats import Given
    from invdiff.reconstruction.cases.scans import Maps

PriorName = Annotated[
    str | None,
    typer.Option(
        autocompletion=prior_names,
        help="A checkpoint (.safetensors, .pt, .pth), one on the Hugging Face Hub (hf://owner/name), or what ships.",
        show_default="what ships for the method",
    ),
]
PriorConfigName = Annotated[
    str | None,
    typer.Option(
        "--prior-config",
        metavar="NAME_OR_YAML",
        help="Network of a published --prior that doesn't say it itself: song2021, chung2022, jalal2021, "
        "ve/ffhq_256_ncsnpp_continuous, ..., or its fields in a YAML file.",
    ),
]
Undersample = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        autocompletion=mask_names,
        help="Leave out k-space samples of INPUT first: a mask of `invdiff simulate`.",
    ),
]
Acceleration = Annotated[
    float | None, typer.Option(help="Of how many samples --undersample keeps one.", show_default="4")
]
CentreFraction = Annotated[
    float | None, typer.Option(help="Part of the lines that --undersample always keeps.", show_default="0.08")
]
NoiseStd = Annotated[
    float | None,
    typer.Option(help="Noise in each real number of the data, in their units; else from the file, or estimated."),
]
AxesText = Annotated[
    str | None,
    typer.Option(
        "--axes",
        metavar="NAMES",
        help="Axes of k-space in its file, such as coil,y,x or slice,y,x,coil; part is of real and imaginary numbers.",
        show_default="as the file's layout has them, or as the numbers tell",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of all random numbers.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        autocompletion=setting_names,
        help="A parameter of the method, or what stands at a place in its sampler: steps=50, guidance.gamma=2, "
        "'predictor=ddim(eta=0.5)'. May be repeated.",
    ),
]
SettingsOfMethods = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="[METHOD.]KEY=VALUE",
        help="A parameter of one method, or of all that have it. May be repeated.",
    ),
]
GuidanceName = Annotated[
    str | None,
    typer.Option("--guidance", metavar="PART", autocompletion=guidance_names, help="The same as --set guidance=PART."),
]
ViewName = Annotated[
    str | None, typer.Option("--view", metavar="PART", autocompletion=view_names, help="The same as --set view=PART.")
]
SignalName = Annotated[
    str | None,
    typer.Option("--signal", metavar="PART", autocompletion=signal_names, help="The same as --set signal=PART."),
]
MapsName = Annotated[
    str | None,
    typer.Option(
        "--maps",
        metavar="FILE|joint|estimated",
        help="Coil maps: a file of them, of one slice or all, in any format of arrays; 'joint': refined with the image "
        "where that explains held-back samples better; 'estimated'.",
        show_default="joint where estimated ones leave calibration data unexplained",
    ),
]
MapsFile = Annotated[
    Path | None, typer.Option("--maps", metavar="FILE", help="Coil maps, of one slice or all, in any format of arrays.")
]
MaskFile = Annotated[
    Path | None,
    typer.Option("--mask", metavar="FILE", help="What was sampled, (W) or (H, W); the rest is left out."),
]
NoiseFile = Annotated[
    Path | None, typer.Option("--noise", metavar="FILE", help="A noise scan: an array with an axis of coils.")
]
PrecisionName = Annotated[
    str,
    typer.Option(
        metavar="auto|bf16|f32", help="What the network computes in: bfloat16 where the device has it, or single."
    ),
]

Contrast = Annotated[
    int | None,
    typer.Option(min=0, help="Which contrast, such as an echo, of files that hold several.", show_default="each"),
]
Repetition = Annotated[
    int | None, typer.Option(min=0, help="Which repetition, of files that hold several.", show_default="each")
]
Phase = Annotated[
    int | None, typer.Option(min=0, help="Which cardiac phase, of files that hold several.", show_default="each")
]
SetNumber = Annotated[
    int | None,
    typer.Option(min=0, help="Which set, such as a flow encoding, of files that hold several.", show_default="each"),
]
Group = Annotated[
    str | None, typer.Option(metavar="NAME", help="Which group, of HDF5 files that hold several.", show_default="each")
]

OperatorName = Annotated[
    str,
    typer.Option(
        "--operator",
        autocompletion=operator_names,
        help="sense, fourier, non-cartesian, inpainting, denoise, ct, blur, super-resolution, single-pixel; see "
        "`invdiff operators`.",
    ),
]
Views = Annotated[
    int | None, typer.Option("--views", help="Directions over half a turn, of --operator ct.", show_default="60")
]
BlurStd = Annotated[
    float | None,
    typer.Option("--blur-std", help="Width of the Gaussian in pixels, of --operator blur.", show_default="2"),
]
Factor = Annotated[
    int | None,
    typer.Option("--factor", help="By what sides are shorter, of --operator super-resolution.", show_default="2"),
]
Patterns = Annotated[
    int | None,
    typer.Option(
        "--patterns",
        help="How many of Hadamard's patterns, of --operator single-pixel.",
        show_default="a quarter of the pixels",
    ),
]
DeviceName = Annotated[str, typer.Option("--device", help="Where to compute: cpu, cuda, cuda:1, mps.")]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=4096,
        help="Threads in all, which workers divide among them. On a fully loaded machine one is faster than two that "
        "fight.",
        show_default="as many as there are cores",
    ),
]
Workers = Annotated[int, typer.Option("--workers", min=1, max=4096, help="Processes on this machine.")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS", help="Address of a Dask cluster to compute on, such as tcp://host:8786."
    ),
]
ShardText = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="Do part I of N alone, as a job of an array does; all parts into one folder."
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        help="Memory of all workers together, such as 4GiB: fewer samples side by side, the same result; and no "
        "--baseline beside it. What can't be kept is refused with what it takes.",
    ),
]
Template = Annotated[
    Path | None,
    typer.Option(
        "--template",
        metavar="FOLDER",
        help="A series of DICOM of the same measurement, whose patient, study and frame of reference are the "
        "result's; refused where it shows other slices.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that hold another result.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output, everything else on standard error.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but warnings and errors.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Say what would run, its network calls, time and memory; write nothing."),
]


def parse_settings(pairs: Sequence[str]) -> dict[str, str]:
    """The values of ``--set KEY=VALUE``."""
    for pair in pairs:
        if "=" not in pair:
            raise InputError(f"--set takes KEY=VALUE, such as --set steps=50, not {pair!r}.")
    return {key.strip(): value.strip() for key, value in (pair.split("=", 1) for pair in pairs)}


def undersampling(
    kind: str | None, acceleration: float | None, centre_fraction: float | None, seed: int
) -> "Condition | None":
    """The mask of ``--undersample KIND``; ``None`` where it is not asked for.

    Raises:
        InputError: there is no such mask, or its numbers are given and it is not.
    """
    if kind is None:
        if (acceleration, centre_fraction) != (None, None):
            raise InputError(
                "--acceleration and --centre-fraction are of --undersample, which is missing; name a mask, such as "
                "--undersample random, or leave them out."
            )
        return None
    return condition_of(kind, acceleration, centre_fraction, seed)


def condition_of(kind: str, acceleration: float | None, centre_fraction: float | None, seed: int) -> "Condition":
    """A mask by what options say of it, and otherwise as usual.

    Raises:
        InputError: there is no such mask.
    """
    from invdiff.data import Condition

    said = {"acceleration": acceleration, "centre_fraction": centre_fraction}
    return Condition(kind, seed=seed, **{name: value for name, value in said.items() if value is not None})


def instrument_of(
    operator: str, views: int | None, blur_std: float | None, factor: int | None, patterns: int | None
) -> "Instrument | None":
    """The instrument that options describe; ``None``: the usual one of the operator.

    Raises:
        InputError: an option is another operator's, or its value none.
    """
    from invdiff.bridges.instruments import Blur, Enlarger, SinglePixelCamera, Tomograph

    given: dict[str, tuple[str, Any, Callable[[Any], Instrument]]] = {
        "ct": ("--views", views, Tomograph),
        "blur": ("--blur-std", blur_std, Blur),
        "super-resolution": ("--factor", factor, Enlarger),
        "single-pixel": ("--patterns", patterns, SinglePixelCamera),
    }
    for name, (option, value, _) in given.items():
        if value is not None and name != operator:
            raise InputError(f"{option} is for --operator {name}, not {operator}.")
    _, value, make = given.get(operator, ("", None, Tomograph))
    return None if value is None else make(value)


def tell_companions(output: "Output", given: "Given", count: int) -> None:
    """Say that files given beside several inputs go with each of them."""
    for holds, path in given.files.items():
        output.say(f"--{holds} {path} goes with all {count} files")


def maps_of(option: str | None) -> "tuple[Path | None, Maps | None]":
    """The file of coil maps that ``--maps`` names, or how they are found; a file of the name ``joint`` is
    ``./joint``."""
    match option:
        case "joint" | "estimated":
            return None, option
    return None if option is None else Path(option), None
