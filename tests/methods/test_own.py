"""Methods of one's own: by a file, and by what an installed package offers."""

from importlib import metadata
from pathlib import Path

import pytest

from invdiff.errors import InputError
from invdiff.methods import METHODS, fast, find_method
from invdiff.methods.own import GROUP, method_of_file

GOOD = """
from invdiff.methods import fast

def mine(steps: int = 9, eta: float = 0.5):
    return fast(steps, eta)
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file(tmp_path: Path) -> None:
    name = f"{written(tmp_path, GOOD)}:mine"
    method = method_of_file(name)
    assert (method.name, method.defaults) == (name, {"steps": 9, "eta": 0.5})
    assert repr(method.with_settings({"steps": "4"})) == repr(fast(4, 0.5))


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        (GOOD, "other", "has no function 'other'"),
        (GOOD.replace("def", "dfe"), "mine", "can't be run: SyntaxError"),
        ("import nothing_of_that_name", "mine", "can't be run: ModuleNotFoundError"),
        ("1 / 0", "mine", "can't be run: ZeroDivisionError: division by zero"),
        ("mine = 3", "mine", "is no function that makes a sampler"),
        ("def mine(): return 3", "mine", "is to return a Sampler, but returned int"),
        ("def mine(): return 1 / 0", "mine", "can't be built: ZeroDivisionError"),
        ("def mine(steps, eta: float, n: int = 2): ...", "mine", "steps, eta has not both"),
    ],
)
def test_what_is_no_method(tmp_path: Path, text: str, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        method_of_file(f"{written(tmp_path, text)}:{name}")


@pytest.mark.parametrize("name", ["", "mine", "mine.py", "nowhere.py:mine", ":mine", "mine.txt:mine"])
def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text(GOOD, encoding="utf-8")
    with pytest.raises(InputError, match=r"is FILE\.py:FUNCTION"):
        method_of_file(name)


def test_a_file_is_found_by_no_name_of_a_configuration(tmp_path: Path) -> None:
    """Names of methods stand in files of strangers, which must not run others."""
    with pytest.raises(InputError, match="There is no method"):
        find_method(f"{written(tmp_path, GOOD)}:mine")


@pytest.fixture
def offering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that offers methods."""
    written(tmp_path, GOOD)
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n", encoding="utf-8")
    offered = {"theirs": "mine:mine", "fast": "mine:mine", "lost": "mine:nothing"}
    lines = [f"{name} = {place}" for name, place in offered.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert metadata.version("mine") == "1.0"
    return tmp_path


def test_an_installed_package(offering: Path) -> None:
    assert repr(find_method("theirs").build()) == repr(fast(9, 0.5))
    assert find_method("fast") is METHODS["fast"]
    with pytest.raises(InputError, match="The method lost of mine:nothing can't be loaded: AttributeError"):
        find_method("lost")
