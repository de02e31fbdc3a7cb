"""Mean scores, to be printed."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from invdiff.data import MASKS
from invdiff.evaluation.labels import labelled
from invdiff.evaluation.score_table import Row

_TABLE = ("mask", "convention", "target")
_LINE = ("acceleration", "region", "method")


def summary(rows: Sequence[Row]) -> Any:
    """A table for each mask, convention and target, to be printed by a `rich.console.Console`.

    Scores are means over files, each the mean over its slices. Regions of interest are told apart by their labels.
    """
    from rich.console import Group

    tables: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in labelled(rows):
        tables[tuple(row[column] for column in _TABLE)].append(row)
    return Group(*(_table(title, members) for title, members in tables.items()))


def _table(title: tuple[str, ...], rows: Sequence[Row]) -> Any:
    from rich.box import SIMPLE
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    lines: dict[tuple[str, ...], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        lines[tuple(row[column] for column in _LINE)][row["file"]].append(row)
    files = len({row["file"] for row in rows})
    mask, convention, target = title
    sampling = f"{mask} mask" if mask in MASKS else mask  # of a trajectory, what it is
    heading = f"{sampling}, {convention}, against {target}: means of {files} file(s)"
    scores = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    regions = any(row["region"] for row in rows)
    for name in ("asked", "achieved", *(["region"] if regions else [])):
        scores.add_column(name, overflow="fold")
    longest = max(len(method) for _, _, method in lines)
    scores.add_column("method", overflow="fold", min_width=min(18, longest))  # before headings, of narrow terminals
    volumes = any(row["z_roughness"] for row in rows)
    for name in ("PSNR\n(dB)", "SSIM", "NMSE", *(["z-roughness"] if volumes else []), "s /\nslice"):
        scores.add_column(name, justify="right", vertical="bottom")
    for (acceleration, region, method), found in lines.items():
        psnr, ssim, nmse, seconds, achieved = (
            _over_files(found, column) for column in ("psnr", "ssim", "nmse", "seconds", "achieved_acceleration")
        )
        place = [region] if regions else []
        of_volumes = {file: [row for row in rows if row["z_roughness"]] for file, rows in found.items()}
        of_volumes = {file: rows for file, rows in of_volumes.items() if rows}
        rough = [f"{_over_files(of_volumes, 'z_roughness'):.2f}" if of_volumes else ""] if volumes else []
        numbers = f"{psnr:.2f}", f"{ssim:.4f}", f"{nmse:.5f}", *rough, f"{seconds:.3g}"
        scores.add_row(acceleration, f"{achieved:.2f}", *place, method, *numbers)
    return Group(Text(heading, style="bold"), scores)


def _over_files(files: dict[str, list[Row]], column: str) -> float:
    return float(np.mean([np.mean([float(row[column]) for row in rows]) for rows in files.values()]))
