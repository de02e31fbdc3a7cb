"""What several commands ask for, read the same way."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from invdiff.errors import InputError

PriorName = Annotated[
    str | None,
    typer.Option(
        help="A checkpoint (.safetensors, .pt, .pth), one on the Hugging Face Hub (hf://owner/name), or what ships.",
        show_default="what ships for the method",
    ),
]
PriorConfigName = Annotated[
    str | None,
    typer.Option(
        "--prior-config",
        metavar="NAME_OR_YAML",
        help="For a published --prior that doesn't say what network it holds: song2021, chung2022, jalal2021, "
        "ve/ffhq_256_ncsnpp_continuous, ..., or its fields in a YAML file.",
    ),
]
Undersample = Annotated[
    str | None,
    typer.Option(metavar="KIND", help="Leave out k-space samples of INPUT first: a mask of `invdiff simulate`."),
]
Acceleration = Annotated[float, typer.Option(help="For --undersample.")]
CentreFraction = Annotated[float, typer.Option(help="For --undersample: the part of the lines always kept.")]
NoiseStd = Annotated[
    float | None,
    typer.Option(help="Noise in each real number of the data, in their units; else from the file, or estimated."),
]
PrecisionName = Annotated[
    str,
    typer.Option(
        metavar="auto|bf16|f32", help="In what the network computes: bfloat16 where the device has it, or single."
    ),
]

OPERATORS = ("sense", "fourier", "inpainting", "denoise")


def check_operator(name: str) -> None:
    """Refuse an operator that there is not."""
    if name not in OPERATORS:
        raise InputError(f"There is no operator {name!r}; there are {', '.join(OPERATORS)}.")


def parse_settings(pairs: Sequence[str]) -> dict[str, str]:
    """The values of ``--set KEY=VALUE``."""
    for pair in pairs:
        if "=" not in pair:
            raise InputError(f"--set takes KEY=VALUE, such as --set steps=50, not {pair!r}.")
    return {key.strip(): value.strip() for key, value in (pair.split("=", 1) for pair in pairs)}


def undersampling(
    kind: str | None, acceleration: float, centre_fraction: float, seed: int, *, given: bool, operator: str
) -> Callable[[tuple[int, int]], Any] | None:
    """What makes the mask of ``--undersample KIND`` for an image shape (H, W); ``None`` where it is not asked for.

    Args:
        kind: of mask.
        acceleration: of the mask.
        centre_fraction: of the mask.
        seed: of the mask.
        given: whether there is an INPUT.
        operator: which the mask must suit.
    """
    if kind is None:
        return None
    from invdiff.data import MASKS

    if not given or operator not in ("sense", "fourier"):
        raise InputError("--undersample is for k-space given as INPUT; the package's own scan comes undersampled.")
    if kind not in MASKS:
        raise InputError(f"There is no mask {kind!r}; there are {', '.join(MASKS)}.")
    return lambda shape: MASKS[kind](shape, acceleration, centre_fraction, seed)
