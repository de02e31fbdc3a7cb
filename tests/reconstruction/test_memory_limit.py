"""A limit of memory is kept or refused, and changes no sample."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff.cli.computing import Computing
from invdiff.data import shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.methods import METHODS
from invdiff.priors import EDM, Intensity, ScorePrior, UNet, save_prior
from invdiff.reconstruction import Cases, Drawing, Recipe, Study, Unit, scan_cases, spread_slices, within
from invdiff.reconstruction.peak_memory import peak_memory
from invdiff.reconstruction.trial import Cost

SHAPE = (24, 20)
MOST = 2**50


def prior() -> ScorePrior:
    torch.manual_seed(0)
    network = UNet(channels=2, widths=(4, 4), blocks=1, embedding=4)
    torch.nn.init.normal_(network.conv_out.weight, std=0.1)
    return ScorePrior(network, EDM(0.2), channels=(1, 2), sigma_range=(0.002, 400.0), intensity=Intensity(99.9, 1.0))


@cache
def cases() -> Cases:
    image = np.abs(shepp_logan(SHAPE))
    return scan_cases(simulate(image, coils=3, mask=equispaced(SHAPE, 2, 8), noise_std=0.01), "sense")


def drawing(name: str = "fast") -> Drawing:
    return Drawing(cases(), METHODS[name].with_settings({"steps": "3"}), prior())


@pytest.mark.parametrize("name", ["fast", "estimate"])
def test_samples_are_the_same_within_a_limit(name: str) -> None:
    free = drawing(name)
    kept = within(drawing(name), 2, MOST)
    unit = Unit(0, range(2))
    images, same = free(unit, lambda share: None).images, kept(unit, lambda share: None).images
    assert np.array_equal(images, same)
    assert free.key(0) == kept.key(0)
    other = replace(kept, seed=1)(unit, lambda share: None).images
    assert not np.array_equal(images, other)


def test_a_study_is_the_same_within_a_limit(tmp_path: Path) -> None:
    free = Study(prior(), None, Recipe(METHODS["fast"], {"steps": "3"}, 2))
    images = []
    for name, study in (("free", free), ("kept", replace(free, memory_limit=MOST))):
        (tmp_path / name).mkdir()
        outcome = study(cases(), tmp_path / name)
        assert outcome.path is not None
        images.append(spread_slices(outcome.path, 1).samples)
    assert np.array_equal(*images)


def test_what_takes_more_is_refused_with_what_it_takes() -> None:
    with pytest.raises(InputError, match="more than --memory-limit 1MiB of each process; give at least") as caught:
        within(drawing(), 2, 2**20)
    found = re.search(r"takes (\S+),.* at least (\S+) for each", str(caught.value))
    assert found is not None
    needed = Computing(memory_limit=found[2]).limit
    assert needed is not None
    taken = Computing(memory_limit=found[1]).limit
    assert taken is not None
    assert taken <= needed <= 1.05 * taken + 2**30 / 10  # another trial may take a little more; words round up
    assert peak_memory(torch.device("cpu")) <= needed <= 1.25 * peak_memory(torch.device("cpu"))
    within(drawing(), 2, needed + 2**25)  # this process may have grown meanwhile


def test_a_study_that_takes_more_leaves_nothing(tmp_path: Path) -> None:
    study = Study(prior(), None, Recipe(METHODS["fast"], {"steps": "3"}, 2), memory_limit=2**20)
    with pytest.raises(InputError, match="more than --memory-limit"):
        study(cases(), tmp_path)
    assert not [*tmp_path.iterdir()]


class OnGPU(Drawing):
    """A drawing whose samples run side by side."""

    def side_by_side(self, samples: int) -> int:
        return samples if self.together is None else min(samples, self.together)


def on_gpu() -> Drawing:
    return OnGPU(cases(), METHODS["fast"].with_settings({"steps": "3"}), prior())


@dataclass(frozen=True)
class Priced:
    """An executor whose trials take what they are said to take."""

    fixed: int
    each: int
    workers: int = 1

    def map(self, work: Any, items: Iterable[Unit], progress: Any = None) -> Iterator[tuple[Unit, Cost]]:
        return ((unit, Cost(0.0, 0.0, 1, self.taken(len(unit.samples)))) for unit in items)

    def taken(self, samples: int) -> int:
        return self.fixed + samples * self.each


@given(
    fixed=st.integers(0, 2**34), each=st.integers(2**10, 2**32), limit=st.integers(1, 2**36), samples=st.integers(1, 64)
)
def test_as_many_run_side_by_side_as_fit(fixed: int, each: int, limit: int, samples: int) -> None:
    """Within a tenth that is left for what comes after a trial."""
    executor = Priced(fixed, each)
    free = on_gpu()
    if int(1.1 * executor.taken(1)) > limit:
        with pytest.raises(InputError, match="more than --memory-limit"):
            within(free, samples, limit, executor=executor)
        return
    together = within(free, samples, limit, executor=executor).side_by_side(samples)
    assert 1 <= together <= samples
    assert executor.taken(together) <= limit
    assert together == samples or 1.1 * executor.taken(together + 1) >= limit - together


def test_a_trial_alone_does_not_tell_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no more is asked of each sample than half of what it takes, the limit is not kept."""
    monkeypatch.setattr("invdiff.reconstruction.memory_limit._SPARE", 0.5)
    executor = Priced(0, 100)
    assert executor.taken(within(on_gpu(), 64, 1000, executor=executor).side_by_side(64)) > 1000


