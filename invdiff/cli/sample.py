"""``invdiff sample``: what a prior believes images look like."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from invdiff.cli.options import PriorConfigName


def sample(
    prior: Annotated[
        str, typer.Option(help="A checkpoint (.safetensors, .pt, .pth), hf://owner/name, or one that ships.")
    ] = "builtin",
    prior_config: PriorConfigName = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Draw by a method of `invdiff methods`, without its guidance and data steps.",
            show_default="the predictor and corrector of --set",
        ),
    ] = None,
    samples: Annotated[int, typer.Option(help="How many.")] = 16,
    size: Annotated[str, typer.Option(metavar="N or HxW", help="Pixels of an image.")] = "128",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all random numbers.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("invdiff-samples"),
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="steps, sde (ve, vp, subvp, cosine), grid (karras, uniform, geometric), predictor, corrector or "
            "signal (real, split, two); with --method, a parameter of the method. May be repeated.",
        ),
    ] = None,
) -> None:
    """Draw unconditional samples of a prior, with any SDE and sampler.

    Writes samples.h5 (samples, in the prior's own intensity) and samples.png (their magnitudes).
    """
    from invdiff.cli.folder import writable_folder
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import parse_settings
    from invdiff.cli.progress import progress_bar
    from invdiff.data.room import check_room
    from invdiff.methods import UNCONDITIONAL, find_method
    from invdiff.pictures.grid import write_grid
    from invdiff.priors import load_prior
    from invdiff.reconstruction import generate

    keep_heap()
    parsed, shape = parse_settings(settings or []), _shape(size)
    check_room(f"{samples:,} image(s) of {shape[0]} x {shape[1]}", 8 * samples * shape[0] * shape[1])
    recipe = UNCONDITIONAL if method is None else find_method(method)
    network = load_prior(prior, config=prior_config)
    sampler = recipe.with_settings(parsed, is_complex=2 in network.channels, channels=network.channels).without_data()
    writable_folder(out)
    finished = out / "finished.npz"
    try:
        with progress_bar(f"{recipe.name}, {samples} sample(s)") as progress:
            result = generate(
                sampler,
                network,
                shape,
                samples=samples,
                seed=seed,
                keep=finished,
                progress=progress,
                attributes={"prior": prior, "method": recipe.name, "settings": str(parsed)},
            )
    except KeyboardInterrupt:
        if finished.exists():
            print(f"invdiff: finished samples are in {finished}; the same command goes on from there.", file=sys.stderr)
        raise
    result.write(out / "samples.h5")
    finished.unlink(missing_ok=True)
    write_grid(out / "samples.png", result.samples)
    print(f"wrote {out / 'samples.h5'} and {out / 'samples.png'}")


def _shape(text: str) -> tuple[int, int]:
    """(H, W) of ``N`` or ``HxW``."""
    from invdiff.errors import InputError

    sides = text.lower().split("x")
    if len(sides) > 2 or not all(re.fullmatch(r"\s*[1-9][0-9]{0,5}\s*", side) for side in sides):
        raise InputError(f"--size is N or HxW in pixels, such as 128 or 96x128, not {text!r}.")
    return int(sides[0]), int(sides[-1])
