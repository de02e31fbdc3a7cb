"""Measured scans with full data: `python benchmarks/measured.py ../shared/data/kspace rows.csv [--scans NAME,...]`.

Undersampled by hand: 20 central lines and every fourth of the others; and Poisson discs at 6x with a centre of 8 %.
Maps by ESPIRiT and noise from the undersampled data alone, coils prewhitened where the data tell how. The default
method's mean of eight samples, against zero-filled, CG-SENSE, L1-wavelet and total variation, each of these at its best
weight by the truth. The truth is the combination of the full data's coils by the same maps. Results already among the
rows are not made again.
"""

from functools import cached_property, partial
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
from invdiff.reconstruction import reconstruct, scan_cases

SCANS = "brain_pulseq_16ch,brain_pulseq_bodycoil_2ch,brain_librehub_8ch"
MASKS_TRIED = {
    "every 4th line": lambda shape: equispaced(shape, 4, 20, 0),
    "6x Poisson": lambda shape: MASKS["poisson"](shape, 6.0, 0.08, 0),
}
RIVALS = ("zero-filled", "CG-SENSE", "L1-wavelet", "TV")
OURS = "fast"


class Contenders:
    """All reconstructions of a scan undersampled by a mask, each made when it is asked for."""

    def __init__(self, scan: Scan, mask: NDArray[np.bool_], prior: Prior) -> None:
        self._cases, self._prior = scan_cases(scan, "sense", mask=mask), prior

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
            return psnr(truth, reconstruct(self._cases, fast(), self._prior, samples=8).mean)
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
    for scan_name in scans.split(","):
        scan = read_scan(folder / f"{scan_name}.h5")
        for mask_name, mask in MASKS_TRIED.items():
            contenders = Contenders(scan, mask(scan.image_shape), prior)
            scores = [rows.get((scan_name, mask_name, by), partial(contenders.score, by)) for by in (*RIVALS, OURS)]
            listed = " | ".join(f"{score:.2f}" for score in scores)
            lines.append(f"| {scan_name} | {mask_name} | {listed} | {scores[-1] - max(scores[:-1]):+.2f} |")
    print(f"| scan | mask | {' | '.join(RIVALS)} | `{OURS}` | above the best |")
    print("|---" * (len(RIVALS) + 4) + "|")
    print("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
