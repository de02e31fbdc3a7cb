"""A page that lists reports."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.pictures.grey import grey
from invdiff.pictures.report.markup import allowed, as_png, escaped, filled, linked, part
from invdiff.pictures.report.own_file import own_file

_SIDE = 128  # pixels along a side of a picture, at most


@dataclass(frozen=True, eq=False)
class Case:
    """A report in a list.

    Attributes:
        title: of it.
        page: its first.
        image: magnitudes in units of white, ``(H, W)``.
        lines: what to say of it.
        warnings: how many there are.
    """

    title: str
    page: Path
    image: NDArray[np.floating] = field(repr=False)
    lines: Sequence[str] = ()
    warnings: int = 0


def write_index(path: str | os.PathLike[str], cases: Sequence[Case]) -> None:
    """Write a page with a picture of each report and a link to it.

    Args:
        path: of the page.
        cases: the reports, whose pages are linked to by their places from there.

    Raises:
        InputError: there are none, there is another file of that name, or it can't be written.
    """
    if not cases:
        raise InputError(f"{path} would list reports, and there are none.")
    path = Path(path)
    style = part("report.css")
    page = filled(
        "index.html",
        count=f"{len(cases)} reconstruction(s)",
        cases="\n".join(_case(case, path.parent) for case in cases),
        style=style,
        style_hash=allowed(style),
    )
    with own_file(path) as file:
        file.write(page)


def _case(case: Case, folder: Path) -> str:
    step = -(-max(case.image.shape) // _SIDE)
    picture = as_png(grey(case.image[::step, ::step], 1.0))
    place = linked(Path(os.path.relpath(case.page, folder)))
    lines = [*case.lines, *([f"{case.warnings} warning(s)"] if case.warnings else [])]
    said = "".join(f"<p>{escaped(line)}</p>" for line in lines)
    image = f'<img alt="" src="data:image/png;base64,{picture}">'
    return f'<li><a href="{place}">{image}{escaped(case.title)}</a>{said}</li>'
