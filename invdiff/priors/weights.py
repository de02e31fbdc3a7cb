"""Weights from a file into a network, once they are known to fit. Refusals are clauses that a file's name precedes."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors.ncsnpp import NCSNpp, NCSNppConfig
from invdiff.priors.unet import UNet, UNetConfig


def outline(config: UNetConfig | NCSNppConfig) -> UNet | NCSNpp:
    """The network without memory for its weights: names and shapes alone, however large a file says it is."""
    with torch.device("meta"):
        return config.build()


def network_from(config: UNetConfig | NCSNppConfig, state: Mapping[str, Tensor]) -> UNet | NCSNpp:
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
