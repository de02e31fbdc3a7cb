"""Ways out of invdiff, for other programs: a file a format, and one table of them."""

from invdiff.reconstruction.writers.table import WRITERS, writers
from invdiff.reconstruction.writers.way_out import Exported, WayOut, ways_out
from invdiff.reconstruction.writers.writer import Writer

__all__ = [
    "WRITERS",
    "Exported",
    "WayOut",
    "Writer",
    "ways_out",
    "writers",
]
