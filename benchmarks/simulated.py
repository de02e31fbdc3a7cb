"""Simulated scans of people that training never saw:
`python benchmarks/simulated.py ../shared/data/slices.h5 rows.csv [--split test] [--series 0,17] [--contenders fast]
[--device cuda]`.

The middle slice of every series: 8 birdcage coils, smooth phase, complex noise of standard deviation 0.005 of the
maximum, the maps given; random lines at 4x (8 % centre) and 8x (4 %), Poisson disc at 8x (4 %). The default method's
mean of eight samples against L1-wavelet and total variation, each at its best weight by the truth. The images are
processed magnitudes, so k-space made of them flatters every method. Results already among the rows are not made again;
at the end the table of docs/benchmarks.md is printed, with what is whole by then.
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from contenders import OURS, RIVALS, score
from rows import Rows
from series import middle_slices

from invdiff.cli.heap import keep_heap
from invdiff.priors import load_prior

MASKS_TRIED = {
    "4x lines": ("random", 4.0, 0.08),
    "8x lines": ("random", 8.0, 0.04),
    "8x Poisson": ("poisson", 8.0, 0.04),
}


def print_table(scores: dict[str, dict[str, tuple[float, float]]]) -> None:
    """A row for each series: by mask, the better rival, ours and the gain. Below, the gains by mask."""
    print(f"| series | {' | '.join(MASKS_TRIED)} |")
    print("|---" * (len(MASKS_TRIED) + 1) + "|")
    for name, by_mask in scores.items():
        cells = {mask: f"{better:.2f}, {ours:.2f}: {ours - better:+.2f}" for mask, (better, ours) in by_mask.items()}
        print(f"| {name} | {' | '.join(cells.get(mask, '') for mask in MASKS_TRIED)} |")
    for mask in MASKS_TRIED:
        pairs = [by_mask[mask] for by_mask in scores.values() if mask in by_mask]
        if gains := [ours - better for better, ours in pairs]:
            print(f"{mask}: mean {np.mean(gains):+.2f} dB, worst {np.min(gains):+.2f} dB over {len(gains)} series")


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    rows_path: Annotated[Path, typer.Argument(metavar="ROWS", help="CSV file of results.")],
    split: str = "test",
    series: Annotated[str, typer.Option(help="Numbers, such as 0,17; by default all.")] = "",
    device: Annotated[str, typer.Option(help="Where the default method runs: cpu or cuda.")] = "cpu",
    contenders: Annotated[Literal["all", "rivals", "fast", "none"], typer.Option(help="Whose rows are made.")] = "all",
) -> None:
    """Make the rows that are missing and print the table of those that are whole."""
    keep_heap()
    prior, rows = load_prior("builtin").to(device), Rows(rows_path)
    made = {"all": (*RIVALS, OURS), "rivals": tuple(RIVALS), "fast": (OURS,), "none": ()}[contenders]
    scores: dict[str, dict[str, tuple[float, float]]] = {}
    for i, (name, image) in enumerate(middle_slices(path, split)):
        if series and str(i) not in series.split(","):
            continue
        for mask, sampling in MASKS_TRIED.items():
            keys = {by: (split, name, mask, by) for by in (*RIVALS, OURS)}
            for by in made:
                rows.get(keys[by], partial(score, by, prior, image, sampling, seed=i, samples=8))
            if rows.known.keys() >= set(keys.values()):
                better = max(rows.known[keys[rival]] for rival in RIVALS)
                scores.setdefault(name, {})[mask] = better, rows.known[keys[OURS]]
    print_table(scores)


if __name__ == "__main__":
    typer.run(main)
