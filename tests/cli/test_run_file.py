"""A run as a file: what `solve --print-config` prints, `solve --config` takes, with the command line before it."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import pytest
import typer
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.cli import app
from invdiff.cli.run_file import OF_A_CALL, from_file, read_run, run_as_text, written_run
from invdiff.errors import InputError

Run = Callable[..., Any]
QUICK = ("--method", "fast", "--set", "steps=2", "--samples", 1, "--no-audit")

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
WORDS = NAMES.filter(lambda text: not text.startswith("-"))
NUMBERS = st.floats(min_value=0, max_value=1e300, exclude_min=True)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "--method": st.sampled_from(["fast", "dds", "yes", "1"]),
        "--samples": st.integers(0, 10**9),
        "--seed": st.integers(0, 2**32 - 1),
        "--operator": WORDS,
        "--prior": WORDS,
        "--noise-std": NUMBERS,
        "--noise-times": NUMBERS,
        "--crop": st.floats(0, 1),
        "--map-sets": st.integers(1, 2),
        "--mask": WORDS,
        "--save": st.lists(WORDS, max_size=3),
        "--set": st.lists(st.builds("{}={}".format, st.sampled_from(["steps", "lam", "eta"]), WORDS), max_size=3),
        "--no-audit": st.none(),
        "--keep-oversampling": st.none(),
    },
)


@pytest.fixture(scope="module")
def solve() -> Any:
    """The command, as typer made it."""
    return typer.main.get_command(app).commands["solve"]


def parsed(solve: Any, arguments: list[str]) -> typer.Context:
    return solve.make_context("solve", arguments)


def printed(context: typer.Context) -> str:
    from invdiff.cli.options import parse_settings
    from invdiff.cli.run_file import settings_of

    return written_run(context, {"settings": parse_settings(settings_of(context, context.params["settings"]))})


@settings(max_examples=30, deadline=None)
@given(options=OPTIONS, inputs=st.lists(WORDS, max_size=3))
def test_what_is_printed_is_the_run(
    solve: Any, tmp_path_factory: pytest.TempPathFactory, options: dict[str, Any], inputs: list[str]
) -> None:
    """Every value comes back equal and of its type, and is printed again as it was."""
    arguments = []
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        arguments += [name] if value is None else [part for one in values for part in (name, str(one))]
    there = parsed(solve, [*arguments, "--", *inputs])
    file = tmp_path_factory.mktemp("run") / "run.yaml"
    file.write_text(printed(there), encoding="utf-8")
    back = parsed(solve, ["--config", str(file)])
    for name, value in there.params.items():
        if name not in {*OF_A_CALL, "settings"}:
            assert (name, repr(back.params[name])) == (name, repr(value))
    assert printed(back) == file.read_text(encoding="utf-8")


def test_every_option_of_the_run_is_a_field(solve: Any, tmp_path: Path) -> None:
    """What `--config` can't carry is of one call, and said so."""
    for param in solve.params:
        (tmp_path / "run.yaml").write_text(f"{param.name}: null\n")
        if param.name in OF_A_CALL:
            with pytest.raises(InputError, match=f"there is no field '{param.name}'"):
                parsed(solve, ["--config", str(tmp_path / "run.yaml")])
        else:
            assert parsed(solve, ["--config", str(tmp_path / "run.yaml")]).params


