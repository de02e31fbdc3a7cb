"""Maps refined with the image: `python benchmarks/joint_maps.py ../shared/data [--split val] [--series 27]`.

Scans by 8 birdcage coils, noise of 0.005 of the maximum: heads wider than the field of view, which fold onto
themselves, and heads within it with few calibration lines. PSNR against the root sum of squares of
the noise-free coil images; CG-SENSE and total variation at the weight that suits it best.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from series import middle_slices

from invdiff.classical import best_by_truth, cg_sense, of_every_slice, total_variation
from invdiff.classical.baselines import SPARSE_WEIGHTS, TIKHONOV_WEIGHTS
from invdiff.data import MASKS, Scan, birdcage_maps, to_kspace
from invdiff.data.phantom import smooth_phase
from invdiff.methods import estimate
from invdiff.metrics import psnr
from invdiff.priors import Prior, load_prior
from invdiff.reconstruction import ScanCases, known_maps, reconstruct, scan_cases

COILS, NOISE = 8, 0.005
WRAPPED = 0.15
"""Part of the head's width that lies outside of the field of view."""
SAMPLINGS = {"4x lines": ("random", 4.0, 0.08), "8x Poisson": ("poisson", 8.0, 0.06)}
LINES = (8, 24)
WEIGHTS = slice(1, 6, 2)
"""Of those that classical methods choose among."""

Image = NDArray[np.float32]


def measured(image: Image, width: int, seed: int) -> tuple[Scan, Image]:
    """A full scan with a field of view of ``width`` columns, and the truth (1, H, width)."""
    height, whole = image.shape
    head = image / image.max() * np.exp(1j * smooth_phase(image.shape, seed))
    seen = birdcage_maps(COILS, image.shape) * head
    folded = np.zeros((COILS, height, width), np.complex64)
    for column in range(whole):
        folded[..., (column - (whole - width) // 2) % width] += seen[..., column]
    parts = np.random.default_rng(seed).standard_normal((2, *folded.shape))
    kspace = to_kspace(folded) + NOISE * (parts[0] + 1j * parts[1])
    return Scan(kspace[None].astype(np.complex64)), np.linalg.norm(folded, axis=0)[None]


def head_of(image: Image) -> Image:
    """The image, cut to the columns that the head fills."""
    filled = np.flatnonzero((image > 0.08 * image.max()).sum(0) > 8)
    width = (filled[-1] - filled[0] + 1) // 2 * 2
    height = image.shape[0] // 2 * 2
    return image[:height, filled[0] : filled[0] + width]


def reconstructed(cases: ScanCases, prior: Prior, truth: Image) -> float:
    """The PSNR of an estimate of 30 calls."""
    return psnr(truth, np.abs(reconstruct(cases, estimate(), prior, samples=1).samples[:, 0]))


def row(name: str, scan: Scan, mask: NDArray[np.bool_], truth: Image, prior: Prior) -> str:
    """PSNR of every contender."""
    one, two = (scan_cases(scan, "sense", mask=mask, map_sets=sets, maps="estimated") for sets in (1, 2))
    tv = best_by_truth(of_every_slice(total_variation, one), SPARSE_WEIGHTS[WEIGHTS], truth).psnr
    cg = best_by_truth(of_every_slice(cg_sense, two), TIKHONOV_WEIGHTS[WEIGHTS], truth).psnr
    as_asked = scan_cases(scan, "sense", mask=mask)
    chosen = known_maps(scan_cases(scan, "sense", mask=mask, maps="joint"), prior)
    assert chosen.preparation is not None
    found = chosen.preparation.held_back
    told = "-" if found is None else f"{'refined' if found.is_refined else 'kept'}, {found.gain:.2f}"
    values = [reconstructed(cases, prior, truth) for cases in (one, two, known_maps(as_asked, prior), chosen)]
    return f"| {name} | {' | '.join(f'{value:.1f}' for value in (tv, cg, *values))} | {told} |"


def main(
    folder: Annotated[Path, typer.Argument(help="Holds slices.h5.")],
    split: str = "val",
    series: Annotated[str, typer.Option(help="Numbers, such as 0,17.")] = "27",
) -> None:
    """Print the tables of docs/benchmarks.md."""
    prior = load_prior("builtin")
    chosen = [int(number) for number in series.split(",")]
    every = list(middle_slices(folder / "slices.h5", split))
    print("| | TV | CG-SENSE, two sets | one set | two sets | by default | `--maps joint` | held back |")
    print("|---" * 8 + "|", flush=True)
    for number in chosen:
        name, image = every[number]
        head = head_of(image)
        scan, truth = measured(head, round(head.shape[1] * (1 - WRAPPED)) // 2 * 2, number)
        for sampling, (kind, factor, centre) in SAMPLINGS.items():
            mask = MASKS[kind](truth.shape[1:], factor, centre, 0)
            print(row(f"{name}, {WRAPPED:.0%} wrapped, {sampling}", scan, mask, truth, prior), flush=True)
        scan, truth = measured(image, image.shape[1], number)
        for lines in LINES:
            mask = MASKS["random"](image.shape, 4.0, (lines + 0.01) / image.shape[1], 0)
            print(row(f"{name}, 4x with {lines} lines", scan, mask, truth, prior), flush=True)


if __name__ == "__main__":
    typer.run(main)
