"""What a solve costs beside its network calls: `python benchmarks/overhead.py`.

`chung2022_complex` on the package's 16-coil scan with the shipped prior: the whole solve over the bare network calls it
makes, the rest of an iteration in raw FFT pairs on the coil images, and what it takes of that to record the residual.
Network calls and the record are timed inside the solve, FFT pairs beside it; medians; one and two threads.
"""

import os
import statistics
import sys
import time

HEAP = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
if any(os.environ.get(name) != value for name, value in HEAP.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **HEAP})

import torch  # noqa: E402

from invdiff.diffusion import Iteration, Moment, ResidualRecord  # noqa: E402
from invdiff.diffusion.sampler import scale_of  # noqa: E402
from invdiff.methods import chung2022_complex  # noqa: E402
from invdiff.priors import Prior, load_prior  # noqa: E402
from invdiff.reconstruction import sample_cases  # noqa: E402

STEPS, REPEATS = 20, 4


class Timed(Prior):
    """A prior that adds up the time spent in its network."""

    def __init__(self, prior: Prior) -> None:
        self.prior, self.channels, self.seconds = prior, prior.channels, 0.0

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        begin = time.perf_counter()
        result = self.prior.denoise(x, sigma)
        self.seconds += time.perf_counter() - begin
        return result

    def score(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        begin = time.perf_counter()
        result = self.prior.score(x, sigma)
        self.seconds += time.perf_counter() - begin
        return result


class TimedRecord:
    """A record of residuals that adds up the time that it takes."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, moment: Moment) -> list[Iteration]:
        begin = time.perf_counter()
        result = ResidualRecord()(moment)
        self.seconds += time.perf_counter() - begin
        return result


def main() -> None:
    print("heap:", ", ".join(f"{name}={value}" for name, value in HEAP.items()), "torch", torch.__version__)
    prior = load_prior("builtin")
    (found,) = sample_cases("sense", seed=0)
    problem = found.with_scale(scale_of(found, prior))
    sampler = chung2022_complex(steps=STEPS)
    coils = torch.randn(16, *problem.operator.domain_shape, dtype=torch.complex64)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        whole, network, traced, pair = [], [], [], []
        for repeat in range(REPEATS + 1):
            timed, record = Timed(prior), TimedRecord()
            begin = time.perf_counter()
            sampler(problem, timed, record=record)
            solved = time.perf_counter()
            for _ in range(20):
                torch.fft.ifft2(torch.fft.fft2(coils))
            if repeat:
                whole.append(solved - begin)
                network.append(timed.seconds)
                traced.append(record.seconds)
                pair.append((time.perf_counter() - solved) / 20)
        ratio = statistics.median(t / n for t, n in zip(whole, network, strict=True))
        rest = statistics.median((t - n) / STEPS for t, n in zip(whole, network, strict=True))
        raw = statistics.median(pair)
        share = statistics.median(t / n for t, n in zip(traced, network, strict=True))
        print(
            f"{threads} thread(s): solve {statistics.median(whole):.2f} s, {ratio:.3f} times its network calls;"
            f" the rest of an iteration takes {rest / raw:.2f} raw FFT pairs of {raw * 1e3:.2f} ms,"
            f" of which to record the residual {share:.1%} of the network calls"
        )


if __name__ == "__main__":
    main()
