"""Simulated scans of people that training never saw:
`python benchmarks/simulated.py ../shared/data/slices.h5 rows.csv [--split test] [--series 0,17] [--contenders rivals]`.

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
from numpy.typing import NDArray
from rows import Rows
from series import middle_slices

from invdiff.cli.heap import keep_heap
from invdiff.data import MASKS, simulate
from invdiff.diffusion import fast
from invdiff.evaluation import best_by_truth, l1_wavelet, psnr, total_variation
from invdiff.evaluation.baselines import SPARSE_WEIGHTS
from invdiff.priors import Prior, load_prior
from invdiff.reconstruction import reconstruct, scan_cases

MASKS_TRIED = {
    "4x lines": ("random", 4.0, 0.08),
    "8x lines": ("random", 8.0, 0.04),
    "8x Poisson": ("poisson", 8.0, 0.04),
}
RIVALS = {"L1-wavelet": l1_wavelet, "total variation": total_variation}
OURS = "fast"


def score(contender: str, prior: Prior, image: NDArray[np.float32], mask: str, seed: int) -> float:
    """PSNR of the mean of eight samples, or of a rival at the weight that suits the truth best."""
    kind, acceleration, centre = MASKS_TRIED[mask]
    chosen = MASKS[kind](image.shape, acceleration, centre, seed)
    scan = simulate(image, coils=8, mask=chosen, noise_std=0.005, seed=seed)
    cases = scan_cases(scan, "sense")
    truth = cases.ground_truth
    assert truth is not None
    if contender == OURS:
        return psnr(truth, reconstruct(cases, fast(), prior, samples=8, seed=0).mean)
    return best_by_truth(partial(RIVALS[contender], scan), SPARSE_WEIGHTS, truth).psnr


def print_table(scores: dict[str, dict[str, dict[str, float]]]) -> None:
    """A row for each series: by mask, the better rival, ours and the gain. Below, the gains by mask."""
    gains: dict[str, list[float]] = {mask: [] for mask in MASKS_TRIED}
    print(f"| series | {' | '.join(MASKS_TRIED)} |")
    print("|---" * (len(MASKS_TRIED) + 1) + "|")
    for name, by_mask in scores.items():
        cells = []
        for mask in MASKS_TRIED:
            if mask not in by_mask:
                cells.append("")
                continue
            better, ours = max(by_mask[mask][rival] for rival in RIVALS), by_mask[mask][OURS]
            gains[mask].append(ours - better)
            cells.append(f"{better:.2f}, {ours:.2f}: {ours - better:+.2f}")
        print(f"| {name} | {' | '.join(cells)} |")
    for mask, of in gains.items():
        if of:
            print(f"{mask}: mean {np.mean(of):+.2f} dB, worst {np.min(of):+.2f} dB over {len(of)} series")


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    rows_path: Annotated[Path, typer.Argument(metavar="ROWS", help="CSV file of results.")],
    split: str = "test",
    series: Annotated[str, typer.Option(help="Numbers, such as 0,17; by default all.")] = "",
    contenders: Annotated[Literal["all", "rivals", "fast", "none"], typer.Option(help="Whose rows are made.")] = "all",
) -> None:
    """Make the rows that are missing and print the table of those that are whole."""
    keep_heap()
    prior, rows = load_prior("builtin"), Rows(rows_path)
    made = {"all": (*RIVALS, OURS), "rivals": tuple(RIVALS), "fast": (OURS,), "none": ()}[contenders]
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for i, (name, image) in enumerate(middle_slices(path, split)):
        if series and str(i) not in series.split(","):
            continue
        for mask in MASKS_TRIED:
            for contender in made:
                rows.get((split, name, mask, contender), partial(score, contender, prior, image, mask, i))
            known = {by: rows.known.get((split, name, mask, by)) for by in (*RIVALS, OURS)}
            if None not in known.values():
                scores.setdefault(name, {})[mask] = {by: value for by, value in known.items() if value is not None}
    print_table(scores)


if __name__ == "__main__":
    typer.run(main)
