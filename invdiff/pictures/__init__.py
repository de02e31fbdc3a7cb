"""Pictures and tables of results."""

from invdiff.pictures.columns import Column, brightest_of, draw_columns
from invdiff.pictures.course import draw_course
from invdiff.pictures.density import brightness_of
from invdiff.pictures.grey import grey, white_of
from invdiff.pictures.grid import write_grid
from invdiff.pictures.panel import draw_panel, write_panel
from invdiff.pictures.scores import table

__all__ = [
    "Column",
    "brightest_of",
    "brightness_of",
    "draw_columns",
    "draw_course",
    "draw_panel",
    "grey",
    "table",
    "white_of",
    "write_grid",
    "write_panel",
]
