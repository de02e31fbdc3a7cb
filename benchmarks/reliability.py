"""How a study bears kills, other processes and its own length: `python benchmarks/reliability.py PART`.

The parts are kills, sameness, lost-worker, growth and throughput; each makes its own scan, runs `invdiff solve` in
processes of its own as a user would, and prints the lines that docs/reliability.md holds. All but throughput take a
tiny network of random weights. Linux alone tells what growth asks.
"""

import hashlib
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import h5py
import numpy as np
import torch
import typer
from distributed import LocalCluster

from invdiff.data import shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced
from invdiff.priors import EDM, Intensity, ScorePrior, UNet, save_prior
from invdiff.reconstruction import sample_scan

SLICES = 30
STUDY = ("--method", "fast", "--set", "steps=8", "--samples", "4", "--threads", "1", "--precision", "f32")
SHARDS = 16

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Case:
    """What is reconstructed, by what, and where results go."""

    folder: Path
    options: Sequence[str]

    @classmethod
    def made(cls, folder: Path, slices: int, side: int, coils: int, options: Sequence[str]) -> "Case":
        """So many slices in one file, and a tiny network."""
        phantom = np.abs(shepp_logan((side, side)))
        images = np.stack([(1 + 0.2 * np.sin(k)) * np.roll(phantom, k, axis=0) for k in range(slices)])
        scan = simulate(images, coils=coils, mask=equispaced((side, side), 2, 8), noise_std=0.01)
        write_scan(replace(scan, ground_truth=None, mask=scan.sampled), folder / "scan.h5")
        torch.manual_seed(0)
        network = UNet(channels=2, widths=(4, 4), blocks=1, embedding=4)
        torch.nn.init.normal_(network.conv_out.weight, std=0.1)  # it starts at zero
        prior = ScorePrior(
            network, EDM(0.2), channels=(1, 2), sigma_range=(0.002, 400.0), intensity=Intensity(99.9, 1.0), data_std=0.2
        )
        save_prior(prior, folder / "prior.safetensors")
        return cls(folder, ("--prior", "prior.safetensors", *options))

    def start(self, out: str, *options: str) -> "subprocess.Popen[bytes]":
        """`invdiff solve`, which says nothing."""
        command = [sys.executable, "-m", "invdiff.cli", "solve", "scan.h5", "--out", out, "--quiet"]
        return subprocess.Popen([*command, *self.options, *options], cwd=self.folder)

    def run(self, out: str, *options: str) -> str:
        """The hash of what it makes."""
        assert self.start(out, *options).wait() == 0
        return self.hash(out)

    def finished(self, out: str) -> int:
        """Units of a run that goes on."""
        try:
            return sum(file.name[0].isdigit() for file in (self.folder / out / "units").glob("*.npz"))
        except OSError:  # the folder vanishes as it is looked through
            return 0

    def hash(self, out: str) -> str:
        """Of all numbers and attributes of a result, beside which there is nothing but its pictures."""
        files = sorted(file.name for file in (self.folder / out).iterdir())
        assert files == ["panel.png", "reconstruction.h5", "slices.png"], files
        digest = hashlib.sha256()
        with h5py.File(self.folder / out / "reconstruction.h5") as file:
            for name in sorted(file):
                array = file[name][()]
                assert np.isfinite(array).all()
                digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
            digest.update(repr(sorted((name, str(value)) for name, value in file.attrs.items())).encode())
        return digest.hexdigest()[:16]


@contextmanager
def case(slices: int, side: int, coils: int, options: Sequence[str]) -> Iterator[Case]:
    """A case in a folder that does not stay."""
    with TemporaryDirectory() as folder:
        yield Case.made(Path(folder), slices, side, coils, options)


@contextmanager
def cluster() -> Iterator[LocalCluster]:
    """Two worker processes."""
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as found:
        yield found


@app.command()
def kills(count: Annotated[int, typer.Option(help="Of processes.")] = 100, seed: int = 0) -> None:
    """Kill a study at random moments and go on, and begin it anew whenever it is whole, until so many were killed."""
    rng = random.Random(seed)
    with case(SLICES, 24, 3, STUDY) as found:
        begun = time.perf_counter()
        expected = found.run("whole")
        longest = time.perf_counter() - begun
        killed, studies, in_this = 0, 0, 0
        states: dict[str, int] = {"before the first sample": 0, "between samples": 0, "after the last": 0}
        while killed < count or in_this:
            process = found.start("out")
            if killed < count:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(rng.uniform(0, longest))
                process.kill()
            if process.wait() == -signal.SIGKILL:
                finished = found.finished("out")
                states[list(states)[0 if finished == 0 else 1 if finished < 4 * SLICES else 2]] += 1
                killed, in_this = killed + 1, in_this + 1
                continue
            assert process.returncode == 0
            assert found.hash("out") == expected
            shutil.rmtree(found.folder / "out")
            studies, in_this = studies + 1, 0
    print(
        f"{killed} kills ({', '.join(f'{n} {state}' for state, n in states.items())}) of {studies} studies of {SLICES} "
        f"slices with 4 samples: every result whole, hash {expected} as of the run that nobody killed, no file left"
    )


