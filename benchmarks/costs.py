"""What an estimate costs beside SigPy's L1-wavelet reconstruction, and how much memory either takes.

As a script, in a process of its own: `python benchmarks/costs.py SCAN.npz REPEATS SIDE ...` prints seconds and the peak
memory as JSON. A side imports what it needs and no more; SigPy imports torch where there is one, so both hold it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from interleaved import medians

CALLS, ITERATIONS, WEIGHT = 30, 60, 1e-3


def estimate_side(path: Path) -> Callable[[], object]:
    """All of `estimate`, scaling and start included, with the built-in prior in the precision that suits the device."""
    import numpy as np

    from invdiff.cli.heap import keep_heap
    from invdiff.data import Scan
    from invdiff.methods import estimate
    from invdiff.priors import load_prior
    from invdiff.reconstruction import reconstruct, scan_cases

    keep_heap()
    with np.load(path) as file:
        cases = scan_cases(Scan(**{name: file[name] for name in ("kspace", "mask", "maps")}, noise_std=0.005), "sense")
    prior = load_prior("builtin").in_precision("auto")
    return lambda: reconstruct(cases, estimate(steps=CALLS), prior, samples=1)


def wavelet_side(path: Path) -> Callable[[], object]:
    """SigPy's app as it is, its step size known."""
    import numpy as np
    from sigpy.mri.app import L1WaveletRecon

    with np.load(path) as file:
        kspace, maps, mask = file["kspace"][0], file["maps"][0], file["mask"].astype(np.float32)
    return lambda: L1WaveletRecon(
        kspace, maps, WEIGHT, weights=mask, alpha=1.0, max_iter=ITERATIONS, show_pbar=False
    ).run()


SIDES = {f"estimate, {CALLS} calls": estimate_side, f"L1-wavelet, {ITERATIONS} iterations": wavelet_side}


@dataclass(frozen=True)
class Costs:
    """Median seconds of sides that take turns in one process, and its peak memory in MB."""

    seconds: dict[str, float]
    peak: float


def measure(path: Path, threads: int, repeats: int, sides: tuple[str, ...]) -> Costs:
    """The costs of sides in a new process of so many threads."""
    limits = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    command = [sys.executable, __file__, str(path), str(repeats), *sides]
    run = subprocess.run(command, env={**os.environ, **limits}, stdout=subprocess.PIPE, text=True, check=True)
    return Costs(**json.loads(run.stdout.splitlines()[-1]))


def peak_memory() -> float:
    """The largest memory of this process so far in MB, by Linux: getrusage's holds that of the process it was forked
    from too."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def main() -> None:
    path, repeats, *sides = sys.argv[1:]
    seconds = medians({side: SIDES[side](Path(path)) for side in sides}, int(repeats))
    print(json.dumps({"seconds": seconds, "peak": peak_memory()}))


if __name__ == "__main__":
    main()
