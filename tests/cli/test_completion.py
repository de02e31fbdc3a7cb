"""Names that a shell completes are those of the registries, and come without torch."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import typer

from invdiff.cli import app, completion, source
from invdiff.cli.source import Source, heirs
from invdiff.data.masks import MASKS
from invdiff.diffusion.guidance import Guidance
from invdiff.diffusion.signals import Signal
from invdiff.diffusion.views import View
from invdiff.evaluation import CLASSICAL
from invdiff.methods import METHODS
from invdiff.methods.named_parts import named_parts
from invdiff.priors.checkpoints.checkpoint import SHIPPED
from invdiff.reconstruction import KINDS
from invdiff.reconstruction.writers.table import WRITERS
from invdiff.training import SHIPPED_CONFIGS

Complete = Callable[[str], list[str]]
COMMANDS = typer.main.get_command(app).commands
REGISTRIES = (
    (completion.method_names, METHODS),
    (completion.operator_names, KINDS),
    (completion.mask_names, MASKS),
    (completion.baseline_names, CLASSICAL),
    (completion.format_names, [writer.name for writer in WRITERS]),
    (completion.guidance_names, named_parts(Guidance)),
    (completion.view_names, named_parts(View)),
    (completion.signal_names, named_parts(Signal)),
    (completion.config_names, SHIPPED_CONFIGS),
)


@pytest.mark.parametrize(("complete", "registry"), REGISTRIES)
def test_names_are_those_of_the_registry(complete: Complete, registry: Iterable[str]) -> None:
    assert sorted(complete("")) == sorted(registry)
    for name in registry:
        assert name in complete(name[:2])
        assert all(other.startswith(name) for other in complete(name))


def test_priors_that_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completion.prior_names("") == [*SHIPPED]


@pytest.mark.parametrize("method", METHODS)
def test_settings_are_the_parameters_of_the_method(method: str) -> None:
    context = typer.Context(COMMANDS["solve"])
    context.params["method"] = method
    assert completion.setting_names(context, "") == [f"{name}=" for name in METHODS[method].defaults]
    del context.params["method"]
    assert completion.setting_names(context, "") == [f"{name}=" for name in METHODS["estimate"].defaults]


def test_a_table_that_gains_a_row_is_read_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source is what is read, and no list beside it."""
    (tmp_path / "data").mkdir()
    text = 'from invdiff.data.far import FAR\nMASKS: dict[str, int] = {"a": 1, "b": 2}\n'
    text += 'MADE = (Kind("x"), Kind(FAR), Own())\n'
    text += 'class Own:\n    name = "mine"\n'
    (tmp_path / "data" / "masks.py").write_text(text)
    (tmp_path / "data" / "far.py").write_text(
        'FAR = "away"\nclass Near(Part):\n    ...\nclass Nearer(Near, Other):\n    ...\n'
    )
    monkeypatch.setattr(source, "_PACKAGE", tmp_path)
    assert completion.mask_names("") == ["a", "b"]
    assert [*Source("data.masks").made("MADE")] == ["x", "away", "mine"]
    assert heirs("data", "Part") == {"Part", "Near", "Nearer"}
    with pytest.raises(LookupError, match="assigns nothing to NONE"):
        Source("data.masks").literal("NONE")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("solve --method chung2022_m", "chung2022_magnitude_phase"),
        ("solve --operator single", "single-pixel"),
        ("solve --method dds --set gam", "gamma="),
        ("export result.h5 zar", "zarr"),
        ("solve --guidance dp", "dps"),
    ],
)
def test_a_shell_does_not_wait_for_torch(words: str, expected: str) -> None:
    """As bash asks; nothing that is heavy is imported for it."""
    heavy = ("torch", "scipy", "h5py", "numpy")
    asked = f"import atexit, sys; atexit.register(lambda: print([m for m in {heavy} if m in sys.modules]))"
    given = {"_INVDIFF_COMPLETE": "complete_bash", "COMP_WORDS": f"invdiff {words}"}
    run = f"{asked}; from invdiff.cli import main; main()"
    variables = {**given, "COMP_CWORD": str(len(words.split())), "PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, timeout=120, env=variables)
    assert told.stdout.split("\n")[:2] == [expected, "[]"], told.stderr
