"""All that a run of training is at one moment, and its file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from invdiff.data.atomic import atomic
from invdiff.errors import InputError
from invdiff.training.config import RunConfig

FIXED = ("network", "parameterisation", "channels")
"""What a checkpoint's weights are for, and can't be changed on the way."""


@dataclass
class State:
    """A network in training.

    Attributes:
        network: what is trained.
        average: the exponential moving average of its weights.
        optimisers: with their moments.
        step: steps done.
        recent: (loss, gradient norm) of the steps since losses were last written.
    """

    network: nn.Module
    average: AveragedModel
    optimisers: list[Optimizer]
    step: int = 0
    recent: list[tuple[float, float]] = field(default_factory=list)

    @classmethod
    def begin(cls, network: nn.Module, config: RunConfig) -> "State":
        """A fresh run."""
        return cls(network, averaged(network, config.ema_decay), config.optimiser.build(network))

    def save(self, path: Path, config: RunConfig) -> None:
        """Write a checkpoint, whole or not at all.

        Raises:
            InputError: it can't be written; the checkpoint that was there stays.
        """
        content = {
            "config": config.model_dump_json(),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "recent": self.recent,
        }
        try:
            with atomic(path) as temporary:
                torch.save(content, temporary)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            kept = "; the one before it is as it was" if path.exists() else ""
            raise InputError(f"{path} can't be written at step {self.step} ({error}){kept}. Make room.") from error

    def load(self, path: Path, config: RunConfig) -> None:
        """Go on from a checkpoint; learning rates and the like are the configuration's.

        Raises:
            InputError: it is damaged, or belongs to another network or optimiser.
        """
        try:
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            stored = json.loads(content["config"])
        except Exception as error:  # a damaged file fails in ways that no list holds
            raise InputError(f"{path} is no checkpoint of training; remove it, or choose another folder.") from error
        _check_same(stored, json.loads(config.model_dump_json()), path)
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        for optimiser, saved in zip(self.optimisers, content["optimisers"], strict=True):
            ours = [{k: v for k, v in group.items() if k != "params"} for group in optimiser.param_groups]
            groups = [{**group, **own} for group, own in zip(saved["param_groups"], ours, strict=True)]
            optimiser.load_state_dict({**saved, "param_groups": groups})
        self.step, self.recent = content["step"], [tuple(pair) for pair in content["recent"]]


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average, whose memory grows to that of ``decay`` with the number of updates."""

    def average(means: Any, now: Any, count: Tensor | int) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + int(count)) / (10 + int(count))))(means, now, count)

    model = AveragedModel(network, multi_avg_fn=average)
    return model.eval().requires_grad_(False)


def _check_same(stored: dict[str, Any], now: dict[str, Any], path: Path) -> None:
    kinds: Sequence[tuple[str, Any, Any]] = [
        *((key, stored.get(key), now.get(key)) for key in FIXED),
        ("optimiser.kind", stored["optimiser"]["kind"], now["optimiser"]["kind"]),
    ]
    for key, old, new in kinds:
        if old != new:
            raise InputError(
                f"{path} was trained with {key} {old}, but the configuration says {new}; choose another folder, or the "
                "same configuration."
            )
