"""What is installed beside the package: the extras that docs and refusals name are those that there are."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXTRAS = frozenset(
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
)
ADVICE = re.compile(r"pip install (?P<what>'[^']+'|[^\s`\"]+)")


def advice(text: str) -> Iterator[str]:
    """Extras of invdiff that ``text`` tells to install.

    Raises:
        AssertionError: one stands without quotes, in which some shells take its brackets for a pattern.
    """
    for found in ADVICE.finditer(text):
        what = found["what"]
        if extra := re.search(r"(?:invdiff|\.)\[([\w,]+)\]", what):
            assert what.startswith("'"), what
            yield from extra[1].split(",")


def in_table(text: str) -> set[str]:
    table = text.split("| extra | brings |")[1].split("\n\n")[0]
    return {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_getting_started_lists_every_extra() -> None:
    assert in_table((ROOT / "docs/getting-started.md").read_text(encoding="utf-8")) == EXTRAS - {
        "test"
    }  # which `dev` brings


@pytest.mark.parametrize(("folder", "suffix"), [("invdiff", "py"), ("docs", "md"), ("docs", "ipynb")])
def test_what_is_told_to_install_is_an_extra(folder: str, suffix: str) -> None:
    told = {
        extra for path in (ROOT / folder).rglob(f"*.{suffix}") for extra in advice(path.read_text(encoding="utf-8"))
    }
    assert told, "nothing is told"
    assert told <= EXTRAS


def test_advice_is_found() -> None:
    assert [*advice("install it: pip install 'invdiff[train,formats]' notebook.")] == ["train", "formats"]
    assert [*advice("`pip install '.[hub]'` and pip install mrpro.")] == ["hub"]
    with pytest.raises(AssertionError):
        list(advice("install it: pip install invdiff[cluster]."))


def test_table_is_read() -> None:
    assert in_table("| extra | brings |\n|---|---|\n| `a` | this |\n| `b`, `c` | that, and `a` |\n\nand so on") == {
        "a",
        "b",
        "c",
    }
