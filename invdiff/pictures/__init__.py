"""Pictures and tables of results."""

from invdiff.pictures.grey import grey, white_of
from invdiff.pictures.grid import write_grid
from invdiff.pictures.panel import write_panel
from invdiff.pictures.scores import table

__all__ = [
    "grey",
    "table",
    "white_of",
    "write_grid",
    "write_panel",
]
