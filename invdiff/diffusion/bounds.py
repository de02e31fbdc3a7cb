"""Numbers that parts compute of others, or of which a type says too little, held against what can be computed with."""

from invdiff.errors import InputError
from invdiff.within import LARGEST, SMALLEST


def check_positive(meaning: str, *values: float) -> None:
    """Raise ``InputError`` unless each number is above zero and within the bounds.

    Args:
        meaning: the sentence's beginning: which number this is, and of what.
        values: to check.
    """
    if wrong := [value for value in values if not SMALLEST <= value <= LARGEST]:
        raise InputError(f"{meaning}, above zero, but got {wrong[0]}; take {SMALLEST:g} to {LARGEST:g}.")


def check_not_negative(meaning: str, value: float) -> None:
    """Raise ``InputError`` unless a number is zero, or above it and within the bounds. Arguments as above."""
    if value != 0 and not SMALLEST <= value <= LARGEST:
        raise InputError(f"{meaning}, zero or more, but got {value}; take 0, or {SMALLEST:g} to {LARGEST:g}.")
