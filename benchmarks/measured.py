"""Measured scans with full data: `python benchmarks/measured.py ../shared/data/kspace rows.csv [--scans NAME,...]`.

Undersampled by hand: 20 central lines and every fourth of the others; and Poisson discs at 6x with a centre of 8 %.
Maps by ESPIRiT and noise from the undersampled data alone, coils prewhitened where the data tell how. The default
method's mean of eight samples, against zero-filled, CG-SENSE, L1-wavelet and total variation, each of these at its best
weight by the truth. The truth is the combination of the full data's coils by the same maps. A body coil's truth
is noisy, and its undersampled data share the noise; it is also held against a head coil's image of the same slice,
brought to its shading.
Results already among the rows are not made again.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rows import Rows

from invdiff.cli.heap import keep_heap
from invdiff.data import MASKS, Scan, read_scan
from invdiff.data.masks import equispaced
from invdiff.diffusion import fast
from invdiff.evaluation import Best, psnr
from invdiff.priors import Prior, load_prior
from invdiff.reconstruction import Cases, reconstruct, scan_cases

SCANS = "brain_pulseq_16ch,brain_pulseq_bodycoil_2ch,brain_librehub_8ch"
MASKS_TRIED = {
    "every 4th line": lambda shape: equispaced(shape, 4, 20, 0),
    "6x Poisson": lambda shape: MASKS["poisson"](shape, 6.0, 0.08, 0),
}
BETTER_TRUTHS = {"brain_pulseq_bodycoil_2ch": "brain_pulseq_16ch"}
"""The same slice by coils that are less noisy."""
SHADING_DEGREE = 4
RIVALS = ("zero-filled", "CG-SENSE", "L1-wavelet", "TV")
OURS = "fast"


def shaded(image: NDArray[np.inexact], like: NDArray[np.inexact]) -> NDArray[np.float32]:
    """The magnitude (1, H, W) times the polynomial of the position that brings it nearest to another magnitude."""
    target, height, width = abs(like[0]), *like.shape[1:]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.polynomial.polynomial.polyvander2d(y, x, [SHADING_DEGREE] * 2) * abs(image[0])[..., None]
    seen = target > 0  # within the coil maps
    weights = np.linalg.lstsq(terms[seen], target[seen], rcond=None)[0]
    return (terms @ weights * seen).astype(np.float32)[None]


def with_better_truth(cases: Cases, better: Cases) -> Cases:
    """The same measurement, held against the other cases' ground truth."""
    assert isinstance(cases.measured, Scan)
    assert cases.ground_truth is not None
    assert better.ground_truth is not None
    truth = shaded(better.ground_truth, cases.ground_truth)
    return replace(cases, measured=replace(cases.measured, ground_truth=truth))


def mean_of_samples(cases: Cases, prior: Prior) -> NDArray[np.inexact]:
    """What the default method makes of them."""
    return reconstruct(cases, fast(), prior, samples=8).mean


class Contenders:
    """All reconstructions of an undersampled scan, each made when it is asked for."""

    def __init__(self, cases: Cases, ours: Callable[[], NDArray[np.inexact]]) -> None:
        self._cases, self._ours = cases, ours

    @cached_property
    def _classical(self) -> dict[str, Best]:
        return self._cases.classical()

    def score(self, name: str) -> float:
        """PSNR by fastMRI's convention."""
        truth = self._cases.ground_truth
        assert truth is not None  # the scan is fully sampled
        if name == "zero-filled":
            return psnr(truth, self._cases.zero_filled)
        if name == OURS:
            return psnr(truth, self._ours())
        return self._classical[name].psnr


def main(
    folder: Annotated[Path, typer.Argument(help="Of fastMRI-layout HDF5 files.")],
    rows_path: Annotated[Path, typer.Argument(metavar="ROWS", help="CSV file of results.")],
    scans: Annotated[str, typer.Option(help="Names of files without their ending.")] = SCANS,
) -> None:
    """Make the rows that are missing and print the table."""
    keep_heap()
    prior, rows = load_prior("builtin"), Rows(rows_path)
    lines = []

    @cache
    def undersampled(scan_name: str, mask_name: str) -> Cases:
        scan = read_scan(folder / f"{scan_name}.h5")
        return scan_cases(scan, "sense", mask=MASKS_TRIED[mask_name](scan.image_shape))

    for scan_name in scans.split(","):
        for mask_name in MASKS_TRIED:
            cases = undersampled(scan_name, mask_name)
            ours = cache(partial(mean_of_samples, cases, prior))  # whatever it is held against
            against = {scan_name: cases}
            if twin := BETTER_TRUTHS.get(scan_name):
                against[f"{scan_name} against {twin}"] = with_better_truth(cases, undersampled(twin, mask_name))
            for name, compared in against.items():
                contenders = Contenders(compared, ours)
                scores = [rows.get((name, mask_name, by), partial(contenders.score, by)) for by in (*RIVALS, OURS)]
                listed = " | ".join(f"{score:.2f}" for score in scores)
                lines.append(f"| {name} | {mask_name} | {listed} | {scores[-1] - max(scores[:-1]):+.2f} |")
    print(f"| scan | mask | {' | '.join(RIVALS)} | `{OURS}` | above the best |")
    print("|---" * (len(RIVALS) + 4) + "|")
    print("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
