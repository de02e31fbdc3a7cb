"""What intervals hold on validation images: `python benchmarks/conformal.py ../shared/data/slices.h5 results`.

The middle slice of each of 12 subjects of the split val, those with several contrasts first and with another one each,
brought to 96 x 96 by the centre of its k-space; 8 birdcage coils, a smooth phase, maps and noise level (0.005 of the
maximum) given; reconstructed as `invdiff solve` does, with its audit, and scored where the image is above a twentieth
of its maximum. Finished results are in the folder and not made again. Prints the table of docs/uncertainty.md, and
writes the one that ships.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import h5py
import numpy as np
import typer
from numpy.typing import NDArray
from series import SAMPLINGS, middle_slices, small

from invdiff.cli.heap import keep_heap
from invdiff.data import MASKS, simulate
from invdiff.files.atomic import atomic
from invdiff.files.hdf5 import attributes_of, reading
from invdiff.methods import find_method
from invdiff.priors import load_prior
from invdiff.reconstruction import Conformal, Coverage, Magnitude, Recipe, Study, scan_cases
from invdiff.reconstruction.uncertainty import how_made
from invdiff.reconstruction.uncertainty.conformal import LEVELS, TABLE

SIDE, COILS, NOISE, SAMPLES = 96, 8, 0.005, 4
SEEN = 0.05  # of the maximum, below which a pixel is background


def images(path: Path, count: int) -> Iterator[NDArray[np.float32]]:
    """One of each subject, first of those of which there are several contrasts."""
    by_subject: dict[str, list[NDArray[np.float32]]] = {}
    for name, image in middle_slices(path, "val"):
        by_subject.setdefault(name.rsplit("/", 1)[0], []).append(image)
    for number, contrasts in enumerate(sorted(by_subject.values(), key=len, reverse=True)[:count]):
        yield small(contrasts[number % len(contrasts)], SIDE)


def scores(path: Path) -> dict[float, NDArray[np.float64]]:
    """The errors of a result's magnitude in parts of half widths, by level."""
    with h5py.File(path) as file:
        truth = np.abs(file["ground_truth"][0])
        told = Magnitude.of(file["samples"][0], file["image"][0]).pixels
    seen = truth > SEEN * truth.max()
    return {level: np.abs(truth - told.centre)[seen] / told.half_width(level)[seen] for level in LEVELS}


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    folder: Annotated[Path, typer.Argument(help="For results.")],
    count: Annotated[int, typer.Option(help="How many images.")] = 12,
) -> None:
    """Reconstruct what is missing, print the table and write what ships."""
    keep_heap()
    prior = load_prior("builtin").in_precision("auto")
    image = find_method("estimate")
    assert image.spread is not None
    posterior = Recipe(find_method(image.spread), samples=SAMPLES)
    study = Study(prior, Recipe(image), posterior, attributes={"prior": "builtin"})
    found: list[Conformal] = []
    for sampling, (mask, acceleration, centre) in SAMPLINGS.items():
        every, attributes = [], {}
        for number, image in enumerate(images(path, count)):
            sampled = MASKS[mask](image.shape, acceleration, centre, number)
            scan = simulate(image, coils=COILS, mask=sampled, noise_std=NOISE, seed=number)
            result = folder / sampling / str(number)
            result.mkdir(parents=True, exist_ok=True)
            begun = perf_counter()
            study(scan_cases(scan, "sense"), result)
            print(sampling, number, f"{perf_counter() - begun:.1f} s", flush=True)
            every.append(scores(result / "reconstruction.h5"))
            with reading(result / "reconstruction.h5") as file:
                attributes = attributes_of(file)
        coverages = tuple(Coverage.of([one[level] for one in every], level) for level in LEVELS)
        words = f"{len(every)} validation images ({SIDE} x {SIDE}, {COILS} coils, simulated)"
        found.append(Conformal(how_made(attributes, SAMPLES), attributes["acceleration"], words, coverages))
    print("| sampling | level | held | times as wide | conformal |\n" + "|---" * 5 + "|")
    for sampling, one in zip(SAMPLINGS, found, strict=True):
        for cover in one.coverages:
            figures = f"{cover.level:.0%} | {cover.held:.0%} | {cover.factor:.2f} | {cover.conformal_factor:.2f}"
            print(f"| {sampling} | {figures} |")
    rows: list[dict[str, Any]] = [one.row for one in found]
    ships = Path(__file__).resolve().parents[1] / "invdiff" / "reconstruction" / "uncertainty" / TABLE
    with atomic(ships) as temporary:
        temporary.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
