"""A package that offers a format, a method and a writer as the docs say: installed, commands know all three."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from invdiff.data.formats import offered
from invdiff.data.formats.table import ENTRY_POINTS, Format
from invdiff.errors import InputError

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def wheel(folder: Path) -> Path:
    """Of the code and the entry points of the pages, none of which is left out."""
    own = "\n".join(blocks("your-own.md", "python"))
    writer = re.sub(r"^print\(.*\n", "", blocks("results.md", "python")[-1], flags=re.MULTILINE)
    tables = [*blocks("your-own.md", "toml"), *blocks("results.md", "toml")]
    groups: dict[str, dict[str, str]] = {}
    for table in tables:
        groups |= tomllib.loads(table)["project"]["entry-points"]
    assert set(groups) == {"invdiff.formats", "invdiff.methods", "invdiff.writers"}
    lines = [
        line for group, points in groups.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in points.items()))
    ]
    info = "mypackage-1.0.dist-info"
    files = {
        "mypackage/__init__.py": "",
        "mypackage/text.py": own,
        "mypackage/mine.py": own,
        "yours/__init__.py": "",
        "yours/module.py": writer,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: mypackage\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "\n".join([*lines, ""]),
    }
    files[f"{info}/RECORD"] = "\n".join(f"{name},," for name in [*files, f"{info}/RECORD"]) + "\n"
    path = folder / "mypackage-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_one_command_uses_all_that_an_installed_package_offers(tmp_path: Path) -> None:
    pytest.importorskip("pip", reason="needs pip")
    here, command = tmp_path / "installed", [sys.executable, "-m"]
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(here), str(wheel(tmp_path))]
    subprocess.run([*command, *install], check=True, capture_output=True)
    (tmp_path / "scan.ktxt").write_text("\n".join(["1+1j 2 3 4 5 6 7 8"] * 8), encoding="utf-8")
    paths = os.pathsep.join([str(here), str(DOCS.parent), os.environ.get("PYTHONPATH", "")])
    solve = ["invdiff.cli", "solve", "scan.ktxt", "--operator", "fourier", "--noise-std", "0.1", "--out", "out"]
    ran = subprocess.run(
        [*command, *solve, "--method", "mine", "--set", "steps=2", "--samples", "1", "--no-audit", "--save", "mean"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (number,) = (tmp_path / "out" / "reconstruction.mean").read_text(encoding="utf-8").split()
    assert float(number) > 0


def test_a_package_that_can_t_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\ntheirs = broken_reader:FORMAT\n", encoding="utf-8")
    (tmp_path / "broken_reader.py").write_text("import nowhere_to_be_found", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        InputError, match=r"'theirs' of invdiff\.formats \(broken 1\.0\) can't be loaded: ModuleNotFound"
    ):
        offered.offered_in(ENTRY_POINTS, Format)
