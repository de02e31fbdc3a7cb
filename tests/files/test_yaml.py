import os

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.files.yaml import LARGEST_BYTES, parse_yaml, read_yaml

TEXTS = st.text(st.characters(codec="utf-8"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("abc_1"), inner), max_leaves=12)
TAGS = st.sampled_from(["int", "bool", "float", "timestamp", "null", "set", "omap", "pairs", "binary"])


@given(VALUES)
def test_plain_values_come_back(value) -> None:
    assert parse_yaml(yaml.safe_dump(value), "here") == value


@given(st.text() | st.builds("!!{} {}".format, TAGS, st.text()) | st.text("[]{}:,-&*?!|>'\"%@ \n0x"))
def test_any_text_is_values_or_a_sentence(text) -> None:
    said = ""
    try:
        parse_yaml(text, "here")
    except InputError as error:
        said = str(error)
    assert not said or said.startswith("here is no YAML: ")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 5000, "nested too deeply"),
        ("x: " + "9" * 5000, "limit"),
        ("x: 2024-99-99", "month"),
        ("!!int ''", "its tag"),
        ("!!bool x", "its tag"),
        ("!!timestamp x", "its tag"),
        ("!!python/object/apply:os.getcwd []", "python/object"),
        ("&a [*a]", "more than 10,000 values"),
    ],
)
def test_what_trips_the_parser_is_a_sentence(text, says) -> None:
    with pytest.raises(InputError, match=f"here is no YAML: .*{says}"):
        parse_yaml(text, "here")


def test_aliases_are_counted_as_what_they_stand_for() -> None:
    """Nine of nine of nine ...: 9^8 values in 300 bytes are refused, 9^3 are read."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 8)]
    assert len(parse_yaml("\n".join(lines[:3]), "here")["a2"]) == 9
    with pytest.raises(InputError, match="more than 10,000 values"):
        parse_yaml("\n".join(lines), "here")


def test_files_that_are_no_configuration(tmp_path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"#" * LARGEST_BYTES)
    assert read_yaml(path) is None
    path.write_bytes(b"#" * (LARGEST_BYTES + 1))
    with pytest.raises(InputError, match=r"x\.yaml has more than 1,048,576 bytes"):
        read_yaml(path)
    path.write_bytes(b"caf\xe9: 1")
    with pytest.raises(InputError, match=r"x\.yaml is no YAML"):
        read_yaml(path)
    os.mkfifo(tmp_path / "pipe.yaml")  # to open it would wait for a writer for ever
    for irregular in (tmp_path, tmp_path / "pipe.yaml"):
        with pytest.raises(InputError, match="is no regular file"):
            read_yaml(irregular)
    for name, says in (("absent", "No such file"), ("9" * 400, "name too long")):
        with pytest.raises(InputError, match=f"{name} can't be read: .*{says}"):
            read_yaml(tmp_path / name)
