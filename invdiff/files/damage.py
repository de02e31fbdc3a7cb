"""What libraries raise at damaged files, as a sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from invdiff.errors import InputError


@contextmanager
def read_as(kind: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise ``InputError`` where reading a file fails in any way: damage shows in ways that no library lists.

    Args:
        kind: what the file is read as, for the sentence: ``"a MATLAB file"``.
        path: of the file.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path} can't be read as {kind}: it is damaged, cut short, or of another kind ({why.rstrip('.')})."
        ) from error
