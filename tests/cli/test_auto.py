"""``invdiff solve --method auto``: the method that best predicts what was held back of the scan."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import pytest

from invdiff.cli.solve import SHORT_LIST
from invdiff.methods import METHODS
from invdiff.reconstruction.audit import Ranking

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SHORT_LIST:
        method = METHODS[name]
        monkeypatch.setitem(METHODS, name, replace(method, build=partial(method.build, steps=2)))


def test_it_chooses_and_says_so(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    command = "solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--method", "auto", "--samples", 2
    ran = invdiff(*command, "--out", tmp_path)
    assert ran.code == 0, ran.err
    assert "choosing among estimate, calibrated, fast, dds by samples held back of slice 0, 1: " in ran.out
    with h5py.File(tmp_path / "reconstruction.h5") as file:
        attributes = dict(file.attrs)
    assert attributes["ranking_sentence"] in ran.out
    ranking = Ranking.from_json(attributes["ranking"])
    assert {one.name for one in ranking.scores} | set(ranking.failures) == set(SHORT_LIST)
    assert attributes["method"] == ranking.best
    again = invdiff(*command, "--out", tmp_path, "--json")
    assert "was there already" in again.err
    assert json.loads(again.out)["exit_status"] == 0
    dry = invdiff(*command, "--out", tmp_path, "--dry-run", "--json")
    assert json.loads(dry.out)["total"]["network_calls"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "steps=3"], "are for one method"),
        (["--quality", "draft"], "are for one method"),
        (["--start", "zero-filled", "--start-sigma", "1"], "are for one method"),
        (["--samples", "0"], "give --samples 1 or more"),
        (["--operator", "denoise", "{folder}/denoise.npy"], "nothing can be held back"),
    ],
)
def test_what_it_refuses(invdiff: Run, folder: Path, tmp_path: Path, options: list[str], words: str) -> None:
    given = [option.format(folder=folder) for option in options]
    files = [] if given[-1].startswith("/") else [folder / "sense.h5"]
    prior = "--prior", folder / "prior.safetensors"
    ran = invdiff("solve", *files, *given, *prior, "--method", "auto", "--out", tmp_path / "out")
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1


def test_the_shared_list_is_of_few_network_calls() -> None:
    assert all(METHODS[name].build(steps=METHODS[name].defaults["steps"]).nfe <= 60 for name in SHORT_LIST)
