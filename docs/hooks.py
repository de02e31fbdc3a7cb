"""Write what the library itself knows into the docs: the simplification rules, the table of methods, and refusals."""

import csv
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from invdiff.diffusion import METHODS
from invdiff.operators.rules import PRODUCT, PULLBACK, SUM

INTRODUCTION = """# Simplification rules

What `A @ B`, `A + B` and the normal operator `A.gram` become, as the library itself looks it up. An operator without
structure, `without_structure(A)`, gives the same numbers more slowly: that is what the tests compare.
"""


def rules_page() -> str:
    """The tables as Markdown."""
    lines = [INTRODUCTION]
    for table in (PRODUCT, SUM, PULLBACK):
        lines += [f"## {table.title}\n", "| written | becomes |", "|---|---|"]
        lines += [f"| `{left}` | `{right}` |" for left, right in table.rows()]
        lines.append("")
    return "\n".join(lines)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page before mkdocs reads the navigation."""
    files.append(File.generated(config, "rules.md", content=rules_page()))
    return files


def methods_table() -> str:
    """A row for each method, with a link to its page."""
    lines = ["| method | paper | signal | view | guidance | network calls |", "|---|---|---|---|---|---|"]
    for method in METHODS.values():
        sampler = method.build()
        parts = [type(part).__name__ if part else "none" for part in (sampler.signal, sampler.view, sampler.guidance)]
        cells = [f"[{method.name}]({method.name}.md)", method.paper.short, *parts, str(sampler.nfe)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def refusals_table() -> str:
    """The refusals that the tests walk into."""
    lines = ["| part | does not go with | because |", "|---|---|---|"]
    with (Path(__file__).parents[1] / "tests/diffusion/refusals.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            meets = row["meets"] if " " in row["meets"] or row["meets"].islower() else f"`{row['meets']}`"
            lines.append(f"| `{row['part']}` | {meets} | {row['reason']} |")
    return "\n".join(lines)


TABLES = {"METHODS_TABLE": methods_table, "REFUSALS_TABLE": refusals_table}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put a table where a page asks for it."""
    for name, table in TABLES.items():
        markdown = markdown.replace(name, table()) if name in markdown else markdown
    return markdown