def test_a_run_from_a_file(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    """The same numbers as by the command line, which wins where it says something."""
    run = ["solve", folder / "sense.h5", "--prior", folder / "prior.safetensors", *QUICK, "--seed", 3]
    assert invdiff(*run, "--out", tmp_path / "a").code == 0
    ran = invdiff(*run, "--out", tmp_path / "b", "--print-config")
    assert ran.code == 0
    assert not (tmp_path / "b").exists()
    (tmp_path / "run.yaml").write_text(ran.out)
    said = yaml.safe_load(ran.out)
    assert (said["version"], said["method"], said["settings"]) == (1, "fast", {"steps": 2})
    assert (said["seed"], said["samples"], said["audit"]) == (3, 1, False)
    assert said["inputs"] == [str(folder / "sense.h5")]
    assert invdiff("solve", "--config", tmp_path / "run.yaml").code == 0
    options = ["--seed", 4, "--set", "eta=0.5", "--out", tmp_path / "c"]
    assert invdiff("solve", "--config", tmp_path / "run.yaml", *options).code == 0
    samples, attributes = {}, {}
    for name in "abc":
        with h5py.File(tmp_path / name / "reconstruction.h5") as file:
            samples[name], attributes[name] = file["samples"][...], dict(file.attrs)
    assert (samples["a"] == samples["b"]).all()
    assert (samples["a"] != samples["c"]).any()
    assert attributes["c"]["seed"] == 4
    assert "steps=2" in attributes["c"]["parameters"]
    assert "eta=0.5" in attributes["c"]["parameters"]


def test_a_noise_level_replaces_what_a_search_found_of_another(invdiff: Run, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("noise_times: 2\n")
    run = "solve", "--print-config", "--config", tmp_path / "run.yaml"
    assert yaml.safe_load(invdiff(*run).out)["noise_times"] == 2
    assert yaml.safe_load(invdiff(*run, "--noise-std", 0.1).out)["noise_times"] == 1
    assert yaml.safe_load(invdiff(*run, "--noise-std", 0.1, "--noise-times", 3).out)["noise_times"] == 3
    (tmp_path / "run.yaml").write_text("noise_times: 2\nnoise_std: 0.1\n")
    assert yaml.safe_load(invdiff(*run).out)["noise_times"] == 2


def test_the_prior_of_a_search_goes_on_to_solve(
    invdiff: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From whatever folder it is read."""
    monkeypatch.chdir(folder)
    found = ["--prior", "prior.safetensors", "--operator", "fourier", "--set", "steps=2", "--trials", 2]
    ran = invdiff("tune-lambda", "fourier.h5", *found, "--out", tmp_path / "tuned")
    assert ran.code == 0, ran.err
    monkeypatch.chdir(tmp_path)
    ran = invdiff("solve", "--config", tmp_path / "tuned" / "best.yaml", "--print-config")
    said = yaml.safe_load(ran.out)
    assert (said["prior"], said["operator"]) == (str(folder / "prior.safetensors"), "fourier")
    one = ["--samples", 1, "--out", tmp_path / "out"]
    assert invdiff("solve", folder / "fourier.h5", "--config", tmp_path / "tuned" / "best.yaml", *one).code == 0
    with h5py.File(tmp_path / "out" / "reconstruction.h5") as file:
        assert file.attrs["prior"] == str(folder / "prior.safetensors")


VALUES = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False), st.sampled_from(["split", "yes", "1e3", ""])
)


@given(found=st.dictionaries(st.sampled_from(["steps", "lam", "signal"]), VALUES, min_size=1))
def test_what_a_search_found_is_a_run(
    solve: Any, tmp_path_factory: pytest.TempPathFactory, found: dict[str, Any]
) -> None:
    """Every value comes back as its text, and the record of the search is passed over."""
    run = {"method": "fast", "settings": found, "noise_times": 2.0, "prior": None, "search": {"trials": 20}}
    file = tmp_path_factory.mktemp("run") / "best.yaml"
    file.write_text(run_as_text(run), encoding="utf-8")
    settings = [f"{name}={value}" for name, value in found.items()]
    assert read_run(typer.Context(solve), file) == {"method": "fast", "settings": settings, "noise_times": "2.0"}


LAUGHS = "method: fast\nsearch:\n a: &a [1, 1, 1, 1]\n" + "".join(
    f" {name}: &{name} [{', '.join([f'*{before}'] * 4)}]\n" for before, name in pairwise("abcdefg")
)
"""Aliases of aliases: few bytes, and many values."""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LAUGHS, "stands for more than 10,000 values"),
        ("", "holds no fields"),
        ("- fast", "holds no fields"),
        ("methd: fast", "no field 'methd' (did you mean method?)"),
        ("{1: 2}", "no field 1"),
        ("force: true", "no field 'force'"),
        ("version: 2", "update invdiff"),
        ("version: 0", "a whole number from 1"),
        ("version: true", "a whole number from 1"),
        ("samples: 1.5", "samples: "),
        ("samples: -1", "samples: "),
        ("samples: true", "samples: "),
        ("samples: [1, 2]", "samples takes one value"),
        ("audit: perhaps", "audit: "),
        ("save: {a: b}", "save takes values in a list"),
        ("inputs: [[a]]", "inputs takes values in a list"),
        ("settings: [steps=5]", "settings takes names with one value each"),
        ("settings: {steps: [5]}", "settings takes names with one value each"),
        ("noise_times: 0", "a positive number"),
        ("noise_times: .nan", "noise_times: "),
        ("method: [fast", "no YAML"),
        ("method: !!python/object/apply:os.getcwd []", "no YAML"),
    ],
)
def test_files_that_are_no_run(invdiff: Run, tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "run.yaml").write_text(content)
    ran = invdiff("solve", "--config", tmp_path / "run.yaml", "--print-config")
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert ran.err.startswith("invdiff: ")
    assert ran.err.count("\n") == 1


def test_a_broken_reader_is_seen(solve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that drops a field, as the prior of a search was once dropped."""
    (tmp_path / "run.yaml").write_text("prior: mine\nmethod: fast\n")
    whole = parsed(solve, ["--config", str(tmp_path / "run.yaml")])
    assert whole.params["prior"] == "mine"

    def dropping(context: typer.Context, path: Path | None) -> Path | None:
        from_file(context, path)
        context.default_map.pop("prior", None)
        return path

    config = next(param for param in solve.params if param.name == "config")
    monkeypatch.setattr(config, "callback", lambda context, param, value: dropping(context, value and Path(value)))
    assert printed(parsed(solve, ["--config", str(tmp_path / "run.yaml")])) != printed(whole)
