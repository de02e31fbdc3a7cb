"""How a table was made, in a file beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from invdiff.files.atomic import atomic

RECORD = "run.json"
_MOST = 2**20  # bytes of a record that is read


def write_record(folder: Path, how: Mapping[str, Any]) -> None:
    """Write how the table in a folder was made, whole or not at all.

    Args:
        folder: of the table.
        how: by name; what JSON does not hold is written as text.

    Raises:
        InputError: it can't be written.
    """
    with atomic(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(dict(how), indent=1, default=str) + "\n", encoding="utf-8")


def read_record(folder: Path) -> dict[str, Any] | None:
    """How the table in a folder was made; None where no record that can be read says it."""
    try:
        with (folder / RECORD).open("rb") as file:
            content = file.read(_MOST + 1)
        found = json.loads(content) if len(content) <= _MOST else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