def test_a_system_that_tells_nothing_has_no_limit() -> None:
    with pytest.raises(InputError, match="leave out --memory-limit"):
        within(drawing(), 1, MOST, executor=Priced(0, 0))


def test_half_of_a_limit_is_for_network_calls_on_devices() -> None:
    assert Computing("meta", "f32", memory_limit="1GiB").place(prior()).memory_budget == 2**29
    assert Computing("cpu", "f32", memory_limit="1GiB").place(prior()).memory_budget is None, (
        "one image is fastest there"
    )


_CHILD = """
import atexit, sys, torch
from invdiff.cli import main
from invdiff.reconstruction.peak_memory import peak_memory
torch.set_num_threads(1)
atexit.register(lambda: print("peak", peak_memory(torch.device("cpu")), file=sys.stderr))
main()
"""


@dataclass(frozen=True)
class Ran:
    code: int
    said: str

    @property
    def peak(self) -> int:
        return int(self.said.split("peak ")[-1])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the peak")
def test_the_whole_process_stays_within_its_limit(tmp_path: Path) -> None:
    """Coil by coil, on a scan of many: refused with a number that then is enough, of all that the process does."""
    shape = (96, 96)
    scan = simulate(np.abs(shepp_logan(shape)), coils=16, mask=equispaced(shape, 3, 20), noise_std=0.01)
    write_scan(replace(scan, ground_truth=None, maps=None), tmp_path / "scan.h5")
    save_prior(prior(), tmp_path / "prior.safetensors")

    def solve(limit: str) -> Ran:
        options = ["--method", "chung2022_soss", "--set", "steps=8", "--samples", "1", "--memory-limit", limit]
        files = [tmp_path / "scan.h5", "--prior", tmp_path / "prior.safetensors", "--out", tmp_path / "out"]
        command = [sys.executable, "-c", _CHILD, "solve", *map(str, files), *options]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return Ran(ran.returncode, ran.stderr)

    refused = solve("100MiB")
    assert refused.code == 2, refused.said
    assert not (tmp_path / "out" / "reconstruction.h5").exists()
    found = re.search(r"more than --memory-limit 100MiB of each process; give at least (\S+) for each", refused.said)
    assert found is not None, refused.said
    limit = Computing(memory_limit=found[1]).limit
    assert limit is not None
    assert 2**27 < refused.peak <= limit
    kept = solve(found[1])
    assert kept.code == 0, kept.said
    assert (tmp_path / "out" / "reconstruction.h5").exists()
    assert kept.peak <= limit
