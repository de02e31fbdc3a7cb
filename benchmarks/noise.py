"""How well the noise is told: `python benchmarks/noise.py ../shared/data [--series 0,5]`.

Scans of known noise: the middle slice of every series of the split val, 8 birdcage coils (or one), smooth phase, noise
of 0.005 of the maximum; then other objects, coils, sizes and noise levels; how often the stated uncertainty holds the
error; measured scans beside the levels in their files, which were read off k-space and are no truth.
"""

import json
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Annotated

import h5py
import numpy as np
import typer
from numpy.typing import NDArray
from series import middle_slices

from invdiff.data import MASKS, Noise, estimate_noise, read_scan, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.errors import InputError

SAMPLINGS = {
    "full": lambda shape: np.ones(shape, bool),
    "4x lines": lambda shape: MASKS["random"](shape, 4.0, 0.08, 0),
    "8x lines": lambda shape: MASKS["random"](shape, 8.0, 0.04, 0),
    "8x Poisson": lambda shape: MASKS["poisson"](shape, 8.0, 0.04, 0),
}
OBJECTS = {
    "Shepp-Logan": lambda side: np.abs(shepp_logan((side, side))),
    "white texture": lambda side: texture(side),
}
LEVELS = (0.001, 0.01, 0.1)
COILS = (1, 8, 16, 32)


def texture(side: int) -> NDArray[np.float64]:
    """White noise in an ellipse (side, side)."""
    y, x = np.meshgrid(*[np.linspace(-1, 1, side)] * 2, indexing="ij")
    return np.abs(np.random.default_rng(0).standard_normal((side, side))) * ((y / 0.85) ** 2 + (x / 0.7) ** 2 < 1)


def told(image: NDArray[np.floating], coils: int, sampling: str, level: float) -> tuple[float, Noise]:
    """The relative error of the level, and what was told."""
    mask = SAMPLINGS[sampling](image.shape)
    scan = simulate(image, coils=coils, mask=mask, noise_std=level)
    noise = estimate_noise(scan.kspace, scan.mask)
    return noise.std / level - 1, noise


def row(name: str, results: list[tuple[float, Noise]]) -> str:
    """Name, median and largest error, median stated uncertainty, and how often one and two of it hold the error."""
    errors = np.array([error for error, _ in results])
    stated = np.array([noise.uncertainty for _, noise in results])
    within = [f"{np.mean(np.abs(errors) <= times * stated):.0%}" for times in (1, 2)]
    worst = errors[np.abs(errors).argmax()]
    figures = (f"{np.median(errors):+.1%}", f"{worst:+.1%}", f"{np.median(stated):.1%}", *within)
    return f"| {name} | {len(results)} | {' | '.join(figures)} |"


def main(
    folder: Annotated[Path, typer.Argument(help="Holds slices.h5 and kspace/.")],
    series: Annotated[str, typer.Option(help="Numbers, such as 0,17; by default all.")] = "",
) -> None:
    """Print the tables of docs/noise.md."""
    chosen = series.split(",") if series else None
    every = (image for _, image in middle_slices(folder / "slices.h5", "val"))
    brains = [image for i, image in enumerate(every) if not chosen or str(i) in chosen]
    print("| | scans | median error | worst | stated | within one | within two |\n" + "|---" * 7 + "|")
    for coils, sampling in product((8, 1), SAMPLINGS):
        if (coils, sampling) not in ((1, "8x lines"), (1, "8x Poisson")):
            trials = [told(image, coils, sampling, 0.005) for image in brains]
            print(row(f"brains, {coils} coil(s), {sampling}", trials))
    for what, side in product(OBJECTS, (96, 256)):
        for sampling in ("full", "4x lines"):
            trials = [
                told(OBJECTS[what](side), coils, sampling, level)
                for coils, level in product(COILS, LEVELS)
                if coils > 1 or sampling == "full" or side > 96
            ]
            print(row(f"{what}, {side} x {side}, {sampling}", trials))
    print("\n| scan | of the file | full data | every 4th line | prewhitened | time |\n" + "|---" * 6 + "|")
    for path in sorted((folder / "kspace").glob("*.h5")):
        with h5py.File(path) as file:
            reference = np.sqrt(np.mean(np.square(json.loads(file.attrs["measured"])["noise_std_per_coil"])))
        scan = read_scan(path)
        cells, noise, start = [], None, perf_counter()
        for tried in (scan, scan.undersample(equispaced(scan.image_shape, 4, 24))):
            try:
                noise = estimate_noise(tried.kspace, tried.mask)
                cells.append(f"{noise.std / reference:.2f} ± {noise.uncertainty * noise.std / reference:.2f}")
            except InputError:
                cells.append("-")
        whitened = "yes" if noise is not None and noise.covariance is not None else "no"
        cells += [whitened, f"{(perf_counter() - start) / 2:.2f} s"]
        print(f"| {path.stem} | {reference:.3g} | {' | '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
