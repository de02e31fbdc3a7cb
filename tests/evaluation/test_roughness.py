"""The roughness of volumes in tables of scores."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from invdiff.data import Condition, simulate, write_scan
from invdiff.evaluation import Comparison, ScoreTable, Simulation, find_subjects
from invdiff.evaluation.summary import summary
from invdiff.metrics import CONVENTIONS, Annotation, z_roughness

FASTMRI, SONG = CONVENTIONS["fastmri"], CONVENTIONS["song"]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    images = np.abs(np.random.default_rng(0).standard_normal((4, 24, 20)))
    path = tmp_path / "volume.h5"
    write_scan(replace(simulate(images, coils=2, noise_std=0.01), ground_truth=None, maps=None), path)
    return path


def compared(scan: Path, fake: Any, folder: Path, slices: list[int] | None = None, **more: Any) -> list[Any]:
    subjects = find_subjects(scan, Simulation(), slices=slices)
    comparison = Comparison(subjects, [fake], [Condition("random", 2, 0.3)], [FASTMRI, SONG], **more)
    found = ScoreTable(folder / "scores.csv")
    comparison.run(found, keep=folder / "units")
    return comparison.found(found)


def printed(rows: list[Any]) -> str:
    console = Console(width=200, record=True)
    console.print(summary(rows))
    return console.export_text()


def test_every_row_of_a_volume_tells_its_roughness(scan: Path, fake: Any, tmp_path: Path) -> None:
    seen: list[tuple[Any, Any]] = []

    def make(cases: Any) -> Any:
        image = cases.ground_truth * np.array([1.0, 1.2, 1.0, 1.2])[:, None, None]
        seen.append((cases.ground_truth, image))
        return image

    fake.make = make
    rows = compared(scan, fake, tmp_path, annotations=[Annotation("volume", 1, 2, 3, 10, 9, "tear")])
    expected = z_roughness(*seen[0])
    assert expected > 1.05
    whole = [row for row in rows if not row["region"]]
    assert len(whole) == 1 + 4
    assert [float(row["z_roughness"]) for row in whole] == pytest.approx([expected] * 5, abs=1e-3)
    assert {row["z_roughness"] for row in rows if row["region"]} == {""}
    assert "z-roughness" in printed(rows)
    assert f"{expected:.2f}" in printed(rows)


@pytest.mark.parametrize("slices", [[1], [0, 2, 3]])
def test_slices_that_are_no_neighbours_have_none(scan: Path, fake: Any, tmp_path: Path, slices: list[int]) -> None:
    rows = compared(scan, fake, tmp_path, slices)
    assert {row["z_roughness"] for row in rows} == {""}
    assert "z-roughness" not in printed(rows)


def test_neighbours_out_of_a_volume_have_one(scan: Path, fake: Any, tmp_path: Path) -> None:
    assert {row["z_roughness"] for row in compared(scan, fake, tmp_path, [2, 1])} == {
        "1.2100"
    }  # the fake's 1.1, squared
