"""``invdiff convert``: a prior in another file format."""

from pathlib import Path
from typing import Annotated

import typer


def convert(
    prior: Annotated[str, typer.Argument(help="A checkpoint (.safetensors, .pt), or 'builtin'.")],
    out: Annotated[Path, typer.Argument(help="Where to write it; the suffix (.safetensors, .pt) says how.")],
) -> None:
    """Write a prior's checkpoint in the other format."""
    from invdiff.priors import load_prior, save_prior

    save_prior(load_prior(prior), out)
    print(f"wrote {out}")
