"""What a solve costs beside its network calls: `python benchmarks/overhead.py`.

`chung2022_complex` on the package's 16-coil scan with the shipped prior: the whole solve over the bare network calls it
makes, and the rest of an iteration in raw FFT pairs on the coil images. Sides are interleaved; medians; one and two
threads.
"""

import os
import statistics
import sys
import time

HEAP = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
if any(os.environ.get(name) != value for name, value in HEAP.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **HEAP})

import torch  # noqa: E402

from invdiff.diffusion import Problem, chung2022_complex  # noqa: E402
from invdiff.diffusion.sampler import scale_of  # noqa: E402
from invdiff.priors import load_prior  # noqa: E402
from invdiff.reconstruction import sample_cases  # noqa: E402

STEPS, REPEATS = 20, 7


def main() -> None:
    print("heap:", ", ".join(f"{name}={value}" for name, value in HEAP.items()), "torch", torch.__version__)
    prior = load_prior("builtin")
    (found,) = sample_cases("sense", seed=0)
    problem = Problem(found.operator, found.y, found.noise_std, scale_of(found, prior))
    sampler = chung2022_complex(steps=STEPS)
    image = torch.randn(2, 1, *problem.operator.domain_shape)  # real and imaginary part
    coils = torch.randn(16, *problem.operator.domain_shape, dtype=torch.complex64)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        whole, bare, pair = [], [], []
        with torch.no_grad():
            for repeat in range(REPEATS + 1):
                begin = time.perf_counter()
                calls = sampler(problem, prior).nfe
                solved = time.perf_counter()
                for _ in range(calls):
                    prior.score(image, 1.0)
                called = time.perf_counter()
                for _ in range(20):
                    torch.fft.ifft2(torch.fft.fft2(coils))
                if repeat:
                    whole.append(solved - begin)
                    bare.append(called - solved)
                    pair.append((time.perf_counter() - called) / 20)
        total, network, raw = map(statistics.median, (whole, bare, pair))
        print(
            f"{threads} thread(s): solve {total:.2f} s, {calls} bare calls {network:.2f}, ratio {total / network:.3f};"
            f" the rest of an iteration: {(total - network) / STEPS / raw:.2f} raw FFT pairs of {raw * 1e3:.2f} ms"
        )


if __name__ == "__main__":
    main()
