"""The loop of every training script: Adam, a moving average, a clock, checkpoints and logs.

The learning rate follows the clock, so a run ends when it was told to, and goes on from OUT/latest.pt.
"""

import copy
import csv
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from invdiff.priors import ConditionalPrior, ScorePrior, UNet, save_prior

SAVE_EVERY, VALIDATE_EVERY = 120, 600
"""Seconds."""


@dataclass
class Training:
    """The state of a run: network, its exponential moving average, optimiser, and how long it has taken."""

    network: UNet
    average: UNet
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, build: Callable[[], UNet], learning_rate: float) -> "Training":
        """A fresh run."""
        torch.manual_seed(0)
        network = build()
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.99))
        return cls(network, copy.deepcopy(network), optimizer)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["spent"]

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        state: dict[str, Any] = {"network": self.network.state_dict(), "ema": self.average.state_dict()}
        state |= {"optimizer": self.optimizer.state_dict(), "step": self.step, "spent": self.seconds}
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(path)

    def update(self, loss: Tensor, learning_rate: float) -> None:
        """One step of Adam with gradients averaged over processes and clipped, and of the moving average."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        if dist.is_initialized():
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            dist.all_reduce(flat)
            pieces = (flat / dist.get_world_size()).split([gradient.numel() for gradient in gradients])
            for gradient, piece in zip(gradients, pieces, strict=True):
                gradient.copy_(piece.view_as(gradient))
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        decay = min(0.999, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, parameter in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(parameter, 1 - decay)


def fit(
    run: Training,
    out: Path,
    *,
    minutes: float,
    learning_rate: float,
    sizes: Sequence[tuple[int, int]],
    loss: Callable[[UNet, int, int, np.random.Generator], Tensor],
    validate: Callable[[UNet], list[float]],
    as_prior: Callable[[UNet], ScorePrior | ConditionalPrior],
) -> None:
    """Train for ``minutes`` in all, from OUT/latest.pt where there is one, and write OUT/prior.safetensors (float16).

    OUT/loss.csv gets rows (step, seconds, mean loss), OUT/validation.csv rows (step, seconds, scores...).

    Args:
        run: a fresh run.
        out: a folder; made where it is absent.
        minutes: how long to train in all.
        learning_rate: at its highest; it falls with a cosine.
        sizes: (side, images a process) of a step, chosen at random.
        loss: of a network on random images, given side, images and random numbers.
        validate: scores of the averaged network.
        as_prior: the averaged network as what is shipped.
    """
    torch.set_num_threads(1)  # one process a core is faster than one process on all
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    rank = dist.get_rank() if dist.is_initialized() else 0
    out.mkdir(parents=True, exist_ok=True)
    if (out / "latest.pt").exists():
        run.resume(out / "latest.pt")
    began, saved, validated, mean_loss = time.time() - run.seconds, run.seconds, run.seconds, 0.0
    while (progress := _agreed(time.time() - began) / (60 * minutes)) < 1:
        run.seconds = progress * 60 * minutes
        side, count = sizes[int(np.random.default_rng((7, run.step)).integers(len(sizes)))]
        rng = np.random.default_rng((11, run.step, rank))
        value = loss(run.network, side, count, rng)
        warm_up = min(1.0, (run.step + 1) / 200)
        run.update(value, learning_rate * warm_up * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6)
        mean_loss += (value.item() - mean_loss) / min(run.step, 100)
        if rank == 0 and run.seconds - saved > SAVE_EVERY:
            saved = run.seconds
            run.save(out / "latest.pt")
            _log(out / "loss.csv", [run.step, round(run.seconds), round(mean_loss, 4)])
        if run.seconds - validated > VALIDATE_EVERY:
            validated = run.seconds
            if rank == 0:
                _log(out / "validation.csv", [run.step, round(run.seconds), *validate(run.average)])
    if rank == 0:
        run.save(out / "latest.pt")
        _log(out / "validation.csv", [run.step, round(run.seconds), *validate(run.average)])
        save_prior(as_prior(run.average), out / "prior.safetensors", dtype=torch.float16)


def _agreed(seconds: float) -> float:
    """The first process's clock, so that all stop at the same step."""
    clock = torch.tensor([seconds], dtype=torch.float64)
    if dist.is_initialized():
        dist.broadcast(clock, 0)
    return float(clock)


def _log(path: Path, row: list[float]) -> None:
    with path.open("a", newline="") as file:
        csv.writer(file).writerow(row)
