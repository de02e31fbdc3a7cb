"""Files on the ground floor: whole or not at all, and safe to read from strangers."""

from invdiff.files.archive import read_archive
from invdiff.files.atomic import atomic, remove_abandoned
from invdiff.files.hdf5 import reading, write_attributes, writing
from invdiff.files.lock import folder_lock

__all__ = [
    "atomic",
    "folder_lock",
    "read_archive",
    "reading",
    "remove_abandoned",
    "write_attributes",
    "writing",
]
