"""Tomography of a real slice from few views: `python benchmarks/ct.py ../shared/data/slices.h5 rows.csv`.

The middle slice of a series of subjects that training never saw, at 128 x 128, in parallel-beam projections of
deepinv's `Tomography` with noise of a hundredth of the largest one. Methods of this package, made for MRI, beside
filtered back-projection and total variation by SigPy, these at the smoothing and the weight that suit the truth best.
PSNR and SSIM against the slice. Results already among the rows are not made again.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import sigpy
import torch
import typer
from deepinv.physics import Tomography
from numpy.typing import NDArray
from rows import Rows
from scipy.ndimage import gaussian_filter
from series import middle_slices
from skimage.transform import resize

from invdiff import Problem, load_prior
from invdiff.bridges import from_deepinv, to_sigpy
from invdiff.classical import best_by_truth
from invdiff.cli.heap import keep_heap
from invdiff.diffusion import RealImage, Sampler
from invdiff.methods import dds, estimate, song2021
from invdiff.metrics import psnr, ssim

SIDE = 128
SMOOTHING = (0.3, 0.5, 0.7, 1.0, 1.4)
TV_WEIGHTS = (5e-5, 1e-4, 2e-4, 4e-4)
SAMPLERS: dict[str, tuple[Callable[[], Sampler], int]] = {
    "`estimate`, 30 steps": (partial(estimate, signal=RealImage()), 1),
    "`dds`, 50 steps": (partial(dds, signal=RealImage()), 1),
    "`dds`, 50 steps, `gamma=60`, `cg_steps=10`, mean of 4": (
        partial(dds, gamma=60.0, cg_steps=10, signal=RealImage()),
        4,
    ),
    "`song2021`, 400 steps, `sigma_max=0.5`": (partial(song2021, steps=400, sigma_max=0.5), 1),
}
"""Samplers, and the mean of how many samples."""
Image = NDArray[np.float32]


def scan(truth: Image, views: int) -> tuple[Tomography, Problem]:
    """The instrument, and its noisy projections of the slice."""
    physics = Tomography(angles=views, img_width=SIDE, circle=False, normalize=True)
    A = from_deepinv(physics, truth.shape)
    clean = A(truth)
    noise_std = 0.01 * float(clean.max())
    noise = noise_std * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return physics, Problem(A, clean + noise, noise_std)


def filtered(physics: Tomography, problem: Problem, smoothing: float) -> Image:
    """Filtered back-projection, smoothed by a Gaussian of so many pixels."""
    image: Image = physics.A_dagger(problem.y[None])[0, 0].numpy()
    return gaussian_filter(image, smoothing)[None]


def total_variation(problem: Problem, weight: float) -> Image:
    """Least squares with a penalty on anisotropic total variation, by SigPy's ADMM."""
    A = to_sigpy(problem.operator)
    differences = sigpy.linop.FiniteDifference(A.ishape)
    app = sigpy.app.LinearLeastSquares(
        A,
        problem.y.numpy(),
        G=differences,
        proxg=sigpy.prox.L1Reg(differences.oshape, weight),
        solver="ADMM",
        rho=1e-2,
        max_iter=20,
        max_cg_iter=10,
        show_pbar=False,
    )
    image: Image = app.run()
    return image[None]


def sampled(problem: Problem, make: Callable[[], Sampler], samples: int) -> Image:
    """The mean of samples."""
    return make()(problem, load_prior("builtin"), samples=samples).mean[None].numpy()


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    rows_path: Annotated[Path, typer.Argument(metavar="ROWS", help="CSV file of results.")],
    views: Annotated[int, typer.Option(help="Directions, evenly spaced over half a turn.")] = 60,
    which: Annotated[int, typer.Option(help="The number of the series.")] = 0,
) -> None:
    """Make the rows that are missing and print the table."""
    keep_heap()
    rows = Rows(rows_path)
    name, whole = list(middle_slices(path, "test"))[which]
    truth = resize(whole, (SIDE, SIDE), anti_aliasing=True).astype(np.float32)
    physics, problem = scan(truth, views)

    def best(method: Callable[[float], Image], weights: tuple[float, ...]) -> Image:
        found = best_by_truth(method, weights, truth[None])
        print(f"best at {found.weight:g}", flush=True)
        return found.image

    made: dict[str, Callable[[], Image]] = {
        "filtered back-projection": partial(best, partial(filtered, physics, problem), SMOOTHING),
        "total variation": partial(best, partial(total_variation, problem), TV_WEIGHTS),
        **{label: partial(sampled, problem, *each) for label, each in SAMPLERS.items()},
    }
    print(f"{name}, {views} views")
    print("| method | PSNR (dB) | SSIM |\n|---|---|---|")
    for label, make in made.items():

        def scores(make: Callable[[], Image] = make) -> dict[str, float]:
            image = make()
            return {"psnr": psnr(truth[None], image), "ssim": ssim(truth[None], image)}

        found = rows.get_all((name, str(views), label), ("psnr", "ssim"), scores)
        print(f"| {label} | {found['psnr']:.2f} | {found['ssim']:.3f} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
