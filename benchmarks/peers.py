"""All peers in one run, on simulated and on measured scans, and what they cost:
`python benchmarks/peers.py simulated rows.csv ../shared/data/slices.h5 [--split test] [--series 0,17]`,
`python benchmarks/peers.py measured rows.csv SCAN.h5 ... [--map-sets 1] [--truth OTHER.h5]`,
`python benchmarks/peers.py picture peers.png`, of the package's scan,
`python benchmarks/peers.py costs rows.csv [--threads 1,2]`.

Zero-filled, CG-SENSE, SigPy's L1-wavelet and total variation, deepinv's DPIR with the built-in prior as its denoiser
(each of these at its best weight by the truth), the mean of eight samples of `fast`, and `estimate` in 15, 30 and 60
calls. `--contenders` and `--masks` choose among them. PSNR and SSIM by fastMRI's conventions, network calls of all
samples, and the seconds of one run. Every number is a row; those that are there already are not made again. At the end
tables are printed of all that the rows know.

Simulated: the middle slice of every series, 8 birdcage coils, smooth phase, complex noise of standard deviation 0.005
of the maximum, maps and noise level given. The images are processed magnitudes, so k-space made of them flatters every
method. Target: the image simulated.

Measured: fully sampled files, undersampled by hand, nothing given: maps and noise are estimated from the undersampled
data alone. Target: the combination of the full data's coils by the same maps; or another scan's of the same slice,
brought to this one's shading. Who knows one map set alone has no row where the data ask for two.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer
from contenders import QUANTITIES, Sampling, contenders, judge, make_mask, outcome_of, score, simulated_cases
from costs import SIDES, measure
from numpy.typing import NDArray
from peer_tables import print_tables
from rows import Rows
from series import middle_slices
from shading import with_better_truth

from invdiff.cli.heap import keep_heap
from invdiff.data import read_scan, shepp_logan
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.evaluation import Contender
from invdiff.pictures.panel import write_panel
from invdiff.priors import Prior, load_prior
from invdiff.reconstruction import Cases, sample_cases, scan_cases

SIMULATED: dict[str, Sampling] = {
    "4x lines": ("random", 4.0, 0.08),
    "8x lines": ("random", 8.0, 0.04),
    "8x Poisson": ("poisson", 8.0, 0.04),
}
MEASURED: dict[str, Callable[[tuple[int, int]], NDArray[np.bool_]]] = {
    "4x lines": partial(make_mask, sampling=("random", 4.0, 0.08), seed=0),
    "6x lines": partial(make_mask, sampling=("random", 6.0, 0.08), seed=0),
    "8x Poisson": partial(make_mask, sampling=("poisson", 8.0, 0.08), seed=0),
    "every 4th line": lambda shape: equispaced(shape, 4, 20, 0),
    "6x Poisson": partial(make_mask, sampling=("poisson", 6.0, 0.08), seed=0),
}
USUAL_SIMULATED = ",".join(SIMULATED)
USUAL_MEASURED = "4x lines,6x lines,8x Poisson"
TURNS = 10

app = typer.Typer(add_completion=False, help=__doc__)

RowsPath = Annotated[Path, typer.Argument(metavar="ROWS", help="CSV file of results.")]
Masks = Annotated[str, typer.Option(help="Names, such as '4x lines,8x Poisson'.")]
Chosen = Annotated[str, typer.Option("--contenders", help="Names, such as 'TV,fast'; by default all; 'none': tables.")]
Device = Annotated[str, typer.Option(help="Where the network runs: cpu or cuda.")]
Threads = Annotated[int, typer.Option(help="Of torch.")]


@app.command()
def simulated(
    rows_path: RowsPath,
    slices: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    split: str = "test",
    series: Annotated[str, typer.Option(help="Numbers, such as 0,17; by default all.")] = "",
    masks: Masks = USUAL_SIMULATED,
    chosen: Chosen = "",
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Scans made of slices that training never saw."""
    rows, prior = Rows(rows_path), _begin(device, threads)
    made = _chosen(prior, chosen)
    keys = []
    for i, (name, image) in enumerate(middle_slices(slices, split)):
        if series and str(i) not in series.split(","):
            continue
        for mask in masks.split(","):
            keys.append((f"{split}: {name}", mask))
            _make(rows, keys[-1], made, partial(simulated_cases, image, SIMULATED[mask], i))
    print_tables(rows, keys, tuple(contenders(prior)))


