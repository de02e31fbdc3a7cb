"""``invdiff train``: a prior of one's own images."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from invdiff.cli.completion import config_names, prior_names
from invdiff.cli.output import tell
from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.training import Rehearsal

CONFIG_HELP = "A YAML file, or the name of a configuration that comes with the package (--list-configs)."


def train(
    config: Annotated[
        str | None, typer.Argument(metavar="CONFIG", autocompletion=config_names, help=CONFIG_HELP)
    ] = None,
    named: Annotated[
        str | None,
        typer.Option("--config", metavar="NAME_OR_YAML", autocompletion=config_names, help="CONFIG as an option."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the prior, checkpoints, logs and pictures.")] = Path(
        "invdiff-training"
    ),
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="PRIOR",
            autocompletion=prior_names,
            help="Prior to begin with, 'builtin' or a checkpoint's path: its network and noise levels are kept, and "
            "CONFIG is fine-tune where none is given.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A field, such as steps=1000 or optimiser.lr=1e-3. May be repeated."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse bad volumes and slices; else they are left out with a warning.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say what would be trained: images, parameters, steps, time; draw augmented images; train nothing.",
        ),
    ] = False,
    list_configs: Annotated[
        bool, typer.Option("--list-configs", help="List the configurations that come with the package.")
    ] = False,
) -> None:
    """Train a prior by denoising score matching; go on where a run was stopped.

    Writes prior.safetensors, for --prior of the other commands, best.safetensors (the lowest validation loss), and
    config.yaml, checkpoint.pt, losses.csv, validation.csv, tensorboard/ and pictures/.
    """
    import os
    import warnings

    from invdiff.cli.folder import folder_of
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import parse_settings
    from invdiff.pictures.progress_bar import progress_bar
    from invdiff.training import SHIPPED_CONFIGS, describe_config, prepare, read_config, rehearse
    from invdiff.training import train as run

    if list_configs:
        for name in SHIPPED_CONFIGS:
            tell(f"{name}: {describe_config(name)}")
        return
    given = [source for source in (config, named) if source is not None] or (["fine-tune"] if start else [])
    if len(given) != 1:
        raise InputError(
            f"{len(given)} configurations are given; give one, by name or as a YAML file: {', '.join(SHIPPED_CONFIGS)}."
        )
    keep_heap()
    parsed = read_config(given[0], parse_settings(settings or []), start=start)
    folder_of("train", out)
    first = int(os.environ.get("RANK", "0")) == 0  # of the processes that torchrun or accelerate started

    def say(line: str) -> None:
        if first:
            tell(line)

    with progress_bar(f"{parsed.steps} steps") as progress, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: tell(f"warning: {message}", aside=True)
        if dry_run:
            task, network = prepare(parsed, strict=strict, say=say)
            for line in _lines(rehearse(task, network, parsed, out)):
                say(line)
            return
        try:
            run(parsed, out, strict=strict, progress=progress, say=say)
        except KeyboardInterrupt:
            tell(f"invdiff: stopped; the same command goes on from {out / 'checkpoint.pt'}.", aside=True)
            raise
    say(f"wrote {out / 'best.safetensors'}: where the validation loss was the lowest")
    say(f"wrote {out / 'prior.safetensors'}")


def _lines(rehearsal: "Rehearsal") -> list[str]:
    """What a rehearsal tells a person."""
    time = timedelta(seconds=round(rehearsal.steps * rehearsal.step_seconds))
    return [
        f"{rehearsal.parameters:,} parameters, {rehearsal.steps:,} steps of about {rehearsal.step_seconds:.2g} s: "
        f"{time}, beside validation and pictures",
        f"(the network {rehearsal.network_seconds:.2g} s; images {rehearsal.images_seconds:.2g} s, by "
        f"{rehearsal.workers} worker(s) beside it)",
        *(f"wrote {path}: images as training would see them" for path in rehearsal.pictures),
        "Nothing was trained.",
    ]
