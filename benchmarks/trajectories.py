"""Scans along trajectories by all that reconstruct them: `python benchmarks/trajectories.py rows.csv
../shared/data/slices.h5 [--series 0,17] [--side 256]`.

The middle slice of series of the split test, brought to 128 x 128 by the centre of its k-space; 8 birdcage coils,
smooth phase, complex noise of standard deviation 0.005 of the maximum, maps and noise level given. Of another side,
spokes are as many as make the same acceleration. The images are processed magnitudes, so k-space made of them flatters
every method. Gridded by the samples' density, CG-SENSE, L1-wavelet and total variation, each at its best weight by the
truth, and `estimate`. PSNR by fastMRI's conventions. Every number is a row; those that are there already are not made
again.
"""

import math
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from contenders import RIVALS, estimate, score
from rows import Rows
from series import middle_slices, small

from invdiff.cli.heap import keep_heap
from invdiff.data import Trajectory, radial, simulate_along, spiral
from invdiff.priors import load_prior
from invdiff.reconstruction import scan_cases

COILS, NOISE_STD, CALLS = 8, 0.005, 30
ACCELERATIONS = 11.8, 18.8
"""Of spokes: 17 and 11 for 128 pixels, 34 and 21 for 256."""


def trajectories(side: int) -> dict[str, Trajectory]:
    """By name, of images of that side."""
    spokes = [round(math.pi / 2 * side / acceleration) for acceleration in ACCELERATIONS]
    return {
        **{f"{count} spokes": radial(count, 2 * side) for count in spokes},
        "spiral, 4 interleaves": spiral(4, side, acceleration=6, centre_fraction=0.15),
    }


def print_table(rows: Rows, side: int, series: list[str]) -> None:
    """One row a series, and what `estimate` gains above the best of its rivals."""
    names = [*RIVALS, "estimate"]
    for trajectory in trajectories(side):
        print(f"\n| {trajectory} | {' | '.join(names)} | gain |\n" + "|---" * (len(names) + 2) + "|")
        gains = []
        for name in series:
            found = [rows.known[str(side), trajectory, name, contender, "PSNR"] for contender in names]
            gains.append(found[-1] - max(found[:-1]))
            print(f"| {name} | {' | '.join(f'{value:.2f}' for value in found)} | {gains[-1]:+.2f} |")
        print(f"mean {np.mean(gains):+.2f} dB, worst {min(gains):+.2f} dB over {len(gains)} series")


def main(
    table: Annotated[Path, typer.Argument(help="CSV of what is known.")],
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    series: Annotated[str, typer.Option(help="Numbers of series, or nothing for all.")] = "",
    side: Annotated[int, typer.Option(help="Of the images, in pixels.")] = 128,
) -> None:
    """Make the rows that are missing, and print the tables of these series."""
    keep_heap()
    torch.set_num_threads(1)
    rows, prior = Rows(table), load_prior("builtin").in_precision("auto")
    everyone = {**RIVALS, "estimate": estimate(prior, CALLS)}
    chosen, names = [int(number) for number in series.split(",") if number], []
    for number, (name, image) in enumerate(middle_slices(path, "test")):
        if chosen and number not in chosen:
            continue
        names.append(name)
        for trajectory, points in trajectories(side).items():
            scan = simulate_along(small(image, side), points, coils=COILS, noise_std=NOISE_STD, seed=number)
            cases = scan_cases(scan, "non-cartesian")
            for contender, made in everyone.items():
                key = (str(side), trajectory, name, contender)
                rows.get_all(key, ("PSNR", "seconds"), partial(score, made, cases))
    print_table(rows, side, names)


if __name__ == "__main__":
    typer.run(main)
