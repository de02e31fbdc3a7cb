"""How rough reconstructed volumes are along z: `python benchmarks/volumes.py ../shared/data/slices.h5`.

Neighbouring slices of 96 x 96 of two heads that no prior saw, 8 birdcage coils, noise of 0.01 of the maximum, every
fourth or eighth line and eight central ones, maps and noise known. One head is as fine along z as in its planes:
sagittal slices, whose distance is interpolated, are cut anew across their axis -2. Noise is smoothed away first, for it
would be taken for roughness that is lost.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated

import h5py
import numpy as np
import torch
import typer
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from invdiff.data import simulate
from invdiff.data.masks import equispaced
from invdiff.methods import find_method
from invdiff.metrics import psnr, z_roughness
from invdiff.priors import Prior, load_prior
from invdiff.reconstruction import Assumptions, Cases, Measurement, find_kind, reconstruct

Volume = NDArray[np.float32]
SIDE, COILS, LINES, NOISE_STD = 96, 8, 8, 0.01

WAYS = {
    ("estimate", "slice by slice"): {},
    ("estimate", "volume shown by slices alone"): {"signal": "alternating-planes(turned, (-3))"},
    ("estimate", "volume"): {"signal": "alternating-planes"},
    ("calibrated", "slice by slice"): {"steps": "10", "correlated_slices": "1"},
    ("calibrated", "four correlated slices"): {"steps": "10", "correlated_slices": "4"},
    ("calibrated", "volume"): {"steps": "10", "signal": "alternating-planes"},
}
"""Methods, and their settings: of samples fewer network calls than by default, which take long."""


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


VOLUMES = {"1.15 mm": partial(finely_cut, count=16), "3 mm": as_scanned}
"""By the distance of slices."""


def measured(volume: Volume, acceleration: int) -> Cases:
    """Every so many lines of it, and the central ones."""
    full = simulate(volume, coils=COILS, noise_std=NOISE_STD, seed=1)
    mask = equispaced((SIDE, SIDE), acceleration, LINES, offset=1)
    return Measurement(full, find_kind("sense"), mask, Assumptions(map_sets=1)).cases()


def flicker(samples: NDArray[np.complexfloating]) -> float:
    """What the first sample and the last ``(slices, samples, H, W)`` differ by, from slice to slice: 1 where slices are
    independent, 0 where all have the same."""
    between = samples[:, 0] - samples[:, -1]
    return float((np.abs(np.diff(between, axis=0)) ** 2).mean() / (2 * (np.abs(between) ** 2).mean()))


def row(cases: Cases, prior: Prior, method: str, settings: dict[str, str]) -> Iterator[str]:
    """Roughness and PSNR of one sample and, of samples, of the mean of two, and their flicker."""
    sampler, count = find_method(method).with_settings(settings), 1 if method == "estimate" else 2
    samples, truth = reconstruct(cases, sampler, prior, samples=count).samples, cases.ground_truth
    assert truth is not None
    for image in (samples[:, 0], samples.mean(1))[:count]:
        yield f"{z_roughness(truth, image):.2f}"
        yield f"{psnr(truth, image):.2f}"
    if count > 1:
        yield f"{flicker(samples):.2f}"


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 source/subject/name/images.")],
    accelerations: Annotated[str, typer.Option(help="Every how many lines are measured.")] = "4,8",
    methods: Annotated[str, typer.Option(help="Which methods.")] = "estimate,calibrated",
) -> None:
    """Print the tables of docs/volumes.md."""
    torch.set_num_threads(1)
    prior = load_prior("builtin")
    for method, (name, volume), acceleration in product(methods.split(","), VOLUMES.items(), accelerations.split(",")):
        cases = measured(volume(path), int(acceleration))
        for (of, way), settings in WAYS.items():
            if of == method:
                found = row(cases, prior, method, settings)
                print(" | ".join(["", name, f"{acceleration}x", method, way, *found, ""]).strip(), flush=True)


if __name__ == "__main__":
    typer.run(main)
