"""How rough reconstructed volumes are along z: `python benchmarks/volumes.py ../shared/data/slices.h5`.

Eight neighbouring slices of 96 x 96 of two heads that no prior saw, 8 birdcage coils, noise of 0.01 of the maximum,
every fourth line and eight central ones, maps and noise known. One head is as fine along z as in its planes: sagittal
slices, whose distance is interpolated, are cut anew across their axis -2. Noise is smoothed away first, for it would be
taken for roughness that is lost.
"""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Annotated

import h5py
import numpy as np
import torch
import typer
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from invdiff.data import Scan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import AlternatingPlanes, Problem
from invdiff.methods import find_method
from invdiff.metrics import psnr, z_roughness
from invdiff.operators import Fourier, Sensitivities, Subsample
from invdiff.priors import Prior, load_prior
from invdiff.reconstruction import Assumptions, Cases, Measurement, find_kind

Volume = NDArray[np.float32]
SIDE, COILS, LINES, NOISE_STD = 96, 8, 8, 0.01
STEPS = {"calibrated": "10", "estimate": "10"}


def finely_cut(path: Path, count: int) -> Volume:
    """Slices 1.15 mm apart."""
    with h5py.File(path) as file:
        sagittal = file["fnndsc_adi/sub1/T1w/images"][:].astype(np.float32) / 250
    cut = np.moveaxis(sagittal, 1, 0)[90 - count // 2 - 2 : 90 + (count + 1) // 2 + 2]
    fine = np.stack([zoom(image, (4, 1), order=1) for image in cut])[:, 40 : 40 + SIDE, 48 : 48 + SIDE]
    smooth: Volume = gaussian_filter(fine, 1)[2:-2]
    return smooth


def as_scanned(path: Path) -> Volume:
    """Slices 3 mm apart, of every other pixel."""
    with h5py.File(path) as file:
        images = file["open_ms_long/patient12/study1_FLAIR/images"][6:14, ::2, ::2].astype(np.float32) / 250
    smooth: Volume = gaussian_filter(images[:, 32 : 32 + SIDE, 32 : 32 + SIDE], (0.5, 1, 1))
    return smooth


def scanned(volume: Volume) -> tuple[Scan, NDArray[np.bool_]]:
    """All of its k-space, and what of it is kept."""
    return simulate(volume, coils=COILS, noise_std=NOISE_STD, seed=1), equispaced((SIDE, SIDE), 4, LINES, offset=1)


def flicker(samples: NDArray[np.complexfloating]) -> float:
    """What the first sample and the last differ by, from slice to slice: 1 where slices are independent, 0 where all
    have the same."""
    between = samples[0] - samples[-1]
    return float((np.abs(np.diff(between, axis=0)) ** 2).mean() / (2 * (np.abs(between) ** 2).mean()))


def row(name: str, cases: Cases, prior: Prior, method: str, correlated_slices: str) -> str:
    """Roughness and PSNR of one sample and of the mean of two."""
    settings = {"steps": STEPS[method], "correlated_slices": correlated_slices}
    sampler, count = find_method(method).with_settings(settings), 1 if method == "estimate" else 2
    drawn = [sampler(problem, prior, samples=count, case=case).samples for case, problem in enumerate(cases)]
    samples, truth = torch.stack(drawn, 1).numpy(), cases.ground_truth
    assert truth is not None
    found = [f"{score(truth, image):.2f}" for image in (samples[0], samples.mean(0)) for score in (z_roughness, psnr)]
    told = f"{flicker(samples):.2f}" if count > 1 else ""
    return " | ".join(["", name, method, correlated_slices, *found, told, ""]).strip()


def planes(path: Path, prior: Prior, count: int = 16) -> None:
    """The finely cut head as a volume, shown to the prior slice by slice and along every axis."""
    full, mask = scanned(finely_cut(path, count))
    kept = torch.from_numpy(np.broadcast_to(mask, (count, SIDE, SIDE)).copy())
    assert full.maps is not None
    maps = Sensitivities(torch.from_numpy(full.maps).movedim(1, 0), image_dims=3)
    operator = Subsample(kept) @ Fourier((count, SIDE, SIDE), axes=(-2, -1)) @ maps
    y = torch.from_numpy(full.kspace).movedim(1, 0)[:, kept]
    problem, truth = Problem(operator, y, full.noise_std), full.ground_truth
    assert truth is not None
    base = find_method("estimate").with_settings({"steps": STEPS["estimate"]})
    for name, axes in (("across z alone", (-3,)), ("across every axis", (-3, -2, -1))):
        image = replace(base, signal=AlternatingPlanes(base.signal, axes))(problem, prior).samples[0].numpy()
        print(f"| {name} | {z_roughness(truth, image):.2f} | {psnr(truth, image):.2f} |", flush=True)


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 source/subject/name/images.")],
    lengths: Annotated[str, typer.Option(help="Numbers of correlated slices.")] = "1,4",
) -> None:
    """Print the tables of docs/volumes.md."""
    torch.set_num_threads(1)
    prior = load_prior("builtin")
    for name, volume in (("1.15 mm", finely_cut(path, 8)), ("3 mm", as_scanned(path))):
        full, mask = scanned(volume)
        cases = Measurement(full, find_kind("sense"), mask, Assumptions(map_sets=1)).cases()
        for method, correlated_slices in product(STEPS, lengths.split(",")):
            print(row(name, cases, prior, method, correlated_slices), flush=True)
    planes(path, prior)


if __name__ == "__main__":
    typer.run(main)
