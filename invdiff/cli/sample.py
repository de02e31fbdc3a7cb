"""``invdiff sample``: what a prior believes images look like."""

import re
from pathlib import Path
from typing import Annotated

import typer

from invdiff.cli.completion import method_names, prior_names
from invdiff.cli.options import (
    AsJson,
    DeviceName,
    Force,
    MemoryLimit,
    PrecisionName,
    PriorConfigName,
    Quiet,
    Scheduler,
    Seed,
    Threads,
    Workers,
)
from invdiff.errors import InputError


def sample(
    prior: Annotated[
        str,
        typer.Option(
            autocompletion=prior_names,
            help="A checkpoint (.safetensors, .pt, .pth), hf://owner/name, or one that ships.",
        ),
    ] = "builtin",
    prior_config: PriorConfigName = None,
    method: Annotated[
        str | None,
        typer.Option(
            autocompletion=method_names,
            help="Draw by a method of `invdiff methods`, without its guidance and data steps.",
            show_default="the predictor and corrector of --set",
        ),
    ] = None,
    samples: Annotated[int, typer.Option(help="How many.")] = 16,
    size: Annotated[str, typer.Option(metavar="N or HxW", help="Pixels of an image.")] = "128",
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("invdiff-samples"),
    force: Force = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="steps, sde (ve, vp, subvp, cosine), grid (karras, uniform, geometric), predictor, corrector or "
            "signal (real, split, two); with --method, a parameter of the method. May be repeated.",
        ),
    ] = None,
    device: DeviceName = "cpu",
    precision: PrecisionName = "auto",
    threads: Threads = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    memory_limit: MemoryLimit = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw unconditional samples of a prior, with any SDE and sampler.

    Writes samples.h5 (samples, in the prior's own intensity) and samples.png (their magnitudes).
    """
    from invdiff.cli.computing import Computing
    from invdiff.cli.folder import folder_of
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import parse_settings
    from invdiff.cli.output import Output, tell_kept
    from invdiff.data.memory import check_memory
    from invdiff.files.lock import folder_lock
    from invdiff.methods import UNCONDITIONAL, find_method
    from invdiff.pictures import write_grid
    from invdiff.priors import load_prior
    from invdiff.reconstruction import FolderStore, Generation
    from invdiff.reconstruction.another_result import refuse_another

    keep_heap()
    output = Output(as_json, quiet)
    parsed, shape = parse_settings(settings or []), _shape(size)
    check_memory(f"{samples:,} image(s) of {shape[0]} x {shape[1]}", 8 * samples * shape[0] * shape[1])
    recipe = UNCONDITIONAL if method is None else find_method(method)
    computing = Computing(device, precision, threads, workers, scheduler, memory_limit)
    network = computing.place(load_prior(prior, config=prior_config))
    sampler = recipe.with_settings(parsed, is_complex=2 in network.channels, channels=network.channels).without_data()
    settled = {
        "prior": prior,
        "method": recipe.name,
        "parameters": " ".join(f"{key}={value}" for key, value in parsed.items()),
    }
    asked = Generation(sampler, network, shape, samples, seed, settled)
    if not force:
        refuse_another(out / "samples.h5", asked.recorded)
    folder_of("sample", out)
    output.say(computing.description)
    store = FolderStore(out / "units")
    with folder_lock(store.folder / "whole.lock"):
        try:
            with computing.executor() as executor, output.progress(f"{recipe.name}, {samples} sample(s)") as progress:
                result = asked(keep=store.folder, executor=executor, progress=progress)
            result.write(out / "samples.h5")
            store.remove()
        except KeyboardInterrupt:
            if not store.is_empty:
                tell_kept(f"finished samples are in {store.folder}")
            raise
        finally:
            if store.is_empty:
                store.remove()
    write_grid(out / "samples.png", result.samples)
    output.say(f"wrote {out / 'samples.h5'} and {out / 'samples.png'}")
    output.finish({"command": "sample", "exit_status": 0, "result": str(out / "samples.h5"), "samples": samples})


def _shape(text: str) -> tuple[int, int]:
    """(H, W) of ``N`` or ``HxW``."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(re.fullmatch(r"\s*[1-9][0-9]{0,5}\s*", side) for side in sides):
        raise InputError(f"--size is N or HxW in pixels, such as 128 or 96x128, not {text!r}.")
    return int(sides[0]), int(sides[-1])
