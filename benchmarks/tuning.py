"""How well the search searches: `python benchmarks/tuning.py [../shared/data/slices.h5]`.

Ax against random search, 20 trials each and ten seeds, on two problems of the package's scan whose scores were computed
on a grid once and are interpolated linearly: λ of `chung2022_complex`, and two parameters of `fast`. And what is lost
where a parameter is chosen by held-back samples instead of the truth: on the package's scan and, where the file of
slices is given, on simulated ones of its test split (8 coils, 128 x 128, random lines at 4x, 8 % centre;
`fast` is told a tenth of their noise).
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import RegularGridInterpolator
from series import middle_slices, small

from invdiff.cli.heap import keep_heap
from invdiff.data import MASKS, simulate
from invdiff.methods import find_method
from invdiff.priors import load_prior
from invdiff.reconstruction import Assumptions, Input, Measurement, find_kind
from invdiff.tuning import Parameters, Range, Space, Study, Validation, find_objective

SENSE = find_kind("sense")
TRIALS, SEEDS, NEAR = 20, 10, 0.1
LAM, FLOOR, SIGMA = Range("lam", 0, 1), Range("noise_floor", 0, 0.05), Range("sigma_max", 0.1, 10, log=True)
CHUNG = "chung2022_complex", {"steps": "8", "sigma_max": "2"}
FAST = "fast", {"steps": "5"}
NOISE = {0: 0.005, 18: 0.03}  # by series


def validation(measurement: Measurement, method: tuple[str, dict[str, str]], objective: str) -> Validation:
    name, settings = method
    return Validation(find_method(name), [measurement], find_objective(objective), load_prior("builtin"), settings)


def on_grid(space: Space, score: Callable[[Parameters], float], counts: list[int]) -> RegularGridInterpolator:
    axes = [[one.at(u) for u in np.linspace(0, 1, count)] for one, count in zip(space.ranges, counts, strict=True)]
    names = [one.name for one in space.ranges]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    scores = [score(dict(zip(names, point.tolist(), strict=True))) for point in points]
    return RegularGridInterpolator(axes, np.array(scores).reshape(counts))


def searched(space: Space, score: Callable[[Parameters], float], seed: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        study = Study(space, Path(folder), seed=seed)
        study.run(score, TRIALS)
        return study.best.score or -np.inf


def drawn(space: Space, score: Callable[[Parameters], float], seed: int) -> float:
    fractions = np.random.default_rng(seed).random((TRIALS, len(space.ranges)))
    return max(score({one.name: one.at(u) for one, u in zip(space.ranges, row, strict=True)}) for row in fractions)


def compare_searches(method: tuple[str, dict[str, str]], space: Space, counts: list[int]) -> None:
    grid = on_grid(space, validation(Input(SENSE).read(), method, "psnr"), counts)

    def score(point: Parameters) -> float:
        return float(grid([point[one.name] for one in space.ranges])[0])

    top = grid.values.max()
    print(
        f"{method[0]}, {' x '.join(one.name for one in space.ranges)}, grid of {counts}: "
        f"{grid.values.min():.2f} to {top:.2f} dB"
    )
    for name, search in (("Ax", searched), ("random", drawn)):
        losses = np.array([top - search(space, score, seed) for seed in range(SEEDS)])
        near = np.count_nonzero(losses <= NEAR)
        print(f"  {name}: within {NEAR} dB in {near} of {SEEDS}, worst {losses.max():.3f} dB", flush=True)


def scans(path: Path | None) -> Iterator[Measurement]:
    yield Input(SENSE).read()
    for i, (name, image) in enumerate(middle_slices(path, "test") if path is not None else ()):
        if i in NOISE:
            truth = small(image, 128)
            mask = MASKS["random"](truth.shape, 4.0, 0.08, i)
            yield Measurement(simulate(truth / truth.max(), mask=mask, noise_std=NOISE[i], seed=i, name=name), SENSE)


def compare_objectives(measurement: Measurement, method: tuple[str, dict[str, str]], one: Range) -> None:
    space, counts = Space([one]), [9]
    truth = on_grid(space, validation(measurement, method, "psnr"), counts)
    held = on_grid(space, validation(measurement, method, "held-back"), counts)
    best, chosen = int(truth.values.argmax()), int(held.values.argmin())
    values = truth.grid[0]
    lost, span = truth.values[best] - truth.values[chosen], np.ptp(truth.values)
    print(
        f"{measurement.name}, {method[0]}: {one.name} {values[best]:.3g} by the truth, {values[chosen]:.3g} "
        f"by hold-out: {lost:.3f} dB lost; all values span {span:.2f} dB",
        flush=True,
    )


def main() -> None:
    keep_heap()
    torch.set_num_threads(1)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for measurement in scans(path):
        known = measurement.measured.noise_std
        told = known and known / 10  # so that a floor helps
        compare_objectives(replace(measurement, assumed=Assumptions(noise_std=told)), FAST, FLOOR)
        compare_objectives(measurement, CHUNG, LAM)
    compare_searches(CHUNG, Space([LAM]), [11])
    compare_searches(FAST, Space([FLOOR, SIGMA]), [7, 9])


if __name__ == "__main__":
    main()
