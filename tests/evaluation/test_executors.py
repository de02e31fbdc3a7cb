"""Scores do not depend on where, by whom, or in how many parts they are computed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from invdiff import Sampler
from invdiff.data import Condition
from invdiff.errors import InputError
from invdiff.evaluation import CLASSICAL, Comparison, Contender, Diffusion, ScoreTable, Simulation, find_subjects
from invdiff.evaluation.score_table import key
from invdiff.files.lock import folder_lock
from invdiff.methods import find_method
from invdiff.metrics import CONVENTIONS
from invdiff.priors import EDM, Intensity, ScorePrior, UNet
from invdiff.reconstruction import Cases, Executor, FolderStore, Here, Processes, Shard

CONDITIONS = [Condition("random", 2, 0.3)]


@pytest.fixture(scope="module")
def diffusion() -> Diffusion:
    torch.manual_seed(0)
    network = UNet(channels=1, widths=(4, 4), blocks=1, embedding=4)
    torch.nn.init.normal_(network.conv_out.weight, std=0.1)  # it starts at zero
    prior = ScorePrior(network, EDM(0.2), channels=(1,), sigma_range=(0.002, 400.0), intensity=Intensity(99.9, 1.0))
    return Diffusion(find_method("fast"), {"steps": "2"}, prior, "tiny", 2)


def comparison(scans: Path, *contenders: Contender) -> Comparison:
    subjects = find_subjects(scans, Simulation(coils=3, noise_std=0.01))
    return Comparison(subjects, contenders, CONDITIONS, [CONVENTIONS["fastmri"], CONVENTIONS["song"]])


def scored(comparison: Comparison, folder: Path, runs: list[tuple[Executor, Shard]]) -> list[dict[str, str]]:
    """The rows of a table but for their seconds, in a fixed order."""
    for executor, shard in runs:
        table = ScoreTable(folder / "scores.csv")
        comparison.run(table, keep=folder / "units", executor=executor, shard=shard)
    assert comparison.is_whole(table)
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["scores.csv"]
    rows = [{**row, "seconds": ""} for row in comparison.found(table)]
    return sorted(rows, key=key)


HALVES = [(Here(), Shard(1, 2)), (Here(), Shard(2, 2))]


def test_the_same_table_from_everywhere(scans: Path, tmp_path: Path, diffusion: Diffusion) -> None:
    asked = comparison(scans, CLASSICAL["zero-filled"], diffusion)
    tables = []
    for name, runs in (("here", [(Here(), Shard())]), ("processes", [(Processes(2), Shard())]), ("halves", HALVES)):
        (tmp_path / name).mkdir()
        tables.append(scored(asked, tmp_path / name, runs))
    assert len(tables[0]) == 2 * (3 + 5)
    assert tables[0] == tables[1] == tables[2]


def test_a_contender_that_remembers_is_found_out(scans: Path, tmp_path: Path, fake: Any) -> None:
    """What a unit gives must not depend on those before it, or no table would be the same."""
    tables = []
    for name, runs in (("here", [(Here(), Shard())]), ("halves", HALVES)):
        count = iter(range(100))
        forgetful = replace(fake, make=lambda cases, count=count: (1 + 0.1 * next(count)) * cases.ground_truth)
        (tmp_path / name).mkdir()
        tables.append(scored(comparison(scans, forgetful), tmp_path / name, runs))
    assert tables[0] != tables[1]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_shards_take_each_unit_once(scans: Path, tmp_path: Path, fake: Any, count: int) -> None:
    asked = comparison(scans, fake, replace(fake, name="other"))
    table = ScoreTable(tmp_path / "scores.csv")
    for index in range(1, count + 1):
        assert not asked.is_whole(table)
        asked.run(table, keep=tmp_path / "units", shard=Shard(index, count))
    assert asked.is_whole(table)
    assert len(fake.asked) == 6


def failing(error: BaseException) -> Callable[[Cases], np.ndarray]:
    def make(cases: Cases) -> np.ndarray:
        raise error

    return make


def test_an_interrupted_unit_goes_on_from_its_samples(
    scans: Path, tmp_path: Path, diffusion: Diffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, table, keep = comparison(scans / "a.h5", diffusion), ScoreTable(tmp_path / "scores.csv"), tmp_path / "units"
    put, written = FolderStore.put, []

    def interrupted(self: FolderStore, *arguments: Any) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        put(self, *arguments)
        written.append(arguments)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            asked.run(table, keep=keep)
    assert len(list(keep.glob("*/*-*-*.npz"))) == 3
    assert not table.rows
    asked.run(table, keep=keep)
    assert asked.is_whole(table)
    assert not keep.exists()
    drawn = len(written)

    def counted(self: FolderStore, *arguments: Any) -> None:
        written.append(arguments)
        put(self, *arguments)

    monkeypatch.setattr(FolderStore, "put", counted)
    monkeypatch.setattr(Sampler, "bind", failing(AssertionError("something was drawn twice")))
    asked.run(table, keep=keep)
    assert len(written) == drawn


def test_what_another_process_is_at_work_on_is_refused_and_left_alone(
    scans: Path, tmp_path: Path, diffusion: Diffusion
) -> None:
    asked, table, keep = comparison(scans / "a.h5", diffusion), ScoreTable(tmp_path / "scores.csv"), tmp_path / "units"
    (unit,) = asked.units
    folder = keep / asked.digest(unit)
    folder.mkdir(parents=True)
    with folder_lock(folder / "unit.lock"):
        with pytest.raises(InputError, match=r"a\.h5, random 2x, fast: Another process is at work"):
            asked.run(table, keep=keep)
        assert folder.is_dir()
    asked.run(table, keep=keep)
    assert asked.is_whole(table)
    assert not keep.exists()


def test_nothing_is_left_of_what_was_refused(scans: Path, tmp_path: Path, fake: Any) -> None:
    fake.make = failing(InputError("It diverged."))
    with pytest.raises(InputError, match="It diverged"):
        comparison(scans, fake).run(ScoreTable(tmp_path / "scores.csv"), keep=tmp_path / "units")
    assert not list(tmp_path.iterdir())
