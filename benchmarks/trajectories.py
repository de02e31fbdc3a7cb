"""Scans along trajectories by all that reconstruct them: `python benchmarks/trajectories.py rows.csv
../shared/data/slices.h5 [--series 0,17]`.

The middle slice of series of the split test, brought to 128 x 128 by the centre of its k-space; 8 birdcage coils,
smooth phase, complex noise of standard deviation 0.005 of the maximum, maps and noise level given. Of 256 x 256 pixels
twice the readouts would be the same acceleration. The images are processed magnitudes, so k-space made of them flatters
every method. Gridded by the samples' density, CG-SENSE, SigPy's L1-wavelet and total variation, each at its best weight
by the truth, and `estimate`. SigPy's minimise by primal-dual steps, preconditioned in k-space as it offers for
trajectories (Ong et al., IEEE Transactions on Medical Imaging 39, 2020). PSNR by fastMRI's conventions. Every number is
a row; those that are there already are not made again.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rows import Rows
from series import middle_slices, small
from sigpy.mri import kspace_precond
from sigpy.mri.app import L1WaveletRecon, TotalVariationRecon

from invdiff.classical import best_by_truth
from invdiff.classical.baselines import TIKHONOV_WEIGHTS
from invdiff.cli.heap import keep_heap
from invdiff.data import NonCartesianScan, radial, simulate_along, spiral
from invdiff.methods import find_method
from invdiff.metrics import psnr
from invdiff.operators import Identity
from invdiff.priors import Prior, load_prior
from invdiff.reconstruction import Cases, scan_cases

SIDE, COILS, NOISE_STD, ITERATIONS = 128, 8, 0.005, 60
TRAJECTORIES = {
    "17 spokes": radial(17, 2 * SIDE),
    "11 spokes": radial(11, 2 * SIDE),
    "spiral, 4 interleaves": spiral(4, SIDE, acceleration=6, centre_fraction=0.15),
}
SPARSE_WEIGHTS = tuple(np.geomspace(1e-4, 1e-2, 5).tolist())
"""In units of the largest magnitude of the gridded image."""

Complex = NDArray[np.complex64]
Contender = Callable[[Cases, Prior], Complex]


def gridded(cases: Cases, prior: Prior) -> Complex:
    """The zero-filled image: samples weighed by their density."""
    return cases.zero_filled


def cg_sense(cases: Cases, prior: Prior) -> Complex:
    """(Aᴴ A + w I) x = Aᴴ y, the weight in units of a bound of the largest eigenvalue."""
    problem = cases.problem(0)
    A, b = problem.operator, problem.operator.H(problem.y)

    def at(weight: float) -> Complex:
        system = weight * A.norm_bound() ** 2 * Identity(A.domain_shape) + A.gram
        solved: Complex = system.solve(b, tol=1e-5, max_iter=500, preconditioner=system.preconditioner).numpy()[None]
        return solved

    return best_by_truth(at, TIKHONOV_WEIGHTS, cases.ground_truth).image


class Preconditioned:
    """A penalty of SigPy's, minimised by primal-dual steps that are preconditioned in k-space.

    Args:
        app: SigPy's.
        penalised: how many numbers are penalised by steps of their own, for each pixel; none where the app knows how to
            take a step against the penalty alone.
    """

    def __init__(self, app: Any, penalised: int, **options: Any) -> None:
        self._app, self._penalised, self._options = app, penalised, options

    def __call__(self, cases: Cases, prior: Prior) -> Complex:
        scan = cases.measured
        assert isinstance(scan, NonCartesianScan)
        assert scan.maps is not None
        maps, places = scan.maps[0], scan.trajectory.points * SIDE
        scale = float(np.abs(gridded(cases, prior)).max())
        steps = kspace_precond(maps, coord=places)
        if self._penalised:
            steps = np.concatenate([steps.ravel(), np.ones(self._penalised * SIDE**2)])

        def at(weight: float) -> Complex:
            np.random.seed(0)  # noqa: NPY002 # SigPy finds its step size from such numbers
            options = {"coord": places, "sigma": steps, "max_iter": ITERATIONS, "show_pbar": False, **self._options}
            run: Complex = self._app(scan.kspace[0] / scale, maps, weight, **options).run()[None] * scale
            return run

        return best_by_truth(at, SPARSE_WEIGHTS, cases.ground_truth).image


def estimate(cases: Cases, prior: Prior) -> Complex:
    """As `invdiff solve` does."""
    drawn: Complex = find_method("estimate").with_settings({})(cases.problem(0), prior, samples=1).samples.numpy()
    return drawn


RIVALS = ("L1-wavelet", "TV")
CONTENDERS: dict[str, Contender] = {
    "gridded": gridded,
    "CG-SENSE": cg_sense,
    "L1-wavelet": Preconditioned(L1WaveletRecon, 0, solver="PrimalDualHybridGradient"),
    "TV": Preconditioned(TotalVariationRecon, 2),
    "estimate": estimate,
}


def score(make: Contender, cases: Cases, prior: Prior) -> float:
    """PSNR."""
    assert cases.ground_truth is not None
    return psnr(cases.ground_truth, make(cases, prior))


def print_table(rows: Rows, series: list[str]) -> None:
    """One row a series, and what `estimate` gains above the better of its rivals."""
    for trajectory in TRAJECTORIES:
        print(f"\n| {trajectory} | {' | '.join(CONTENDERS)} | gain |\n" + "|---" * (len(CONTENDERS) + 2) + "|")
        gains = []
        for name in series:
            found = {contender: rows.known[trajectory, name, contender] for contender in CONTENDERS}
            gains.append(found["estimate"] - max(found[rival] for rival in RIVALS))
            print(f"| {name} | {' | '.join(f'{value:.2f}' for value in found.values())} | {gains[-1]:+.2f} |")
        print(f"mean {np.mean(gains):+.2f} dB, worst {min(gains):+.2f} dB over {len(gains)} series")


def main(
    table: Annotated[Path, typer.Argument(help="CSV of what is known.")],
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    series: Annotated[str, typer.Option(help="Numbers of series, or nothing for all.")] = "",
) -> None:
    """Make the rows that are missing, and print the tables of these series."""
    keep_heap()
    torch.set_num_threads(1)
    rows, prior = Rows(table), load_prior("builtin").in_precision("auto")
    chosen, names = [int(number) for number in series.split(",") if number], []
    for number, (name, image) in enumerate(middle_slices(path, "test")):
        if chosen and number not in chosen:
            continue
        names.append(name)
        for trajectory, points in TRAJECTORIES.items():
            scan = simulate_along(small(image, SIDE), points, coils=COILS, noise_std=NOISE_STD, seed=number)
            cases = scan_cases(scan, "non-cartesian")
            for contender, make in CONTENDERS.items():
                rows.get((trajectory, name, contender), partial(score, make, cases, prior))
    print_table(rows, names)


if __name__ == "__main__":
    typer.run(main)
