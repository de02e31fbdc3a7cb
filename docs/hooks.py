"""Write the page of simplification rules from the tables that the operators themselves look rules up in."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

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
