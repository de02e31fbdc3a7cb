"""All that a run of training is at one moment, and its file."""

import json
import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.training.config import RunConfig

FREE = frozenset(
    {
        "steps",
        "schedule",
        "warm_up",
        "optimiser.lr",
        "gradient_clip",
        "precision",
        "channels_last",
        "workers",
        "log_every",
        "save_every",
        "validate_every",
        "draw_every",
        "prior_dtype",
        "about",
        "data.path",
        "validation",
        "validation_images",
    }
)
"""What may change on the way: how fast, how long and where a network learns, but not what."""


@dataclass
class State:
    """A network in training.

    Attributes:
        network: what is trained.
        average: the exponential moving average of its weights.
        optimisers: with their moments.
        step: steps done.
        recent: (loss, gradient norm) of the steps since losses were last written.
        best: the lowest validation loss so far, and its step.
    """

    network: nn.Module
    average: AveragedModel
    optimisers: list[Optimizer]
    step: int = 0
    recent: list[tuple[float, float]] = field(default_factory=list)
    best: tuple[float, int] = (math.inf, 0)

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
            "best": self.best,
        }
        try:
            with atomic(path) as temporary:
                torch.save(content, temporary)
        except (OSError, RuntimeError, InputError) as error:  # torch reports a full disk as a RuntimeError
            kept = "; the checkpoint before it is as it was" if path.exists() else ""
            why = str(error).rstrip(".")
            raise InputError(f"Step {self.step} can't be kept ({why}){kept}. Make room.") from error

    def load(self, path: Path, config: RunConfig) -> None:
        """Go on from a checkpoint; what is in ``FREE`` is the configuration's.

        Raises:
            InputError: it is damaged, or was written under a configuration that differs in more than ``FREE``.
        """
        try:
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            stored = dict(_flat(json.loads(content["config"])))
        except Exception as error:  # a damaged file fails in ways that no list holds
            raise _damaged(path) from error
        _check_same(stored, dict(_flat(json.loads(config.model_dump_json()))), path)
        try:
            self._take(content)
        except Exception as error:
            raise _damaged(path) from error

    def _take(self, content: dict[str, Any]) -> None:
        for module, saved in ((self.network, content["network"]), (self.average, content["average"])):
            _check_tensors(saved, module.state_dict())
            module.load_state_dict(saved)
        for optimiser, saved in zip(self.optimisers, content["optimisers"], strict=True):
            weights = [weight for group in optimiser.param_groups for weight in group["params"]]
            for i, moments in saved["state"].items():
                _check_tensors(moments, {name: torch.zeros(()) if name == "step" else weights[i] for name in moments})
            ours = [{k: v for k, v in group.items() if k != "params"} for group in optimiser.param_groups]
            groups = [{**group, **own} for group, own in zip(saved["param_groups"], ours, strict=True)]
            optimiser.load_state_dict({**saved, "param_groups": groups})
        self.step = operator.index(content["step"])
        self.recent = [(float(loss), float(norm)) for loss, norm in content["recent"]]
        loss, step = content["best"]
        self.best = float(loss), operator.index(step)
        if math.isnan(self.best[0]) or self.step < 0 or not all(map(math.isfinite, chain(*self.recent))):
            raise ValueError("steps are counted from 0, and a run ends at a loss that is not finite")


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average, whose memory grows to that of ``decay`` with the number of updates."""

    def average(means: Any, now: Any, count: Tensor | int) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + int(count)) / (10 + int(count))))(means, now, count)

    model = AveragedModel(network, multi_avg_fn=average)
    return model.eval().requires_grad_(False)


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is no whole checkpoint of training; remove it, or choose another folder.")


def _check_tensors(saved: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` unless these are tensors of the kinds and shapes of ours, and finite."""
    for name, tensor in saved.items():
        own = ours[name]
        if (tensor.shape, tensor.dtype, tensor.layout) != (own.shape, own.dtype, own.layout):
            raise ValueError(f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}")
        if not tensor.isfinite().all():
            raise ValueError(f"{name} holds NaN or infinity")


def _check_same(old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> None:
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            raise InputError(
                f"{path} was trained with {key} {old.get(key)}, but the configuration says {new.get(key)}; choose "
                "another folder, or the same configuration."
            )


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """What is not free, by dotted key."""
    for name, value in content.items():
        key = prefix + name
        if key in FREE:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value
