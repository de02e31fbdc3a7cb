"""The figures of *Which method when* stand where it says: what is measured anew there is told anew here."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def quotations(page: str) -> list[tuple[str, str]]:
    """Each figure in rows that name their source in the last cell, and that source."""
    found, source = [], ""
    for line in page.splitlines():
        *cells, where = line.strip("| ").split(" | ")
        link = re.search(r"\]\((\w+\.md)", where)
        if line.startswith("|") and (link or where == "the same" or where.startswith("README")):
            source = link[1] if link else source if where == "the same" else "../README.md"
            found += [(figure, source) for figure in re.findall(r"\d+\.\d+", " ".join(cells))]
    return found


def test_figures_stand_where_they_are_quoted_from() -> None:
    found = quotations((DOCS / "which-method.md").read_text(encoding="utf-8"))
    assert len(found) > 40
    sources = {source: (DOCS / source).read_text(encoding="utf-8") for _, source in found}
    assert [
        (figure, source) for figure, source in found if not re.search(rf"(?<![\d.]){figure}\b", sources[source])
    ] == []


def test_figures_are_found_with_their_source() -> None:
    page = "| a | 1.5 | [x](benchmarks.md#y) |\n| b | 2.25 | the same |\n| c | 3.5 | README, *here* |\n| d | 4.5 |"
    assert quotations(page) == [("1.5", "benchmarks.md"), ("2.25", "benchmarks.md"), ("3.5", "../README.md")]
