"""Write what the library itself knows into the docs: the simplification rules, and the table of methods."""

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


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the table where a page asks for it."""
    return markdown.replace("METHODS_TABLE", methods_table()) if "METHODS_TABLE" in markdown else markdown
