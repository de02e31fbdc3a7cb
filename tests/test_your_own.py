"""The parts on the page *Write your own* are as short as it promises, and keep their contracts."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.methods.own import method_of_file

PAGE = Path(__file__).parents[1] / "docs/your-own.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
CONTRACTS = {"OperatorContract", "StepContract", "GuidanceContract", "SignalContract", "PriorContract"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The page as a file of a user's, so that its classes can be pickled."""
    path = tmp_path_factory.mktemp("page") / "parts_of_ones_own.py"
    path.write_text("\n".join(BLOCKS), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]


def test_blocks_are_short() -> None:
    assert max(len(block.splitlines()) for block in BLOCKS) < 30


def test_every_part_keeps_its_contract(parts: ModuleType) -> None:
    tests = [item for name, item in vars(parts).items() if name.startswith("Test")]
    assert {base.__name__ for each in tests for base in each.__bases__} == CONTRACTS
    for each in tests:
        for name in dir(each):
            if name.startswith("test_"):
                getattr(each(), name)()


def test_the_method_is_found_by_its_file(parts: ModuleType) -> None:
    method = method_of_file(f"{parts.__file__}:mine")
    assert method.defaults == {"steps": 20, "length": 0.5}
    assert method.build().nfe == 20


def test_the_format_reads_what_it_says(parts: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "good.ktxt").write_text("1+1j 2\n3 4\n", encoding="utf-8")
    np.testing.assert_array_equal(parts.TEXT.scan(tmp_path / "good.ktxt").kspace, [[[[1 + 1j, 2], [3, 4]]]])
    (tmp_path / "bad.ktxt").write_text("1 2\n3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"bad\.ktxt holds no numbers"):
        parts.TEXT.scan(tmp_path / "bad.ktxt")
