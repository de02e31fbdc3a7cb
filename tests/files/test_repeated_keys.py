"""A key that a mapping of YAML names twice is refused: the first of its values would be lost without a word."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.files.yaml import parse_yaml

KEYS = st.text("abc", min_size=1, max_size=3)


@given(st.lists(st.tuples(KEYS, st.integers(0, 9)), min_size=1, max_size=6), st.integers(0, 2))
def test_a_mapping_is_read_whole_or_refused(pairs: list[tuple[str, int]], depth: int) -> None:
    text = "{" + ", ".join(f"'{key}': {value}" for key, value in pairs) + "}"
    expected: Any = dict(pairs)
    for _ in range(depth):
        text, expected = f"[0, {{deep: {text}}}]", [0, {"deep": expected}]
    if len(dict(pairs)) == len(pairs):
        assert parse_yaml(text, "run.yaml") == expected
    else:
        with pytest.raises(InputError, match=r"run\.yaml is no YAML: it names '[abc]+' twice in one mapping"):
            parse_yaml(text, "run.yaml")


def test_what_a_mapping_takes_from_another_is_not_named_twice() -> None:
    text = "usual: &usual {steps: 3, seed: 1}\nrun: {<<: *usual, steps: 5}\nsteps: 7"
    assert parse_yaml(text, "run.yaml") == {
        "usual": {"steps": 3, "seed": 1},
        "run": {"steps": 5, "seed": 1},
        "steps": 7,
    }