@app.command()
def measured(
    rows_path: RowsPath,
    scans: Annotated[list[Path], typer.Argument(help="Fully sampled files.")],
    masks: Masks = USUAL_MEASURED,
    map_sets: Annotated[int | None, typer.Option(min=1, max=2, help="Instead of what the data ask for.")] = None,
    truth: Annotated[Path | None, typer.Option(help="A less noisy scan of the same slice, to be held against.")] = None,
    chosen: Chosen = "",
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Measured scans, undersampled by hand."""
    rows, prior = Rows(rows_path), _begin(device, threads)
    made = _chosen(prior, chosen)

    def undersampled(path: Path, mask: str) -> Cases:
        scan = read_scan(path)
        return scan_cases(scan, "sense", mask=MEASURED[mask](scan.image_shape), map_sets=map_sets)

    def cases(path: Path, mask: str) -> Cases:
        found = undersampled(path, mask)
        return found if truth is None else with_better_truth(found, undersampled(truth, mask))

    how = "" if map_sets is None else f", {map_sets} map set(s)"
    how += "" if truth is None else f" against {truth.stem}"
    keys = []
    for path in scans:
        for mask in masks.split(","):
            keys.append((path.stem + how, mask))
            _make(rows, keys[-1], made, partial(cases, path, mask))
    print_tables(rows, keys, tuple(contenders(prior)))


@app.command()
def picture(
    path: Annotated[Path, typer.Argument(metavar="PNG")],
    chosen: Chosen = "zero-filled,TV,L1-wavelet,DPIR 30,fast,estimate 30",
    threads: Threads = 1,
) -> None:
    """The package's scan by all, as a picture and a table."""
    prior, cases = _begin("cpu", threads), sample_cases("sense", seed=0)
    outcomes = {name: outcome_of(contender, cases) for name, contender in _chosen(prior, chosen).items()}
    truth = cases.ground_truth
    write_panel(path, {name: outcome.image for name, outcome in outcomes.items()}, truth=truth)
    print("| | PSNR (dB) | SSIM | seconds | network calls |", "|---|---|---|---|---|", sep="\n")
    for name, outcome in outcomes.items():
        by = judge(contenders(prior)[name], cases, outcome)
        print(f"| {name} | {by['PSNR']:.2f} | {by['SSIM']:.4f} | {by['seconds']:.1f} | {by['calls']:.0f} |")


@app.command()
def costs(
    rows_path: RowsPath, threads: Annotated[str, typer.Option(help="Numbers of threads, such as 1,2.")] = "1,2"
) -> None:
    """Seconds of an estimate and of SigPy's L1-wavelet that take turns, and the peak memory of a process for each."""
    rows, _ = Rows(rows_path), _begin("cpu", 1)
    phantom = np.abs(shepp_logan((256, 256))).astype(np.float32)
    scan = simulated_cases(phantom, SIMULATED["4x lines"], seed=0).measured
    lines = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scan.npz"
        np.savez(path, kspace=scan.kspace, mask=scan.sampled, maps=scan.maps)
        for count in threads.split(","):
            both = partial(measure, path, int(count), TURNS, tuple(SIDES))
            seconds = rows.get_all(("costs", count, "seconds"), tuple(SIDES), lambda both=both: both().seconds)
            for side, taken in seconds.items():
                alone = partial(measure, path, int(count), 1, (side,))
                peak = rows.get(("costs", count, "peak", side), lambda alone=alone: alone().peak)
                lines.append(f"| {count} | {side} | {taken:.2f} | {peak:.0f} |")
    print("| threads | side | seconds | peak memory, MB |", "|---|---|---|---|", *lines, sep="\n")


def _begin(device: str, threads: int) -> Prior:
    """The built-in prior where it is to run; how it does is printed."""
    keep_heap()
    torch.set_num_threads(threads)
    prior = load_prior("builtin").to(device).in_precision("auto")
    versions = ", ".join(f"{package} {version(package)}" for package in ("torch", "sigpy", "deepinv"))
    print(f"network in {prior.precision} on {device}, {threads} thread(s) of torch; {versions}")
    return prior


def _chosen(prior: Prior, names: str) -> dict[str, Contender]:
    """Whose rows are made; how they are set is printed."""
    everyone = contenders(prior)
    wanted = {"": list(everyone), "none": []}.get(names, names.split(","))
    for name in wanted:
        print(f"{name}: {everyone[name].settings}")
    return {name: everyone[name] for name in wanted}


def _make(rows: Rows, scan: tuple[str, str], chosen: Mapping[str, Contender], cases: Callable[[], Cases]) -> None:
    """The rows that a scan lacks. Who can't reconstruct it says so, and has none."""
    once = cache(cases)
    for name, contender in chosen.items():
        try:
            rows.get_all((*scan, name), QUANTITIES, lambda contender=contender: score(contender, once()))
        except InputError as refusal:
            print(*scan, name, f"refused: {refusal}", flush=True)


if __name__ == "__main__":
    app()