@app.command()
def sameness() -> None:
    """One process, two, 16 shards of which two run at a time, and a cluster."""
    with case(SLICES, 24, 3, STUDY) as found:
        hashes = {"one process": found.run("one"), "2 processes": found.run("two", "--workers", "2")}
        for first in range(1, SHARDS + 1, 2):
            parts = [found.start("shards", "--shard", f"{part}/{SHARDS}") for part in (first, first + 1)]
            assert [part.wait() for part in parts] == [0, 0]
        hashes[f"{SHARDS} shards"] = found.hash("shards")
        with cluster() as workers:
            hashes["Dask"] = found.run("dask", "--scheduler", workers.scheduler_address)
    assert len(set(hashes.values())) == 1, hashes
    print(f"{', '.join(hashes)}: hash {hashes['one process']} of {SLICES} slices with 4 samples each")


@app.command()
def lost_worker() -> None:
    """Kill one of two workers of a cluster midway, which starts another in its place."""
    with case(SLICES, 24, 3, STUDY) as found, cluster() as workers:
        expected = found.run("whole")
        process = found.start("out", "--scheduler", workers.scheduler_address)
        while process.poll() is None and found.finished("out") < 40:
            time.sleep(0.05)
        assert process.poll() is None
        os.kill(workers.workers[0].pid, signal.SIGKILL)
        assert process.wait() == 0
        assert found.hash("out") == expected
    print(f"a Dask worker killed after 40 of {4 * SLICES} samples: every slice is there, hash {expected} as alone")


@dataclass(frozen=True)
class Cost:
    """What a run took.

    Attributes:
        finished: how many slices were, whenever it was looked at.
        seconds: of the processor, until then.
        memory: bytes, then.
        peak: bytes of memory at most, pictures included.
        written: bytes, over those of the result.
    """

    finished: Sequence[int]
    seconds: Sequence[float]
    memory: Sequence[int]
    peak: int
    written: float

    def slope(self, quantity: Sequence[float], first: int, end: int) -> float:
        """Of a quantity, for each slice in a range."""
        low, high = np.interp([first, end], self.finished, quantity)
        return float(high - low) / (end - first)


def watched(found: Case, out: str) -> Cost:
    """A run in one process, looked at while it goes on."""
    process = found.start(out)
    place, tick, page = Path(f"/proc/{process.pid}"), os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    seen: dict[int, tuple[float, int]] = {}
    peak = 0  # as wait tells it, it is that of this process too, from before exec
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        time.sleep(0.02)
        if (most := re.search(r"VmHWM:\s+(\d+) kB", (place / "status").read_text())) is not None:
            peak = 1024 * int(most[1])
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        finished = found.finished(out)
        if finished > max(seen, default=0):  # the number falls as units are removed
            seen[finished] = (int(fields[11]) + int(fields[12])) / tick, int(fields[21]) * page
    counted = dict(line.split(": ") for line in (place / "io").read_text().splitlines())
    assert process.wait() == 0
    result = (found.folder / out / "reconstruction.h5").stat().st_size
    seconds, memory = zip(*seen.values(), strict=True)
    return Cost([*seen], seconds, memory, peak, int(counted["wchar"]) / result)


@app.command()
def growth(sizes: Annotated[str, typer.Option(help="Numbers of slices.")] = "10,100,1000") -> None:
    """Studies of 64 x 64 x 4 coils in one file, an estimate each, and what they take."""
    options = ("--samples", "0", "--set", "steps=3", "--threads", "1", "--precision", "f32")
    columns = ("slices", "memory at the last", "peak, pictures included", "written over the result")
    columns += ("ms of processor a slice, first hundred", "last hundred", "memory of a hundred more, second half")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for count in map(int, sizes.split(",")):
        with case(count, 64, 4, options) as found:
            data = (found.folder / "scan.h5").stat().st_size / count
            cost = watched(found, "out")
        part = min(100, count)
        first, last = (1e3 * cost.slope(cost.seconds, k, k + part - 1) for k in (1, count - part + 1))
        more = 100 * cost.slope(cost.memory, count // 2, count) / 1e3
        print(
            f"| {count:,} | {cost.memory[-1] / 1e6:.1f} MB | {cost.peak / 1e6:.1f} MB | {cost.written:.2f} "
            f"| {first:.1f} | {last:.1f} | {more:.0f} kB |",
            flush=True,
        )
    print(f"a slice of the scan is {data / 1e3:.0f} kB")


@app.command()
def throughput(
    repeats: Annotated[int, typer.Option(help="Turns of either side.")] = 3,
    steps: Annotated[int, typer.Option(help="Network calls of each estimate.")] = 30,
) -> None:
    """Two processes of one thread each against one of two threads, in turn: the package's scan as eight slices."""
    with TemporaryDirectory() as folder:
        scan = sample_scan()
        write_scan(scan.select([0] * 8), Path(folder) / "scan.h5")
        options = ("--undersample", "equispaced", "--samples", "0", "--set", f"steps={steps}", "--threads", "2")
        found = Case(Path(folder), (*options, "--noise-std", "1e-6"))  # whose estimation is work of one process
        taken: dict[str, list[float]] = {"1": [], "2": []}
        for turn in range(repeats):
            for workers, seconds in taken.items():
                begun = time.perf_counter()
                assert found.start(f"{workers}-{turn}", "--workers", workers).wait() == 0
                seconds.append(time.perf_counter() - begun)
    one, two = (statistics.median(seconds) for seconds in taken.values())
    load = os.getloadavg()[2]
    print(
        f"eight slices of 16 coils, {steps} calls each: {one:.1f} s in one process of two threads, {two:.1f} s in "
        f"two of one, {one / two:.2f} times as fast (medians of {repeats}, in turn; mean load {load:.1f} meanwhile)"
    )


if __name__ == "__main__":
    app()
