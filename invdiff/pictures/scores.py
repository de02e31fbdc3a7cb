"""Scores side by side."""

from collections.abc import Mapping
from typing import Any

from invdiff.metrics import Scores


def table(scored: Mapping[str, Scores], target: str = "combination of coils by their maps") -> Any:
    """A table with a row of PSNR, SSIM and NMSE for each image, and its target below, to be printed by a
    `rich.console.Console`.

    Args:
        scored: of each image, by its name.
        target: what the truth is, which is part of every score.
    """
    from rich.box import SIMPLE
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    scores = Table(box=SIMPLE)
    scores.add_column("")
    for heading in ("PSNR (dB)", "SSIM", "NMSE"):
        scores.add_column(heading, justify="right")
    for name, found in scored.items():
        scores.add_row(name, f"{found.psnr:.2f}", f"{found.ssim:.4f}", f"{found.nmse:.5f}")
    return Group(scores, Text(f"against: {target}"))
