"""The one exception that a user's input can cause."""

import traceback
from pathlib import Path

from invdiff.printable import printable


class InputError(ValueError):
    """What was given can't be used. The message is a sentence that says what, where, and what to do; what it quotes of
    files and names is made printable.

    The command line prints it on standard error and exits with status 2. A notebook shows it and the line of the cell,
    without the package's own.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))

    def _render_traceback_(self) -> list[str]:
        """What IPython shows."""
        package = str(Path(__file__).parent)
        frames = traceback.extract_tb(self.__traceback__)
        line = next((frame for frame in reversed(frames) if not frame.filename.startswith(package)), None)
        where = [] if line is None else [f"line {line.lineno}: {printable(line.line or '')}"]
        return [*where, f"{type(self).__name__}: {self}"]
