"""Denoising PSNR of the shipped prior beside BM3D: `python benchmarks/denoising.py ../shared/data/slices.h5`.

Real magnitude images in [0, 1] of subjects that training never saw, one slice of each series, the same noise for both;
PSNR with peak one.
"""

import sys
from pathlib import Path

import bm3d
import numpy as np
import torch
from series import middle_slices

from invdiff.priors import load_prior

SIGMAS = (0.02, 0.05, 0.1, 0.2, 0.5)


def psnr(truth: np.ndarray, image: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((truth - image) ** 2)))


def main() -> None:
    path, split = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "test"
    every = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    prior = load_prior("builtin")
    rng = np.random.default_rng(0)
    series = list(middle_slices(path, split))[::every]
    scores = np.zeros((len(series), 2, len(SIGMAS)))
    for i, (name, image) in enumerate(series):
        for j, sigma in enumerate(SIGMAS):
            noisy = image + sigma * rng.standard_normal(image.shape).astype(np.float32)
            ours = prior.denoise(torch.from_numpy(noisy)[None, None], sigma)[0, 0].numpy()
            scores[i, :, j] = psnr(image, ours), psnr(image, bm3d.bm3d(noisy, sigma))
        print(name, "prior", scores[i, 0].round(2), "BM3D", scores[i, 1].round(2), flush=True)
    print(f"\n{len(series)} slices of {split}; sigma:", *SIGMAS)
    print("prior", *scores[:, 0].mean(0).round(2))
    print("BM3D ", *scores[:, 1].mean(0).round(2))


if __name__ == "__main__":
    main()
