"""The package as a whole: light to import, one version, documented, free of the paths of any one machine."""

import ast
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import invdiff

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "invdiff").rglob("*.py"))
HEAVY = {
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "deepinv",
    "matplotlib",
    "sigpy",
    "skimage",
    "h5py",
    "typer",
    "rich",
    "pylops",
    "mrpro",
}


def modules_loaded_by(statement: str) -> set[str]:
    """Top-level modules in a new interpreter after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy() -> None:
    assert not modules_loaded_by("import invdiff; dir(invdiff); invdiff.__version__") & HEAVY


def test_asking_for_a_part_loads_what_it_needs() -> None:
    assert "torch" in modules_loaded_by("import invdiff; invdiff.priors")


@pytest.mark.parametrize("name", invdiff.__all__)
def test_every_export_is_there(name: str) -> None:
    assert getattr(invdiff, name) is not None


def test_the_tables_hold_every_export() -> None:
    assert {*invdiff._EXPORTS, *invdiff._SUBPACKAGES, "__version__"} == set(invdiff.__all__) == set(dir(invdiff))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Sampller'"):
        _ = invdiff.Sampller


def test_one_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert invdiff.__version__ == metadata.version("invdiff")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE).group(1) == invdiff.__version__
    assert f"\n## {invdiff.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_no_file_names_a_path_of_one_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of tracked files")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    personal = re.compile(rb"(?<![\w.-])/(?:work|root|home/\w+)/")
    files = [ROOT / name for name in names if (ROOT / name).is_file()]
    assert ROOT / "pyproject.toml" in files
    assert [path for path in files if personal.search(path.read_bytes())] == []
