"""The package's scan, every line offset and ten seeds: `python benchmarks/sample.py [SEEDS [OFFSET ...]]`.

The estimate of 30 network calls, against zero-filled, CG-SENSE, L1-wavelet and TV, these at their best weight by the
truth and all on the same maps. The truth is the combination of the full data's coils by these maps. PSNR by fastMRI's
convention.
"""

import sys

import numpy as np

from invdiff.classical import rivals
from invdiff.cli.heap import keep_heap
from invdiff.data.masks import achieved_acceleration, equispaced
from invdiff.methods import estimate
from invdiff.metrics import psnr
from invdiff.priors import load_prior
from invdiff.reconstruction import known_noise, reconstruct, sample_scan, scan_cases


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    offsets = [int(offset) for offset in sys.argv[2:]] or range(4)
    keep_heap()
    prior, scan = load_prior("builtin").in_precision("auto"), sample_scan()
    margins = []
    for offset in offsets:
        mask = equispaced(scan.image_shape, 4, 20, offset)
        cases = known_noise(scan_cases(scan, "sense", mask=mask), prior)
        truth = cases.ground_truth
        assert truth is not None
        known = {"zero-filled": psnr(truth, cases.zero_filled)}
        known |= {name: best.psnr for name, best in rivals(cases).items()}
        print(
            f"offset {offset}, acceleration {achieved_acceleration(mask):.2f}:",
            ", ".join(f"{n} {v:.2f}" for n, v in known.items()),
        )
        for seed in range(seeds):
            ours = psnr(truth, reconstruct(cases, estimate(), prior, samples=1, seed=seed).image)
            margins.append([ours - value for value in known.values()])
            print(f"  seed {seed}: {ours:.2f} dB", flush=True)
    for name, margin in zip(known, np.array(margins).T, strict=True):
        print(f"above {name}: worst {margin.min():+.2f} dB, mean {margin.mean():+.2f} dB")


if __name__ == "__main__":
    main()
