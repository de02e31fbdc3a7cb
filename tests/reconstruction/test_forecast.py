"""What drawing will take, by a clock that the prior turns, so that forecast and truth are no matter of measuring."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.cli.computing import Computing
from invdiff.data import Scan, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import VE, Geometric, ReverseDiffusion, Sampler, SplitComplex
from invdiff.methods import METHODS
from invdiff.priors import GaussianPrior, Prior
from invdiff.reconstruction import (
    Cases,
    Drawing,
    Executor,
    FolderStore,
    Forecast,
    Here,
    MeasuredOnce,
    MemoryStore,
    Recipe,
    Shard,
    Study,
    Unit,
    draw,
    forecast,
    known_noise,
    scan_cases,
)
from invdiff.reconstruction.known_noise import noise_forecast
from invdiff.reconstruction.peak_memory import peak_memory, size
from invdiff.reconstruction.trial import Cost, Trial, spread

SHAPE = (12, 10)
SLICES = 5
HIGHEST, LOWEST = 10.0, 0.01


@cache
def every() -> Cases:
    """Slices of a simulated scan."""
    image = np.abs(shepp_logan(SHAPE))
    stack = np.stack([image * (1 + number) for number in range(SLICES)])
    return scan_cases(simulate(stack, coils=3, mask=equispaced(SHAPE, 2, 6), noise_std=0.01), "sense")


class Ticking(Prior):
    """The standard normal prior, whose calls turn a clock: by one at the lowest level, by ``high`` at the highest, in
    proportion to the logarithm between them, and the first ``cold`` calls by a thousand."""

    channels = (1, 2)

    def __init__(self, high: float = 1.0, cold: int = 0) -> None:
        self.high, self.cold, self.now, self.calls = high, cold, 0.0, 0

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        share = math.log(sigma / LOWEST) / math.log(HIGHEST / LOWEST)
        self.now += 1000 if self.calls < self.cold else 1 + share * (self.high - 1)
        self.calls += 1
        return x / (1 + sigma**2)

    def clock(self) -> float:
        return self.now


def sampler(steps: int) -> Sampler:
    return Sampler(VE(LOWEST, HIGHEST), Geometric(steps), [ReverseDiffusion()], SplitComplex())


def by(prior: Ticking) -> Callable[[Drawing, Unit, Executor], Cost]:
    return lambda drawing, unit, executor: Trial(drawing, clock=prior.clock)(unit, lambda share: None)


def told_and_true(cases: Cases, steps: int, samples: int, high: float) -> tuple[Forecast, Forecast]:
    prior, warm = Ticking(high, cold=1), Ticking(high)
    told = forecast(Drawing(cases, sampler(steps), prior), samples, measure=by(prior))
    store = MemoryStore()
    draw(Drawing(cases, sampler(steps), warm), store, samples)
    return told, Forecast(frozenset(cases.full), len(cases.full) * samples, warm.calls, warm.now)


@settings(max_examples=25)
@given(steps=st.integers(2, 40), samples=st.integers(1, 3), high=st.floats(0.1, 10), slices=st.integers(1, SLICES))
def test_a_forecast_is_what_drawing_takes(steps: int, samples: int, high: float, slices: int) -> None:
    """Whatever the first call costs, and however the levels differ."""
    told, true = told_and_true(every().of([*range(slices)]), steps, samples, high)
    assert (told.cases, told.units, told.network_calls) == (true.cases, true.units, true.network_calls)
    assert told.seconds == pytest.approx(true.seconds, rel=0.1)
    assert told.peak_bytes > 0


def test_one_level_does_not_tell_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invdiff.reconstruction.trial.spread", lambda first, end, most: [first] * most)
    told, true = told_and_true(every(), 20, 1, high=10)
    assert told.seconds > 1.5 * true.seconds


@given(first=st.integers(0, 50), count=st.integers(1, 200), most=st.integers(1, 9))
def test_levels_are_spread(first: int, count: int, most: int) -> None:
    """In order, each once, and in the middle of the run together."""
    levels = spread(first, first + count, most)
    assert sorted({*levels}) == levels
    assert len(levels) == min(most, count)
    assert set(levels) <= set(range(first, first + count))
    assert np.mean(levels) == pytest.approx(first + (count - 1) / 2, abs=0.5)


def test_nothing_is_to_be_tried_of_no_iterations() -> None:
    assert spread(0, 10, 0) == []


@given(finished=st.sets(st.tuples(st.integers(0, SLICES - 1), st.integers(0, 1))))
def test_finished_samples_cost_nothing(finished: set[tuple[int, int]]) -> None:
    prior = Ticking()
    drawing, store = Drawing(every(), sampler(4), prior), MemoryStore()
    for case, sample in finished:
        unit = Unit(case, range(sample, sample + 1))
        store.put(unit, drawing.key(case), drawing(unit, lambda share: None))
    told = forecast(drawing, 2, store=store, measure=by(prior))
    prior.calls = 0
    draw(drawing, store, 2)
    assert told.network_calls == prior.calls
    assert told.units == 2 * SLICES - len(finished)
    assert told.cases == {case for case in range(SLICES) if not {(case, 0), (case, 1)} <= finished}


@given(count=st.integers(1, 7), position=st.integers(0, 9))
def test_shards_add_up(count: int, position: int) -> None:
    drawing = Drawing(every(), sampler(3), Ticking())
    whole = forecast(drawing, 2)
    parts = [forecast(drawing, 2, shard=Shard(k + 1, count), position=position) for k in range(count)]
    assert sum(part.units for part in parts) == whole.units
    assert sum(part.network_calls for part in parts) == whole.network_calls


@dataclass(frozen=True)
class Several:
    """Workers that are only counted."""

    workers: int

    def map(self, work: Any, items: Iterable[Any], progress: Any = None) -> Iterator[tuple[Any, Any]]:
        return Here().map(work, items, progress)


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("samples", [1, 4])
def test_workers_share(workers: int, samples: int) -> None:
    """The last to finish tells: as many rounds of the longest unit as it takes."""
    prior = Ticking()
    told = forecast(Drawing(every(), sampler(4), prior), samples, executor=Several(workers), measure=by(prior))
    per_unit = samples if 1 < workers <= SLICES else 1
    units = SLICES * samples // per_unit
    assert told.units == units
    assert told.seconds == pytest.approx(math.ceil(units / workers) * per_unit * 4)
    assert told.network_calls == SLICES * samples * 4


def test_what_is_alike_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    trials: list[Unit] = []
    call = Trial.__call__

    def counted(self: Trial, unit: Unit, report: Any) -> Cost:
        trials.append(unit)
        return call(self, unit, report)

    monkeypatch.setattr(Trial, "__call__", counted)
    measure = MeasuredOnce()
    for steps, part in itertools.product((3, 4), ([0], [1, 2])):
        forecast(Drawing(every().of(part), sampler(steps), Ticking()), 1, measure=measure)
    assert len(trials) == 2


@pytest.mark.parametrize("name", ["song2021", "chung2022_soss", "jalal2021", "estimate", "ccdf"])
def test_a_trial_runs_every_kind_of_loop(name: str) -> None:
    """Views, starts, finishes and guidance of several kinds; calls are as the whole run counts them."""
    built = METHODS[name].with_settings({"steps": "9"}, channels=(1, 2))
    told = forecast(Drawing(every(), built, Ticking()), 1)
    assert told.network_calls == SLICES * built.nfe
    assert told.seconds > 0


def study(prior: GaussianPrior) -> Study:
    return Study(prior, Recipe(METHODS["estimate"], {"steps": "4"}), Recipe(METHODS["fast"], {"steps": "3"}, 2))


@pytest.fixture
def complex_prior() -> GaussianPrior:
    return GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))


def test_a_study_is_its_stages_until_it_is_there(complex_prior: GaussianPrior, tmp_path: Path) -> None:
    some, made = every().of([0, 1]), study(complex_prior)
    told = made.forecast(some, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert told.units == 2 * (1 + 2)
    assert told.network_calls == 2 * (4 + 2 * 3)
    (tmp_path / "out").mkdir()
    made(some, tmp_path / "out")
    assert made.forecast(some, tmp_path / "out") == Forecast()


def test_noise_that_is_looked_for_counts(complex_prior: GaussianPrior, tmp_path: Path) -> None:
    full = simulate(np.abs(shepp_logan(SHAPE)), coils=6, noise_std=0.01)
    found = scan_cases(Scan(full.kspace, maps=full.maps), "sense", mask=equispaced(SHAPE, 2, 6), noise_std=0.01)
    assert found.preparation is not None
    doubtful = replace(found, preparation=replace(found.preparation, noise_uncertainty=0.5))
    cases, told = noise_forecast(doubtful, complex_prior, MemoryStore(), MeasuredOnce())
    assert cases is doubtful
    assert 40 <= told.network_calls <= 120
    assert told.units == 0
    assert noise_forecast(found, complex_prior, MemoryStore(), MeasuredOnce()) == (found, Forecast())
    store = FolderStore(tmp_path)
    settled = known_noise(doubtful, complex_prior, store=store)
    cases, told = noise_forecast(doubtful, complex_prior, store, MeasuredOnce())
    assert told == Forecast()
    assert cases.noise_std == settled.noise_std


def test_the_peak_is_no_less_than_what_is_held() -> None:
    before = peak_memory(torch.device("cpu"))
    resident = psutil.Process().memory_info().rss
    held = np.ones((before - resident) // 8 + 2**23)
    peak = peak_memory(torch.device("cpu"))
    assert before < peak < resident + 1.5 * held.nbytes
    del held
    assert peak_memory(torch.device("cpu")) >= 0.99 * peak, "a peak stays"


@given(st.integers(1, 2**45))
def test_sizes_are_read_as_they_are_written(count: int) -> None:
    """With no byte too few, and not many too many."""
    limit = Computing(memory_limit=size(count)).limit
    assert limit is not None
    assert count <= limit <= 1.11 * count + 1
