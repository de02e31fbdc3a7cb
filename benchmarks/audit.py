"""What the audit does to error bars: `python benchmarks/audit.py ../shared/data/slices.h5 results [--count 4]`.

The middle slices of evenly spaced series of a split, seen by 8 birdcage coils with a smooth phase and noise of 0.005 of
the maximum, maps and noise level given; reconstructed as `invdiff solve` does. Before and after the audit's correction:
the error over the spread, root mean square over the head, and what central intervals of the magnitude hold of it.
Finished results are in the folder and not made again. Prints the table, and draws the reliability diagram.
"""

from pathlib import Path
from typing import Annotated

import h5py
import numpy as np
import typer
from numpy.typing import NDArray
from rows import Rows
from series import SAMPLINGS, middle_slices

from invdiff.cli.heap import keep_heap
from invdiff.data import MASKS, simulate
from invdiff.data.scan import evenly_spaced
from invdiff.methods import find_method
from invdiff.priors import load_prior
from invdiff.reconstruction import Magnitude, Recipe, Study, scan_cases

LEVELS = (0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.95)
SHOWN = ("error / spread", "50%", "90%")
WHEN = {"before": "samples_uncorrected", "after": "samples"}
HEAD = 0.05  # of the maximum, above which a pixel belongs to it


def scores(result: Path) -> dict[str, float]:
    """Error over spread and what intervals hold, by when and what."""
    found: dict[str, float] = {}
    with h5py.File(result) as file:
        truth, image = file["ground_truth"][0], file["image"][0]
        head = np.abs(truth) > HEAD * np.abs(truth).max()
        for when, name in WHEN.items():
            found |= {f"{when}, {what}": score for what, score in _of(file[name][0], image, truth, head).items()}
        found["factor"] = float(file.attrs["audit_factor"])
    return found


def _of(
    samples: NDArray[np.complex64], image: NDArray[np.complex64], truth: NDArray[np.complex64], head: NDArray[np.bool_]
) -> dict[str, float]:
    told = Magnitude.of(samples, image).pixels
    spread = np.sqrt((np.abs(samples - samples.mean(axis=0)) ** 2).sum(axis=0) / (len(samples) - 1))
    ratio = np.sqrt((np.abs(image - truth)[head] ** 2).mean() / (spread[head] ** 2).mean())
    off = np.abs(np.abs(truth) - told.centre)[head]
    return {"error / spread": float(ratio)} | {
        f"{level:.0%}": float((off <= told.half_width(level)[head]).mean()) for level in LEVELS
    }


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    folder: Annotated[Path, typer.Argument(help="For results.")],
    split: Annotated[str, typer.Option(help="Of the images.")] = "test",
    count: Annotated[int, typer.Option(help="How many series.")] = 4,
    samples: Annotated[int, typer.Option(help="Posterior samples.")] = 4,
) -> None:
    """Reconstruct what is missing, print the table and draw the diagram."""
    keep_heap()
    prior = load_prior("builtin").in_precision("auto")
    image = find_method("estimate")
    assert image.spread is not None
    study = Study(prior, Recipe(image), Recipe(find_method(image.spread), samples=samples))
    folder.mkdir(parents=True, exist_ok=True)
    rows = Rows(folder / "scores.csv")
    every = list(middle_slices(path, split))
    names = (
        "factor",
        *(f"{when}, {what}" for when in WHEN for what in ("error / spread", *map("{:.0%}".format, LEVELS))),
    )
    means: dict[str, dict[str, float]] = {}
    for sampling, (mask, acceleration, centre) in SAMPLINGS.items():
        found = []
        for number in evenly_spaced(len(every), count):
            name, truth = every[number]

            def make(truth: NDArray[np.float32] = truth, number: int = number) -> dict[str, float]:
                drawn = MASKS[mask](truth.shape, acceleration, centre, number)  # noqa: B023 - called at once
                scan = simulate(truth, coils=8, mask=drawn, noise_std=0.005, seed=number)
                result = folder / sampling.replace(" ", "-") / str(number)  # noqa: B023
                result.mkdir(parents=True, exist_ok=True)
                study(scan_cases(scan, "sense"), result)
                return scores(result / "reconstruction.h5")

            found.append(rows.get_all((sampling, name), names, make))
        means[sampling] = {what: float(np.mean([one[what] for one in found])) for what in names}
    print("| sampling | error over spread | 50 % hold | 90 % hold |\n|---|---|---|---|")
    for sampling, mean in means.items():
        cells = (f"{mean[f'before, {what}']:.2f} -> {mean[f'after, {what}']:.2f}" for what in SHOWN)
        print(f"| {sampling} | {' | '.join(cells)} |")
    _draw(means, folder / "reliability.png")


def _draw(means: dict[str, dict[str, float]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure((4.8, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", lw=0.8)
    for number, (sampling, mean) in enumerate(means.items()):
        for when, style in (("before", "--"), ("after", "-")):
            held = [mean[f"{when}, {level:.0%}"] for level in LEVELS]
            axes.plot(LEVELS, held, style, color=f"C{number}", marker=".", label=f"{sampling}, {when}")
    axes.set(xlabel="intervals say", ylabel="they hold of the head", xlim=(0, 1), ylim=(0, 1))
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    typer.run(main)
