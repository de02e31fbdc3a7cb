"""The shipped prior as a denoiser beside BM3D: `python benchmarks/denoising.py ../shared/data/slices.h5 rows.csv`.

Real magnitude images in [0, 1] of subjects that training never saw, the middle slice of every series (or of every
EVERYth one), the same noise for both; PSNR with peak one, by contrast. Results already among the rows are not made
again.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import bm3d
import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rows import Rows
from series import middle_slices

from invdiff.cli.heap import keep_heap
from invdiff.priors import load_prior

SIGMAS = (0.02, 0.05, 0.1, 0.2, 0.5)
Image = NDArray[np.float32]


Denoiser = Callable[[Image, float], Image]


def score(denoise: Denoiser, image: Image, sigma: float, seed: tuple[int, int]) -> float:
    """PSNR with peak one of the image after noise was added and taken away again."""
    noisy = image + np.float32(sigma) * np.random.default_rng(seed).standard_normal(image.shape, np.float32)
    return float(-10 * np.log10(np.mean((image - denoise(noisy, sigma)) ** 2)))


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    rows_path: Annotated[Path, typer.Argument(metavar="ROWS", help="CSV file of results.")],
    split: str = "test",
    every: Annotated[int, typer.Option(help="Which series: 4 takes each fourth.")] = 1,
) -> None:
    """Make the rows that are missing and print the table."""
    keep_heap()
    prior, rows = load_prior("builtin"), Rows(rows_path)

    def ours(noisy: Image, sigma: float) -> Image:
        denoised: Image = prior.denoise(torch.from_numpy(noisy)[None, None], sigma)[0, 0].numpy()
        return denoised

    denoisers: dict[str, Denoiser] = {"this prior": ours, "BM3D": bm3d.bm3d}
    by_contrast: dict[str, list[list[list[float]]]] = {}
    for i, (name, image) in enumerate(middle_slices(path, split)):
        if i % every:
            continue
        scores = [
            [
                rows.get((split, name, f"{sigma:g}", by), partial(score, denoise, image, sigma, (i, j)))
                for j, sigma in enumerate(SIGMAS)
            ]
            for by, denoise in denoisers.items()
        ]
        by_contrast.setdefault(name[name.rindex("(") + 1 : -1], []).append(scores)
    by_contrast["all"] = [scores for group in by_contrast.values() for scores in group]
    print(f"| contrast | slices | denoiser | {' | '.join(f'{sigma:g}' for sigma in SIGMAS)} |")
    print("|---" * (len(SIGMAS) + 3) + "|")
    for contrast, group in by_contrast.items():
        for by, means in zip(denoisers, np.mean(group, axis=0), strict=True):
            print(f"| {contrast} | {len(group)} | {by} | {' | '.join(f'{mean:.2f}' for mean in means)} |")


if __name__ == "__main__":
    typer.run(main)
