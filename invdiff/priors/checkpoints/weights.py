"""Weights from a file into a network, once they are known to fit. Refusals are clauses that a file's name precedes."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import dropwhile
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors.networks.ncsnpp import NCSNpp, NCSNppConfig
from invdiff.priors.networks.ncsnv2 import NCSNv2, NCSNv2Config
from invdiff.priors.networks.unet import UNet, UNetConfig

Network = UNet | NCSNpp | NCSNv2
_FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
NetworkConfig = Annotated[UNetConfig | NCSNppConfig | NCSNv2Config, Field(discriminator="architecture")]


def outline(config: NetworkConfig) -> Network:
    """The network without memory for its weights: names and shapes alone, however large a file says it is."""
    with torch.device("meta"):
        return config.build()


def network_from(config: NetworkConfig, state: Mapping[str, Tensor]) -> Network:
    """The network that ``config`` describes, with the weights ``state`` in float32.

    Raises:
        InputError: names or shapes differ from the network's, or a weight isn't a finite real number.
    """
    expected = outline(config).state_dict()
    if missing := expected.keys() - state.keys():
        raise InputError(f"weights of its {config.architecture} network are missing: {_some(missing)}.")
    if unexpected := state.keys() - expected.keys():
        raise InputError(f"it holds weights that its {config.architecture} network doesn't have: {_some(unexpected)}.")
    for name, tensor in state.items():
        check_shape(name, tensor, expected[name].shape)
    check_finite(state)
    network = config.build()
    network.load_state_dict(state)
    return network


def named_tensors(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    """A state dictionary's tensors, by the names that their network gave them: without the ``module.`` that data
    parallelism and averages put before them, and the ``_orig_mod.`` of compiled networks and parts of networks.

    Raises:
        InputError: it holds something else, tensors without numbers of their own, or two tensors of one name.
    """
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items()):
        raise InputError("it holds something other than named tensors among its weights.")
    for name, tensor in content.items():
        check_held(name, tensor)
    named = {_own_name(name): tensor for name, tensor in content.items()}
    if len(named) < len(content):
        twice = [name for name, count in Counter(map(_own_name, content)).items() if count > 1]
        raise InputError(f"it holds weights more than once, with wrappers' names before their own: {_some(twice)}.")
    return named


def check_held(name: str, tensor: Tensor) -> None:
    """Raise ``InputError`` unless a tensor's numbers are all in memory, each by itself: one that repeats a few of them
    promises a network of any size, and those of some kinds have none."""
    if tensor.is_nested or tensor.layout != torch.strided or tensor.device.type != "cpu":
        raise InputError(f"{name} is no plain tensor of numbers.")
    if tensor.dtype.is_floating_point and tensor.dtype not in _FLOATING:
        raise InputError(f"{name} is {tensor.dtype}; weights are of 16 bits at least.")
    if tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
        raise InputError(
            f"{name} declares the shape {tuple(tensor.shape)} and holds {tensor.untyped_storage().nbytes():,} bytes."
        )


def _own_name(name: str) -> str:
    parts = [part for part in name.split(".") if part != "_orig_mod"]
    return ".".join(dropwhile(lambda part: part == "module", parts))


def check_levels(levels: Tensor, lowest: float, highest: float) -> None:
    """Raise ``InputError`` unless the noise levels that a file was trained for are those of its configuration."""
    if not levels.is_floating_point() or not levels.numel():
        raise InputError(f"its noise levels ('sigmas') are {levels.dtype} of shape {tuple(levels.shape)}.")
    low, high = float(levels.min()), float(levels.max())
    if not (math.isclose(low, lowest, rel_tol=1e-3) and math.isclose(high, highest, rel_tol=1e-3)):
        raise InputError(
            f"it was trained for noise levels {low:.4g} to {high:.4g}; the given configuration says {lowest:.4g} to "
            f"{highest:.4g}."
        )


def check_shape(name: str, tensor: Tensor, shape: torch.Size) -> None:
    """Raise ``InputError`` unless ``tensor`` is dense, real and of ``shape``."""
    if tensor.shape != shape or not tensor.is_floating_point() or tensor.layout != torch.strided:
        raise InputError(
            f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}; its network takes real numbers of shape "
            f"{tuple(shape)}."
        )


def check_finite(state: Mapping[str, Tensor]) -> None:
    """Raise ``InputError`` if a weight is NaN or infinite."""
    if broken := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise InputError(f"there is NaN or infinity among its weights: {_some(broken)}.")


def _some(names: Iterable[str]) -> str:
    """At most three names, in order."""
    ordered = sorted(names)
    more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return ", ".join(ordered[:3]) + more
