"""``invdiff train``: a prior of one's own images."""

from pathlib import Path
from typing import Annotated

import typer

from invdiff.cli.output import tell


def train(
    config: Annotated[Path, typer.Argument(help="A YAML file; examples/configs has some.")],
    out: Annotated[Path, typer.Option(help="Folder for the prior, checkpoints, logs and pictures.")] = Path(
        "invdiff-training"
    ),
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A field, such as steps=1000 or optimiser.lr=1e-3. May be repeated."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse bad volumes and slices; else they are left out with a warning.")
    ] = False,
) -> None:
    """Train a prior by denoising score matching; go on where a run was stopped.

    Writes prior.safetensors, for --prior of the other commands, and config.yaml, checkpoint.pt, losses.csv,
    validation.csv, tensorboard/ and pictures/.
    """
    import os
    import warnings

    from invdiff.cli.folder import folder_of
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import parse_settings
    from invdiff.pictures.progress_bar import progress_bar
    from invdiff.training import read_config
    from invdiff.training import train as run

    keep_heap()
    parsed = read_config(config, parse_settings(settings or []))
    folder_of("train", out)
    first = int(os.environ.get("RANK", "0")) == 0  # of the processes that torchrun or accelerate started

    def say(line: str) -> None:
        if first:
            tell(line)

    with progress_bar(f"{parsed.steps} steps") as progress, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: tell(f"warning: {message}", aside=True)
        try:
            run(parsed, out, strict=strict, progress=progress, say=say)
        except KeyboardInterrupt:
            tell(f"invdiff: stopped; the same command goes on from {out / 'checkpoint.pt'}.", aside=True)
            raise
    say(f"wrote {out / 'prior.safetensors'}")
