"""Tables of commands in a terminal of eighty columns: names and numbers stay whole."""

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from invdiff.cli.regions import _table as regions_table
from invdiff.evaluation.summary import summary
from invdiff.metrics import Scores
from invdiff.pictures import table as scores_table


def printed(shown: Any, width: int = 80) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(shown)
    return console.export_text().splitlines()


def row(prior: str) -> dict[str, str]:
    numbers = {"psnr": "32.26", "ssim": "0.9216", "nmse": "0.00869", "seconds": "1.68", "z_roughness": "0.86"}
    asked = {"acceleration": "4", "achieved_acceleration": "4.00", "mask": "random", "convention": "fastmri"}
    return {**numbers, **asked, "file": "a", "target": "mvue", "region": "", "method": "estimate", "prior": prior}


def test_scores_of_volumes_by_several_priors() -> None:
    lines = printed(summary([row("tuned/best.safetensors"), row("small/best.safetensors"), row("builtin")]))
    for name in ("tuned", "small", "builtin"):
        (line,) = (line for line in lines if name in line)
        assert line.split() == ["4", "4.00", "estimate,", name, "32.26", "0.9216", "0.00869", "0.86", "1.68"]
    assert any("z-roughness" in line for line in lines)


def test_a_longer_name_is_folded_and_numbers_stay() -> None:
    lines = printed(summary([row("a-prior-of-a-very-long-name-indeed"), row("builtin")]))
    assert all(number in "\n".join(lines) for number in ("32.26", "0.9216", "0.00869", "0.86", "1.68"))


@pytest.mark.parametrize(
    ("unit", "heading"), [(1e-5, "mean (1e-5)"), (1e6, "mean (1e6)"), (1.0, "mean "), (0.0, "mean ")]
)
def test_regions_in_the_units_of_a_scanner(unit: float, heading: str) -> None:
    told = {"slice": 0, "region": "lesion - around", "mean": 7.035 * unit, "lower": 6.97 * unit, "upper": 7.101 * unit}
    lines = printed(regions_table([{**told, "probability_brighter": 0.5}], 0.9))
    assert any(heading in line for line in lines)
    numbers = ["7.035", "6.97", "to", "7.101"] if unit else ["0", "0", "to", "0"]
    scale = [f"{float(one) * unit:.4g}" if unit in (1.0, 0.0) and one != "to" else one for one in numbers]
    assert any(line.split() == ["0", "lesion", "-", "around", *scale, "50.0%"] for line in lines)


def test_the_target_of_scores_is_a_line_of_its_own() -> None:
    truth = np.random.default_rng(0).random((1, 16, 16))
    target = "the combination of the full data's coils, by the same maps"
    assert f"against: {target}" in printed(scores_table({"a": Scores.of(truth, truth + 0.1)}, target))
