"""Regions of interest: the boxes that radiologists drew for fastMRI+.

Zhao et al., fastMRI+, clinical pathology annotations for knee and brain fully sampled magnetic resonance imaging data,
Scientific Data 9 (2022). A row of its tables is a box in a slice: ``file,slice,study_level,x,y,width,height,label``.
Images were flipped up and down before they were annotated, as its README and example notebook say, so ``y`` counts from
the last row of fastMRI's ``reconstruction_rss`` upwards; ``x`` counts from the first column.
"""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from invdiff.errors import InputError
from invdiff.metrics.conventions import Box

_COLUMNS = ("file", "slice", "study_level", "x", "y", "width", "height", "label")


@dataclass(frozen=True)
class Annotation:
    """A box with a label.

    Attributes:
        file: the scan's file name without its suffix.
        slice: index of the slice, from zero.
        x: first column.
        y: first row, of the image flipped up and down.
        width: in columns.
        height: in rows.
        label: what is seen there.
    """

    file: str
    slice: int
    x: int
    y: int
    width: int
    height: int
    label: str

    @property
    def extent(self) -> str:
        """The box as the table gives it: ``x y width height``."""
        return f"{self.x} {self.y} {self.width} {self.height}"

    def box(self, shape: tuple[int, int]) -> Box:
        """Rows and columns of an image that is not flipped, ``shape`` (H, W) of `reconstruction_rss`.

        What reaches over an edge is cut off; a side of zero, of which fastMRI+ has a few, counts as one pixel.

        Raises:
            InputError: nothing of the box lies within the image.
        """
        height, width = shape
        bottom, right = height - self.y, self.x + max(self.width, 1)
        rows = slice(max(bottom - max(self.height, 1), 0), min(bottom, height))
        columns = slice(max(self.x, 0), min(right, width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            raise InputError(
                f"The box '{self.label}' of {self.file}, slice {self.slice} (x y width height: {self.extent}), lies "
                f"outside the image of {height} x {width}."
            )
        return rows, columns


def read_annotations(path: str | os.PathLike[str]) -> list[Annotation]:
    """The boxes of a fastMRI+ table, each once; labels of whole studies, which have no box, are left out.

    Raises:
        InputError: the file is missing or no such table, or a row is broken, which is named by its line.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = [column for column in _COLUMNS if column not in (table.fieldnames or ())]
            if missing:
                raise InputError(f"{path} is no fastMRI+ table: it lacks the column(s) {', '.join(missing)}.")
            rows = [_annotation(path, table.line_num, row) for row in table if row["study_level"] != "Yes"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} can't be read as a table of annotations: {error}.") from error
    return list(dict.fromkeys(rows))


def _annotation(path: Path, line: int, row: dict[str, str | None]) -> Annotation:
    try:
        slice_, x, y, width, height = (int(row[key] or "") for key in ("slice", "x", "y", "width", "height"))
    except ValueError:
        given = ",".join(str(row[key]) for key in _COLUMNS)
        raise InputError(
            f"{path}, line {line}: slice, x, y, width and height must be integers, not {given!r}."
        ) from None
    if slice_ < 0 or width < 0 or height < 0:
        raise InputError(f"{path}, line {line}: slice, width and height must be zero or more.")
    return Annotation(row["file"] or "", slice_, x, y, width, height, " ".join((row["label"] or "").split()))
