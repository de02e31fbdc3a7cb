"""Ways out of invdiff, for other programs: a file a format, and one table of them."""

from invdiff.reconstruction.writers.table import WRITERS, writers
from invdiff.reconstruction.writers.way_out import Exported, WayOut
from invdiff.reconstruction.writers.writer import Writer

__all__ = [
    "WRITERS",
    "Exported",
    "WayOut",
    "Writer",
    "writers",
]
