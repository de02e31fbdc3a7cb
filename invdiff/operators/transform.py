"""Discrete Fourier transforms of any batch."""

from collections.abc import Callable
from typing import Any

from torch import Tensor


def transformed(transform: Callable[..., Tensor], x: Tensor, **options: Any) -> Tensor:
    """``transform(x, **options)`` for a transform of `torch.fft`, whose libraries refuse an empty ``x``."""
    return transform(x, **options) if x.numel() else x.to(x.dtype.to_complex())
