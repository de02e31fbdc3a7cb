"""What an operator computes once."""

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, TypeVar

import torch

T = TypeVar("T")


def remembered(compute: Callable[[Any], T]) -> "cached_property[T]":
    """A cached property that serves every later call: tensors made in inference mode could never meet a gradient, so it
    is computed outside of that mode, whoever asks first."""

    @wraps(compute)
    def outside(operator: Any) -> T:
        with torch.inference_mode(False):
            return compute(operator)

    return cached_property(outside)
