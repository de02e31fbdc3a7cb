"""Files on the ground floor: whole or not at all, and safe to read from strangers."""

from invdiff.files.archive import read_archive
from invdiff.files.atomic import atomic

__all__ = [
    "atomic",
    "read_archive",
]
