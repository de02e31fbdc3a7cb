"""In which numbers a network computes."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal, get_args

import torch

from invdiff.errors import InputError

Precision = Literal["f32", "bf16"]
"""Single precision, or bfloat16 where it is safe (convolutions, products), with tensors in channels-last order."""

PRECISIONS = ("auto", *get_args(Precision))


def choose_precision(asked: str, device: torch.device) -> Precision:
    """The precision that is asked for; for ``"auto"`` bfloat16 where the device has instructions for it, else single.

    Raises:
        InputError: there is no such precision, or the device lacks it.
    """
    match asked:
        case "f32":
            return "f32"
        case "auto":
            return "bf16" if has_bfloat16(device) else "f32"
        case "bf16":
            if has_bfloat16(device):
                return "bf16"
            raise InputError(f"This {device.type} has no instructions for bfloat16; take the precision f32, or auto.")
        case _:
            raise InputError(f"There is no precision {asked!r}; there are {', '.join(PRECISIONS)}.")


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16, not an emulation that is slower than single precision."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.10 has it not
        return any(present is True for name, present in capabilities.items() if name.endswith("bf16"))
    return False


def computing_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """A context in which networks compute so; in single precision it leaves the caller's mode as it is."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
