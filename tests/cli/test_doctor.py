"""What `invdiff doctor` finds."""

import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from invdiff.cli.installed import needed

Run = Callable[..., Any]


def test_what_is_here(invdiff: Run, folder: Path) -> None:
    ran = invdiff("doctor", folder / "sense.h5", "--prior", folder / "prior.safetensors", "--json")
    told = json.loads(ran.out)
    assert told["invdiff"] == metadata.version("invdiff")
    assert told["devices"][0]["device"] == "cpu"
    assert told["devices"][0]["precision"] in ("f32", "bf16")
    assert told["threads"] >= 1
    assert told["prior"]["reason"] == ""
    assert (told["prior"]["where"], told["prior"]["channels"]) == (str(folder / "prior.safetensors"), [1, 2])
    (one,) = told["measurements"]
    assert (one["slices"], one["shape"], one["coils"], one["operator"]) == (2, [24, 20], 3, "sense")
    assert one["noise_std"] == pytest.approx(0.01, rel=0.5)
    assert one["acceleration"] > 1
    assert one["has_ground_truth"] is False


def test_it_is_told_to_a_person(invdiff: Run, folder: Path) -> None:
    ran = invdiff("doctor", folder / "fourier.h5", "--operator", "fourier")
    assert "device cpu: " in ran.out
    assert "builtin.safetensors, " in ran.out
    assert "fourier.h5: 1 slice(s) of 24 x 20" in ran.out
    assert "geometry: " in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nowhere.h5"], "nowhere.h5"), (["broken.h5"], "can't be read"), (["--prior", "nowhere.pt"], "is not a file")],
)
def test_what_does_not_work_is_told_and_the_rest_too(
    invdiff: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.h5").write_bytes(b"no HDF5")
    ran = invdiff("doctor", *arguments)
    assert ran.code == 1
    assert words in ran.err
    assert "device cpu: " in ran.out


def test_an_operator_that_there_is_not(invdiff: Run, folder: Path) -> None:
    ran = invdiff("doctor", folder / "sense.h5", "--operator", "spiral")
    assert ran.code == 2
    assert ran.err.count("\n") == 1


def test_packages_and_what_brings_those_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that suits, one that is too old, one of an extra that is missing; none of developers or other systems."""
    lines = [
        "numpy>=1.0",
        "typer>=999",
        "no-such-package>=2; extra == 'cluster'",
        "pytest>=8; extra == 'dev'",
        "no-such-package; sys_platform == 'nowhere'",
        "invdiff[cluster]; extra == 'cluster'",
    ]
    extras = metadata.metadata("invdiff")
    for name in ("cluster", "dev"):
        extras["Provides-Extra"] = name
    monkeypatch.setattr(metadata, "requires", lambda _: lines)
    monkeypatch.setattr(metadata, "metadata", lambda _: extras)
    found = {(one.name, one.extra): one for one in needed()}
    assert [*found] == [("numpy", ""), ("typer", ""), ("no-such-package", "cluster")]
    assert found["numpy", ""].suits
    assert found["numpy", ""].remedy == ""
    assert found["typer", ""].remedy == "pip install 'typer>=999'"
    assert found["no-such-package", "cluster"].version is None
    assert found["no-such-package", "cluster"].remedy == "pip install 'invdiff[cluster]'"


def test_an_installation_that_lacks_something_is_wrong(
    invdiff: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = "doctor", "--prior", folder / "prior.safetensors", "--json"
    monkeypatch.setattr(metadata, "requires", lambda _: ["numpy", "no-such-package; extra == 'cluster'"])
    assert invdiff(*run).code == 0  # an extra is not needed
    monkeypatch.setattr(metadata, "requires", lambda _: ["numpy", "no-such-package"])
    assert invdiff(*run).code == 1
