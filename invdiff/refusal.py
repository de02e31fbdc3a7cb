"""What the machine refuses, as a sentence."""

import re

from invdiff.errors import InputError

REFUSED = (InputError, OSError, MemoryError, RuntimeError)
"""What may have such a sentence."""

_ASKED = re.compile(r"allocate ([\d.]+) ?(bytes|[KMGTPEZY]?i?B)")  # as NumPy and torch say, on CPUs and on GPUs
_OUT_OF_MEMORY = ("can't allocate memory", "out of memory")


def refusal(error: Exception) -> str | None:
    """The sentence about an error that the user's input caused, or a file system, or memory that there isn't; ``None``
    for any other error."""
    if isinstance(error, InputError):
        return str(error)
    said = " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} can't be read or written: {error.strerror or said}."
    if not isinstance(error, MemoryError) and not any(words in said for words in _OUT_OF_MEMORY):
        return None
    asked = _ASKED.search(said)
    if asked is None:
        return "There is not enough memory for this; ask for less at once."
    size, unit = asked.groups()
    more = f"{int(size) / 2**30:,.1f} GiB" if unit == "bytes" else f"{size} {unit}"
    return f"There is not enough memory for this: {more} more are needed at once. Ask for less."
