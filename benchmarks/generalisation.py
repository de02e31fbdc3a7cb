"""One prior, no retraining, at every mask and acceleration, contrast and anatomy:
`python benchmarks/generalisation.py ../shared/data/slices.h5 rows.csv`.

Middle slices of series that training never saw, of several contrasts of the head (split `test`) and of the spine (split
`ood`; none in training), at 128 x 128 by the centre of their k-space: 8 birdcage coils, smooth phase, complex noise of
standard deviation 0.005 of the maximum, the maps given. The default method's mean of four samples against zero-filled
and L1-wavelet, the latter at its best weight by the truth. Results already among the rows are not made again.
"""

from functools import cache, partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from contenders import RIVALS, fast, make_mask, score, simulated_cases
from numpy.typing import NDArray
from rows import Rows
from series import middle_slices

from invdiff.cli.heap import keep_heap
from invdiff.data import achieved_acceleration
from invdiff.priors import load_prior

SIDE = 128
SERIES = {"test": (0, 24, 29), "ood": (2,)}
MASKS_TRIED = [(mask, acceleration) for acceleration in (4, 8, 24) for mask in ("random", "poisson")]
CENTRE = {4: 0.08, 8: 0.04, 24: 0.02}


def coarse(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The magnitude of what a scan of SIDE x SIDE would have seen."""
    top, left = ((n - SIDE) // 2 for n in image.shape)
    kspace = np.fft.fftshift(np.fft.fft2(image))[top : top + SIDE, left : left + SIDE]
    return np.abs(np.fft.ifft2(np.fft.ifftshift(kspace)) * SIDE**2 / image.size).astype(np.float32)


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    rows_path: Annotated[Path, typer.Argument(metavar="ROWS", help="CSV file of results.")],
) -> None:
    """Make the rows that are missing and print the table."""
    keep_heap()
    rows = Rows(rows_path)
    ours = fast(load_prior("builtin"), samples=4)
    contenders = {"zero-filled": RIVALS["zero-filled"], "L1-wavelet": RIVALS["L1-wavelet"], "fast": ours}
    lines = []
    for split, wanted in SERIES.items():
        for i, (name, image) in enumerate(middle_slices(path, split)):
            if i not in wanted:
                continue
            scanned = coarse(image)
            for kind, acceleration in MASKS_TRIED:
                sampling = kind, acceleration, CENTRE[acceleration]
                cases = cache(partial(simulated_cases, scanned, sampling, i))
                key = (split, name, kind, str(acceleration))
                scores = [
                    rows.get((*key, by), lambda contender=contender, cases=cases: score(contender, cases())["PSNR"])
                    for by, contender in contenders.items()
                ]
                listed = " | ".join(f"{value:.2f}" for value in scores)
                achieved = achieved_acceleration(make_mask(scanned.shape, sampling, i))
                gain = scores[2] - scores[1]
                lines.append(f"| {name} | {kind}, {acceleration}x | {achieved:.2f} | {listed} | {gain:+.2f} |")
    print("| series | mask | achieved | zero-filled | L1-wavelet | `fast` | above L1-wavelet |")
    print("|---" * 7 + "|")
    print("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
