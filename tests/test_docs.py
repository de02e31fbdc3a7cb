"""Every Python block of the README and the docs runs, a page's blocks one after the other in one namespace.

A block whose fence says ``{.python .no-run}`` is left out.
"""

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from invdiff.files.yaml import read_yaml
from invdiff.methods import METHODS

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)


def python_blocks(text: str) -> list[tuple[int, str]]:
    """The line before each runnable block's first, and the block's code without its indent."""
    return [
        (text.count("\n", 0, match.start("code")), re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE))
        for match in BLOCK.finditer(text)
    ]


def pages() -> list[Path]:
    """README.md and the pages of docs/ that hold a runnable block."""
    candidates = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if path.exists()]
    return [path for path in candidates if python_blocks(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for line, code in python_blocks(page.read_text(encoding="utf-8")):
        exec(compile("\n" * line + code, str(page), "exec"), namespace)  # padded: tracebacks name the page's own lines


def test_blocks_are_found_in_order_and_no_run_is_left_out() -> None:
    text = """
```python
x = 1
```
```{.python .no-run}
boom
```
```sh
ls
```
- item

  ```python
  if x:
      y = 2
  ```
"""
    assert python_blocks(text) == [(2, "x = 1\n"), (13, "if x:\n    y = 2\n")]


@pytest.mark.parametrize("name", METHODS)
def test_a_methods_page_shows_what_the_method_is(name: str) -> None:
    """In the library's own parts, in at most ten lines beside imports."""
    page = ROOT / "docs" / "methods" / f"{name}.md"
    (_, code), *others = python_blocks(page.read_text(encoding="utf-8"))
    assert not others
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    method = METHODS[name].build()
    assert repr(replace(namespace["sampler"], cites=method.cites)) == repr(method)
    assert (page.parent.parent / "images" / "methods" / f"{name}.png").is_file()
    made = [statement for statement in ast.parse(code).body if not isinstance(statement, ast.Import | ast.ImportFrom)]
    assert sum(statement.end_lineno - statement.lineno + 1 for statement in made) <= 10


def test_there_is_a_page_for_each_method_and_no_other() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "methods").glob("*.md")}
    assert pages == {*METHODS, "index"}


@pytest.mark.parametrize("record", sorted((ROOT / "docs" / "searches").glob("*.yaml")), ids=lambda path: path.stem)
def test_defaults_are_those_that_a_recorded_search_found(record: Path) -> None:
    """To two digits, or so near that the search saw no difference."""
    run = read_yaml(record)
    assert run["method"] == record.stem
    for name in run["search"]["space"]:
        kept = {("fast", "data_std"): 0.2}.get((run["method"], name), run["settings"][name])
        assert METHODS[run["method"]].defaults[name] == pytest.approx(kept, rel=0.02)
