"""Lengths of states ``(samples, *, H, W)``."""

from typing import Literal

import torch
from torch import Tensor

Over = Literal["sample", "image", "part", "batch"]


def norms(x: Tensor, over: Over = "sample") -> Tensor:
    """L2 norms of states, real, to multiply states by with `scaled`.

    Args:
        x: the states.
        over: what has a norm of its own: every sample, all its real numbers together; every image of it, such as one
            coil's; every real and imaginary part of an image (in a last dimension of two); or nothing, and the norms
            of samples are averaged over the batch.
    """
    match over:
        case "sample" | "batch":
            each = torch.stack([torch.linalg.vector_norm(sample) for sample in x]).reshape(-1, *[1] * (x.ndim - 1))
            return each if over == "sample" else each.mean(0, keepdim=True)
        case "image":
            return torch.stack([torch.linalg.vector_norm(sample, dim=(-2, -1), keepdim=True) for sample in x])
        case "part":
            parts = torch.view_as_real(x) if x.is_complex() else x[..., None]
            return torch.stack([torch.linalg.vector_norm(sample, dim=(-3, -2), keepdim=True) for sample in parts])


def scaled(factor: Tensor, x: Tensor) -> Tensor:
    """States times real factors shaped as `norms` shapes them."""
    if factor.ndim == x.ndim:
        return factor * x
    return torch.view_as_complex(factor * torch.view_as_real(x)) if x.is_complex() else factor[..., 0] * x
