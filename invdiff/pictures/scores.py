"""Scores side by side."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from invdiff.metrics.metrics import nmse, psnr, ssim


def table(
    truth: NDArray[Any], images: Mapping[str, NDArray[Any]], target: str = "combination of coils by their maps"
) -> Any:
    """A table with a row of PSNR, SSIM and NMSE for each image, and its target below, to be printed by a
    `rich.console.Console`.

    Args:
        truth: ``(slices, H, W)``.
        images: reconstructions by name, of the same shape and units.
        target: what the truth is, which is part of every score.

    Raises:
        InputError: as the metrics.
    """
    from rich.box import SIMPLE
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    scores = Table(box=SIMPLE)
    scores.add_column("")
    for heading in ("PSNR (dB)", "SSIM", "NMSE"):
        scores.add_column(heading, justify="right")
    for name, image in images.items():
        scores.add_row(name, f"{psnr(truth, image):.2f}", f"{ssim(truth, image):.4f}", f"{nmse(truth, image):.5f}")
    return Group(scores, Text(f"against: {target}"))
