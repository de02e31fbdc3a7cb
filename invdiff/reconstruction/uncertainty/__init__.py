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
from invdiff.reconstruction.uncertainty.region import Label, Rectangle, Region, named_regions, read_labels
from invdiff.reconstruction.uncertainty.region_table import rows_of, write_rows
from invdiff.reconstruction.uncertainty.student import Student
from invdiff.reconstruction.uncertainty.written import WrittenSamples

__all__ = [
    "Conformal",
    "Coverage",
    "Label",
    "Magnitude",
    "Rectangle",
    "Region",
    "Student",
    "WrittenSamples",
    "conformal_for",
    "conformal_table",
    "how_made",
    "named_regions",
    "read_labels",
    "rows_of",
    "sampling_of",
    "write_rows",
]
