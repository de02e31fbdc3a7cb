"""What *Getting started* says that its commands print is what they print, and other pages show the same."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.printed import differences

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
SCORE = re.compile(r"^ +(?:zero-filled|calibrated|estimate).*\d$", re.MULTILINE)


def told(page: str) -> Iterator[tuple[str, str]]:
    """Each command that is followed by what it prints, and that."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [(found["language"], found["text"]) for found in BLOCK.finditer(text)]
    for (language, command), (kind, output) in pairwise(blocks):
        if (language, kind) == ("sh", "text"):
            yield command, output


@pytest.mark.skipif("CI" not in os.environ, reason="takes a minute of a processor's time, so CI=1 asks for it")
def test_commands_print_what_the_page_says(tmp_path: Path) -> None:
    environment = os.environ | {"COLUMNS": "80", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    said = {}
    for command, output in told("docs/getting-started.md"):
        name, *arguments = shlex.split(command.replace("\\\n", ""))
        assert name == "invdiff"
        run = [sys.executable, "-m", "invdiff.cli", *arguments]
        ran = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        said[command] = (ran.returncode, differences(output, ran.stdout))
    assert len(said) == 4
    assert said == dict.fromkeys(said, (0, []))


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_other_pages_show_the_same_scores(page: str) -> None:
    shown = [" ".join(line.split()) for line in SCORE.findall((ROOT / page).read_text(encoding="utf-8"))]
    here = next(output for _, output in told("docs/getting-started.md"))
    assert shown == [" ".join(line.split()) for line in SCORE.findall(here)]
    assert len(shown) == 3
