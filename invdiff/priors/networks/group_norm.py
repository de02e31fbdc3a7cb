"""Normalisation of groups of channels, as diffusion networks have it."""

from torch import nn

from invdiff.errors import InputError


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation over groups of four channels, at most 32 groups.

    Raises:
        InputError: ``channels`` can't be divided so.
    """
    groups = min(channels // 4, 32)
    if groups == 0 or channels % groups:
        raise InputError(
            f"Channels are normalised in groups, which can't divide {channels} of them; choose widths (nf and ch_mult "
            "of NCSN++) that are multiples of 4, and above 128 of 32."
        )
    return nn.GroupNorm(groups, channels, eps=1e-6)
