import copy
import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from invdiff.priors import EDM, ScorePrior, UNet, load_prior
from invdiff.training import loop
from invdiff.training.loop import Training, fit


def tiny() -> UNet:
    return UNet(channels=1, widths=(8, 8), blocks=1, embedding=8)


def loss(network: UNet, side: int, count: int, rng: np.random.Generator) -> Tensor:
    x = torch.from_numpy(rng.standard_normal((count, 1, side, side), dtype=np.float32))
    return (network(x, torch.zeros(count)) - x).square().mean()


def score(network: UNet) -> list[float]:
    return [loss(network, 8, 1, np.random.default_rng(0)).item()]


def as_prior(network: UNet) -> ScorePrior:
    return ScorePrior(network, EDM(0.5), channels=(1,), sigma_range=(0.01, 1))


def go_on(run: Training, out: Path, loss: Callable[..., Tensor] = loss) -> None:
    """Twelve seconds of the clock below, of which the first is the start."""
    fit(
        run,
        out,
        minutes=0.2,
        learning_rate=1e-3,
        sizes=[(8, 1), (4, 3)],
        loss=loss,
        validate=score,
        as_prior=as_prior,
    )


class Clock:
    """A second for every look at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "time", Clock())
    monkeypatch.delenv("RANK", raising=False)


def same(a: Training, b: Training) -> bool:
    pairs = [(a.network, b.network), (a.average, b.average)]
    return all(
        torch.equal(x, y)
        for one, other in pairs
        for x, y in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_the_average_follows_the_network() -> None:
    run = Training.begin(tiny, 1e-3)
    before = copy.deepcopy(run.average.state_dict())
    run.update(loss(run.network, 8, 1, np.random.default_rng(0)), 1e-2)
    decay = 2 / 11
    assert not torch.equal(run.network.conv_out.bias, before["conv_out.bias"])
    for name, parameter in run.network.state_dict().items():
        expected = decay * before[name] + (1 - decay) * parameter
        torch.testing.assert_close(run.average.state_dict()[name], expected)


def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    through, interrupted, resumed = (Training.begin(tiny, 1e-3) for _ in range(3))
    go_on(through, tmp_path / "through")
    assert through.step == 11

    def cut(*arguments: Any) -> Tensor:
        if interrupted.step == 5:
            raise KeyboardInterrupt
        return loss(*arguments)

    monkeypatch.setattr(loop, "SAVE_EVERY", 0)
    monkeypatch.setattr(loop, "time", Clock())
    with pytest.raises(KeyboardInterrupt):
        go_on(interrupted, tmp_path / "cut", cut)
    monkeypatch.setattr(loop, "time", Clock())
    go_on(resumed, tmp_path / "cut")
    assert resumed.step == through.step
    assert same(resumed, through)
    assert not same(interrupted, through)


def test_every_step_draws_anew(tmp_path: Path) -> None:
    drawn = []

    def record(network: UNet, side: int, count: int, rng: np.random.Generator) -> Tensor:
        drawn.append((side, count, rng.random()))
        return loss(network, side, count, rng)

    go_on(Training.begin(tiny, 1e-3), tmp_path, record)
    assert {size[:2] for size in drawn} == {(8, 1), (4, 3)}
    assert len({number for *_, number in drawn}) == 11


def test_a_run_writes_checkpoint_logs_and_prior(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    monkeypatch.setattr(loop, "VALIDATE_EVERY", 4)
    run = Training.begin(tiny, 1e-3)
    go_on(run, tmp_path)
    names = ["latest.pt", "loss.csv", "prior.safetensors", "validation.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    rows = {name: list(csv.reader((tmp_path / name).read_text().splitlines())) for name in names if "csv" in name}
    assert [row[:2] for row in rows["loss.csv"]] == [["3", "3"], ["6", "6"], ["9", "9"]]
    assert [row[:2] for row in rows["validation.csv"]] == [["5", "5"], ["10", "10"], ["11", "11"]]
    assert float(rows["validation.csv"][-1][2]) < float(rows["validation.csv"][0][2])
    prior, x = load_prior(tmp_path / "prior.safetensors"), torch.ones(1, 1, 8, 8)
    torch.testing.assert_close(prior.denoise(x, 0.5), as_prior(run.average).denoise(x, 0.5), rtol=1e-2, atol=1e-2)
