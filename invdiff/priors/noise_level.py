"""Checks of the noise level that every prior is asked at."""

import math

from invdiff.errors import InputError


def check_non_negative(sigma: float) -> None:
    """Raise ``InputError`` unless ``sigma`` is finite and at least 0."""
    if not (math.isfinite(sigma) and sigma >= 0):
        raise InputError(f"A prior was asked at noise level sigma = {sigma}; give a finite level of at least 0.")


def check_positive(sigma: float) -> None:
    """Raise ``InputError`` unless ``sigma`` is finite and above 0: a score at 0 is a division by 0."""
    if not (math.isfinite(sigma) and sigma > 0):
        raise InputError(f"A prior was asked for its score at sigma = {sigma}; give a finite level above 0.")
