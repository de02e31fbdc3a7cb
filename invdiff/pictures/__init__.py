"""Pictures and tables of results."""

from invdiff.pictures.grid import write_grid
from invdiff.pictures.panel import write_panel
from invdiff.pictures.report import table

__all__ = [
    "table",
    "write_grid",
    "write_panel",
]
