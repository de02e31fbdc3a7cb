"""Whether this machine has the memory for what is asked."""

import os

from invdiff.errors import InputError


def check_memory(what: str, needed: int) -> None:
    """Raise ``InputError`` if ``what`` takes more bytes than this machine has, as far as the system tells."""
    try:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, others not all of its names
        return
    if needed > there > 0:
        raise InputError(
            f"{what} would take {needed >> 30:,} GiB at least, and this machine has {there >> 30:,} GiB; ask for less."
        )
