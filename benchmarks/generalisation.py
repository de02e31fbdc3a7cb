"""One prior, no retraining, at every mask and acceleration, contrast and anatomy:
`python benchmarks/generalisation.py ../shared/data/slices.h5 rows.csv`.

Middle slices of series that training never saw, of several contrasts of the head (split `test`) and of the spine (split
`ood`; none in training), at 128 x 128 by the centre of their k-space: 8 birdcage coils, smooth phase, complex noise of
standard deviation 0.005 of the maximum, the maps given. The default method's mean of four samples against zero-filled
and L1-wavelet, the latter at its best weight by the truth. Results already among the rows are not made again.
"""

from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rows import Rows
from series import middle_slices

from invdiff.cli.heap import keep_heap
from invdiff.data import MASKS, achieved_acceleration, simulate
from invdiff.diffusion import fast
from invdiff.evaluation import psnr
from invdiff.evaluation.baselines import SPARSE_WEIGHTS, best_by_truth, l1_wavelet
from invdiff.priors import Prior, load_prior
from invdiff.reconstruction import reconstruct, scan_cases

SIDE = 128
SERIES = {"test": (0, 24, 29), "ood": (2,)}
MASKS_TRIED = [(mask, acceleration) for acceleration in (4, 8, 24) for mask in ("random", "poisson")]
CENTRE = {4: 0.08, 8: 0.04, 24: 0.02}
CONTENDERS = ("zero-filled", "L1-wavelet", "fast")


def coarse(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The magnitude of what a scan of SIDE x SIDE would have seen."""
    top, left = ((n - SIDE) // 2 for n in image.shape)
    kspace = np.fft.fftshift(np.fft.fft2(image))[top : top + SIDE, left : left + SIDE]
    return np.abs(np.fft.ifft2(np.fft.ifftshift(kspace)) * SIDE**2 / image.size).astype(np.float32)


def score(contender: str, prior: Prior, image: NDArray[np.float32], mask: NDArray[np.bool_], seed: int) -> float:
    """PSNR by fastMRI's convention."""
    scan = simulate(image, coils=8, mask=mask, noise_std=0.005, seed=seed)
    cases = scan_cases(scan, "sense")
    truth = cases.ground_truth
    assert truth is not None
    if contender == "zero-filled":
        return psnr(truth, cases.zero_filled)
    if contender == "L1-wavelet":
        return best_by_truth(partial(l1_wavelet, scan), SPARSE_WEIGHTS, truth).psnr
    return psnr(truth, reconstruct(cases, fast(), prior, samples=4, seed=0).mean)


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    rows_path: Annotated[Path, typer.Argument(metavar="ROWS", help="CSV file of results.")],
) -> None:
    """Make the rows that are missing and print the table."""
    keep_heap()
    prior, rows = load_prior("builtin"), Rows(rows_path)
    lines = []
    for split, wanted in SERIES.items():
        for i, (name, image) in enumerate(middle_slices(path, split)):
            for kind, acceleration in MASKS_TRIED if i in wanted else ():
                mask = MASKS[kind]((SIDE, SIDE), acceleration, CENTRE[acceleration], i)
                make = partial(score, prior=prior, image=coarse(image), mask=mask, seed=i)
                key = (split, name, kind, str(acceleration))
                scores = [rows.get((*key, by), partial(make, by)) for by in CONTENDERS]
                listed = " | ".join(f"{value:.2f}" for value in scores)
                achieved = achieved_acceleration(mask)
                gain = scores[2] - scores[1]
                lines.append(f"| {name} | {kind}, {acceleration}x | {achieved:.2f} | {listed} | {gain:+.2f} |")
    print("| series | mask | achieved | zero-filled | L1-wavelet | `fast` | above L1-wavelet |")
    print("|---" * 7 + "|")
    print("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
