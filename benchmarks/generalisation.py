"""One prior, no retraining, at every mask and acceleration, contrast and anatomy:
`python benchmarks/generalisation.py ../shared/data/slices.h5 rows.csv`.

Middle slices of series that training never saw, of several contrasts of the head (split `test`) and of the spine (split
`ood`; none in training), at 128 x 128 by the centre of their k-space: 8 birdcage coils, smooth phase, complex noise of
standard deviation 0.005 of the maximum, the maps given. The default method's mean of four samples against zero-filled
and L1-wavelet, the latter at its best weight by the truth. Rows that are in the file already are not made again.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from series import middle_slices

from invdiff.cli.heap import keep_heap
from invdiff.data import MASKS, achieved_acceleration, simulate
from invdiff.diffusion import fast
from invdiff.evaluation import psnr
from invdiff.evaluation.baselines import SPARSE_WEIGHTS, best_by_truth, l1_wavelet, zero_filled
from invdiff.priors import load_prior
from invdiff.reconstruction import reconstruct, scan_cases

SIDE = 128
SERIES = {"test": (0, 24, 29), "ood": (2,)}
CASES = [(mask, acceleration) for acceleration in (4, 8, 24) for mask in ("random", "poisson")]
CENTRE = {4: 0.08, 8: 0.04, 24: 0.02}
SAMPLES = 4


def coarse(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The magnitude of what a scan of SIDE x SIDE would have seen."""
    top, left = ((n - SIDE) // 2 for n in image.shape)
    kspace = np.fft.fftshift(np.fft.fft2(image))[top : top + SIDE, left : left + SIDE]
    return np.abs(np.fft.ifft2(np.fft.ifftshift(kspace)) * SIDE**2 / image.size).astype(np.float32)


def main() -> None:
    path, rows = Path(sys.argv[1]), Path(sys.argv[2])
    keep_heap()
    prior = load_prior("builtin")
    known = {tuple(row[:3]) for row in csv.reader(rows.open())} if rows.exists() else set()
    for split, wanted in SERIES.items():
        for i, (name, image) in enumerate(middle_slices(path, split)):
            for mask_name, acceleration in CASES if i in wanted else ():
                if (name, mask_name, str(acceleration)) in known:
                    continue
                mask = MASKS[mask_name]((SIDE, SIDE), acceleration, CENTRE[acceleration], i)
                scan = simulate(coarse(image), coils=8, mask=mask, noise_std=0.005, seed=i)
                cases = scan_cases(scan, "sense")
                truth = cases.ground_truth
                begun = psnr(truth, zero_filled(scan))
                rival = best_by_truth(lambda w, scan=scan: l1_wavelet(scan, w), SPARSE_WEIGHTS, truth)
                ours = psnr(truth, reconstruct(cases, fast(), prior, samples=SAMPLES, seed=0).mean)
                achieved = achieved_acceleration(mask)
                row = [
                    name,
                    mask_name,
                    acceleration,
                    f"{achieved:.2f}",
                    split,
                    *(f"{v:.2f}" for v in (begun, rival.psnr, ours)),
                ]
                print(*row, flush=True)
                with rows.open("a", newline="") as file:
                    csv.writer(file).writerow(row)


if __name__ == "__main__":
    main()
