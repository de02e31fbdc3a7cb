"""YAML that anyone may have written, as plain values."""

import stat
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from invdiff.errors import InputError

LARGEST_BYTES, MOST_VALUES = 2**20, 10_000
"""Of a configuration; a few hundred bytes can stand for any number of values, by aliases of aliases."""


def read_yaml(path: Path) -> Any:
    """The plain values in a YAML file; ``None`` where it is empty.

    Raises:
        InputError: the file is missing, no regular file, larger than ``LARGEST_BYTES``, or as `parse_yaml`.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # asked first: a device has no end, and a pipe may have no beginning
            raise InputError(f"{path} is no regular file; give the path of a YAML file.")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise InputError(f"{path} has more than {LARGEST_BYTES:,} bytes, which no configuration needs.")
        text = content.decode()
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}; give the path of a YAML file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no YAML: {error}.") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> Any:
    """The plain values that a text stands for.

    Args:
        text: YAML; tags make numbers, texts, lists and mappings alone.
        where: it comes from; the sentence says it.

    Raises:
        InputError: it is no YAML, names a key of a mapping twice, or stands for more than ``MOST_VALUES`` values.
    """
    import yaml

    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _count(node, {}) > MOST_VALUES:
            raise ValueError(f"it stands for more than {MOST_VALUES:,} values")
        _refuse_repeated(node)
        return loader.construct_document(node)
    except RecursionError as error:
        raise InputError(f"{where} is no YAML: it is nested too deeply.") from error
    except (yaml.YAMLError, ValueError) as error:  # a date that is none, a number of 5,000 digits
        raise InputError(f"{where} is no YAML: {' '.join(str(error).split())}.") from error
    except Exception as error:  # whatever a tag's constructor meets where its value is of another kind
        raise InputError(f"{where} is no YAML: a value is not of the kind that its tag says.") from error


def number_or_text(text: str) -> int | float | str:
    """A number, where its text is this one; else the text."""
    for kind in (int, float):
        with suppress(ValueError):
            if str(number := kind(text)) == text:
                return number
    return text


def _count(node: Any, known: dict[int, float]) -> float:
    """The values that a node stands for, each alias counted anew; infinity where it stands for itself."""
    if id(node) not in known:
        known[id(node)] = float("inf")  # until it is known: whoever meets it before then is inside of it
        known[id(node)] = 1 + sum(_count(child, known) for child in _inner(node))
    return known[id(node)]


def _refuse_repeated(node: Any) -> None:
    """Raise ValueError where a mapping names a key twice, of which the loader would keep the last."""
    pairs = [item for item in node.value if isinstance(item, tuple)] if isinstance(node.value, list) else []
    found = Counter((key.tag, key.value) for key, _ in pairs if isinstance(key.value, str))
    repeated = next((name for (_, name), count in found.items() if count > 1), None)
    if repeated is not None:
        raise ValueError(f"it names {repeated!r} twice in one mapping")
    for child in _inner(node):
        _refuse_repeated(child)


def _inner(node: Any) -> list[Any]:
    """The nodes of a list, or those of a mapping's keys and values."""
    held = node.value if isinstance(node.value, list) else []
    return [child for item in held for child in (item if isinstance(item, tuple) else (item,))]
