"""``invdiff convert``: a prior in another file format."""

from pathlib import Path
from typing import Annotated

import typer

from invdiff.cli.completion import prior_names
from invdiff.cli.options import Force, PriorConfigName
from invdiff.cli.output import tell


def convert(
    prior: Annotated[
        str,
        typer.Argument(
            metavar="PRIOR",
            autocompletion=prior_names,
            help="A checkpoint (.safetensors, .pt, .pth), hf://owner/name, or what ships.",
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Where to write it; the suffix (.safetensors, .pt) says how.")
    ],
    prior_config: PriorConfigName = None,
    force: Force = False,
) -> None:
    """Write a prior's checkpoint in another format; a published one with what it doesn't say itself."""
    from invdiff.files.publish import publish
    from invdiff.priors import load_prior, save_prior

    loaded = load_prior(prior, config=prior_config)
    publish(out, lambda place: save_prior(loaded, place), replace=force)
    tell(f"wrote {out}")
