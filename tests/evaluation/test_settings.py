import pytest

from invdiff.errors import InputError
from invdiff.evaluation import share_settings
from invdiff.methods import find_method

METHODS = [find_method("fast"), find_method("song2021")]


def test_for_one_and_for_all() -> None:
    assert share_settings(["fast.steps=3", "steps = 7", "lam=0.5"], METHODS) == {
        "fast": {"steps": "3"},
        "song2021": {"steps": "7", "lam": "0.5"},
    }


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("steps", "KEY=VALUE"),
        ("dds.steps=3", "the method 'dds', but those compared are fast, song2021"),
        ("fast.lam=1", "fast has no parameter 'lam'"),
        ("magic=1", "none of the methods has a parameter 'magic'"),
        ("=1", "none of the methods"),
    ],
)
def test_refusals(pair: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        share_settings([pair], METHODS)
