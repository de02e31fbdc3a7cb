"""Whether held-back samples choose the better method: `python benchmarks/ranking.py ../shared/data/slices.h5 results`.

The middle slices of evenly spaced series of a split, cut to 96 x 96 in k-space, seen by 8 birdcage coils with noise of
0.005 of the maximum, maps and noise level given. Eight methods with few network calls, each one image. The error of
samples that were held back is known to the scan; the true error is the NMSE of the image from all samples. Printed for
each sampling: Spearman's correlation of both over methods, how often the method that predicts best is truly the best,
and what it loses where it is not. Numbers that are in the folder are not made again.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rows import Rows
from scipy.stats import spearmanr
from series import SAMPLINGS, middle_slices, small

from invdiff.cli.heap import keep_heap
from invdiff.data import MASKS, simulate
from invdiff.data.scan import evenly_spaced
from invdiff.methods import find_method
from invdiff.metrics import nmse
from invdiff.priors import load_prior
from invdiff.reconstruction import scan_cases
from invdiff.reconstruction.audit import Candidate, rank

SIDE = 96
METHODS = {
    "estimate": {"steps": "15"},
    "fast": {"steps": "15"},
    "calibrated": {"steps": "20"},
    "mmps": {"steps": "12"},
    "pigdm": {"steps": "20"},
    "diffpir": {"steps": "20"},
    "dds": {"steps": "20"},
    "chung2022_complex": {"steps": "20", "sigma_max": "2"},
}
HELD, TRUE = "held-back error", "true error"


def errors(image: NDArray[np.float32], sampling: str, number: int) -> dict[str, float]:
    """Held-back error of each method, in units of the noise, and true error, in units of 1e-4."""
    prior, image = load_prior("builtin").in_precision("auto"), small(image, SIDE)
    image = image / image.max()
    mask, acceleration, centre = SAMPLINGS[sampling]
    drawn = MASKS[mask](image.shape, acceleration, centre, number)
    cases = scan_cases(simulate(image, coils=8, mask=drawn, noise_std=0.005, seed=number), "sense")
    (problem,), truth = cases, cases.ground_truth
    samplers = {name: find_method(name).with_settings(given) for name, given in METHODS.items()}
    found = rank(problem, [Candidate(name, sampler) for name, sampler in samplers.items()], prior)
    print(found.sentence, flush=True)
    made = {f"{one.name}, {HELD}": one.error for one in found.scores}
    for name, sampler in samplers.items():
        whole = sampler.bind(problem, prior).draw(1).samples.cpu().numpy()
        made[f"{name}, {TRUE}"] = 1e4 * nmse(truth, whole)
    return made


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    folder: Annotated[Path, typer.Argument(help="For results.")],
    split: Annotated[str, typer.Option(help="Of the images.")] = "test",
    count: Annotated[int, typer.Option(help="How many series.")] = 4,
) -> None:
    """Make what is missing, and print the table."""
    keep_heap()
    folder.mkdir(parents=True, exist_ok=True)
    rows = Rows(folder / "errors.csv")
    every = list(middle_slices(path, split))
    names = tuple(f"{name}, {what}" for name in METHODS for what in (HELD, TRUE))
    print("| sampling | Spearman's correlation | the best is chosen | PSNR lost |\n|---|---|---|---|")
    for sampling in SAMPLINGS:
        correlations, lost = [], []
        for number in evenly_spaced(len(every), count):
            name, image = every[number]
            made = rows.get_all(
                (sampling, name),
                names,
                lambda image=image, sampling=sampling, number=number: errors(image, sampling, number),
            )
            held, true = (np.array([made[f"{name}, {what}"] for name in METHODS]) for what in (HELD, TRUE))
            correlations.append(spearmanr(held, true).statistic)
            lost.append(10 * np.log10(true[held.argmin()] / true.min()))
        told = f"{np.mean(correlations):.2f} ({min(correlations):.2f} to {max(correlations):.2f})"
        print(f"| {sampling} | {told} | {lost.count(0)} of {len(lost)} | {np.mean(lost):.2f} dB |")


if __name__ == "__main__":
    typer.run(main)
