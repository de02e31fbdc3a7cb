"""Uncertainty that people can read: of magnitudes, on the image's scale, of pixels and of regions."""

from invdiff.reconstruction.uncertainty.conformal import (
    Conformal,
    Coverage,
    conformal_for,
    conformal_table,
    how_made,
    sampling_of,
)
from invdiff.reconstruction.uncertainty.magnitude import Magnitude
from invdiff.reconstruction.uncertainty.student import Student

__all__ = [
    "Conformal",
    "Coverage",
    "Magnitude",
    "Student",
    "conformal_for",
    "conformal_table",
    "how_made",
    "sampling_of",
]
