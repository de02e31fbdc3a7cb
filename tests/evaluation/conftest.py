"""Tiny scans and images in a folder, and a contender that takes no time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from invdiff.data import shepp_logan, simulate, write_scan
from invdiff.evaluation import Outcome
from invdiff.reconstruction import Cases

SHAPE = (24, 20)
PHANTOM = np.abs(shepp_logan(SHAPE))


@dataclass
class Fake:
    """By default the truth, too bright by a factor; remembers what it was asked for."""

    name: str = "fake"
    prior_name: str = ""
    factor: float = 1.1
    make: Callable[[Cases], np.ndarray] | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def settings(self) -> str:
        return f"factor={self.factor}"

    def check(self, cases: Cases) -> None:
        self.asked.append(f"check {cases.measured.name}")

    def __call__(self, cases: Cases, seed: int, keep: Path, progress: Callable[[int, int], None]) -> Outcome:
        self.asked.append(cases.measured.name)
        progress(1, 2)
        image = self.make(cases) if self.make else self.factor * cases.ground_truth
        return Outcome(image.astype(np.complex64), seconds=6.0, nfe=3)


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of three coils without truth or maps, one with zeros around its data, and an image."""
    folder = tmp_path_factory.mktemp("scans")
    full = simulate(np.stack([PHANTOM, 0.5 * PHANTOM[::-1]]), coils=3, noise_std=0.01)
    write_scan(replace(full, ground_truth=None, maps=None), folder / "a.h5")
    padded = np.ones(SHAPE, bool)
    padded[:, :2] = False
    write_scan(replace(full.undersample(padded), ground_truth=None, maps=None, mask=None), folder / "b.h5")
    np.save(folder / "c.npy", PHANTOM)
    (folder / "notes.txt").write_text("not a scan")
    (folder / ".hidden.h5").write_text("not a scan")
    return folder
