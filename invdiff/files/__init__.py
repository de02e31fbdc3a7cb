"""Files on the ground floor: whole or not at all, and safe to read from strangers."""

from invdiff.files.archive import read_archive
from invdiff.files.atomic import atomic, remove_abandoned

__all__ = [
    "atomic",
    "read_archive",
]
