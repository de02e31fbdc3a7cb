"""Where a step of training spends its time: `python benchmarks/training.py CONFIG.yaml [KEY=VALUE ...] [--steps 40]`.

The parts of a step as `invdiff train` does it in one process, in seconds and in parts of the whole: waiting for the
data, the network's forward and backward, and what moves the weights (clipping, optimisers, average). Left out is what
does not happen at every step: logs, validation, pictures, checkpoints.
"""

import time
from pathlib import Path
from typing import Annotated

import torch
import typer

from invdiff.cli.heap import keep_heap
from invdiff.cli.options import parse_settings
from invdiff.errors import InputError
from invdiff.training import ScoreMatching, read_config
from invdiff.training.batches import Batches
from invdiff.training.loop import make_accelerator, move
from invdiff.training.placement import Placement
from invdiff.training.state import State

WARM_UP = 5
PARTS = ("waiting for data", "network's forward and backward", "clipping, optimisers, average")


def main(
    path: Annotated[Path, typer.Argument(metavar="CONFIG", help="A configuration of training.")],
    settings: Annotated[list[str] | None, typer.Argument(help="Fields, as KEY=VALUE.")] = None,
    steps: Annotated[int, typer.Option(help="After the first five.")] = 40,
) -> None:
    """Time the parts of a step."""
    keep_heap()
    config = read_config(path, parse_settings(settings or []))
    if config.data is None:
        raise InputError("There is nothing to train on: give data in the configuration.")
    task = ScoreMatching(config, config.data.read("train"), config.data.read("val"))
    placement = Placement(config, make_accelerator().device)
    state = State.begin(placement.network(config.network.build()).train(), config)
    batches = iter(Batches(task, config.batches, config.seed).loader(range(WARM_UP + steps), config.workers))
    spent = [0.0] * len(PARTS)
    for step in range(WARM_UP + steps):
        times = [time.perf_counter()]
        batch = placement.batch(next(batches))
        times.append(time.perf_counter())
        with placement.autocast():
            loss = task.loss(state.network, batch)
        loss.backward()
        loss.item()  # a GPU is waited for
        times.append(time.perf_counter())
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.gradient_clip or torch.inf)
        move(state, config)
        times.append(time.perf_counter())
        if step >= WARM_UP:
            spent = [total + end - begin for total, begin, end in zip(spent, times, times[1:], strict=False)]
    whole = sum(spent)
    print(f"{torch.get_num_threads()} thread(s), {config.workers} worker(s): {whole / steps:.3f} s a step")
    for part, seconds in zip(PARTS, spent, strict=True):
        print(f"{part}: {seconds / steps:.3f} s, {100 * seconds / whole:.1f} %")


if __name__ == "__main__":
    typer.run(main)
