"""Devices that may not be there."""

import torch

from invdiff.errors import InputError


def check_device(name: str, *, here: bool = True) -> None:
    """Raise ``InputError`` unless ``name`` is a device: of this machine, where it is to be ``here``."""
    try:
        device = torch.device(name)
        if here:
            torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # what torch raises for names, builds and machines without
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(f"There is no device {name!r} here ({reason}); take the device cpu.") from error
