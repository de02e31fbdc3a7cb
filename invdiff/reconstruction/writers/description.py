"""How a result was made, for people and programs that know nothing of invdiff."""

import math
from importlib.metadata import version
from typing import Any

from invdiff.printable import printable
from invdiff.reconstruction.written_result import WrittenResult

CONTENTS = {
    "magnitude": "magnitude of the image",
    "phase": "phase of the image",
    "std": "standard deviation of the image's magnitude over posterior samples",
}
"""What a file of a name of these holds."""


def software(result: WrittenResult) -> str:
    """The version of invdiff that made a result, fit for any header."""
    return _clean(str(result.attributes.get("invdiff_version", version("invdiff"))), 64)


def title(result: WrittenResult, holds: str) -> str:
    """What a file of a result holds, in a few words that are fit for any header: ASCII without backslashes.

    Args:
        result: which.
        holds: one of ``CONTENTS``.
    """
    return f"invdiff {_clean(str(result.attributes.get('method', '')), 32)} {holds}".replace("  ", " ")


def derivation(result: WrittenResult) -> str:
    """How the image was made, as a sentence of at most 1,000 characters of ASCII without backslashes."""
    said = result.attributes
    told = [f"{name} {said[name]}" for name in ("method", "parameters", "seed", "operator") if name in said]
    return _clean(", ".join([f"Reconstructed by invdiff {software(result)}", *told]), 1000)


def described(result: WrittenResult) -> dict[str, Any]:
    """How a result was made, as plain values that JSON has: ``GeneratedBy`` and ``Sources`` as BIDS has them,
    ``Citations``, ``Slices`` with their numbers in the file that was reconstructed, and ``Reconstruction`` with all
    attributes of the result by their own names."""
    said = {name: _plain(value) for name, value in result.attributes.items()}
    of_slices = {name: _plain(tuple(numbers.tolist())) for name, numbers in result.numbers.items() if name != "slice"}
    cited = [line for name in ("citations", "samples_citations") for line in str(said.pop(name, "")).split("\n")]
    return {
        "GeneratedBy": [{"Name": "invdiff", "Version": software(result)}],
        "Sources": [said["input"]] if "input" in said else [],
        "Citations": list(dict.fromkeys(filter(None, cited))),
        "Slices": list(result.slices),
        "Reconstruction": {**said, **of_slices},
    }


def _clean(text: str, most: int) -> str:
    """At most so many characters of a text that anyone may have written, in ASCII, with no line breaks or
    backslashes, which part values in DICOM."""
    return printable(text).encode("ascii", "replace").decode().replace("\n", " ").replace("\\", "/")[:most]


def _plain(value: Any) -> Any:
    """What JSON has: NaN and infinity are words."""
    match value:
        case tuple() | list():
            return [_plain(one) for one in value]
        case float() if not math.isfinite(value):
            return str(value)
        case bool() | int() | float() | str():
            return value
    return str(value)
