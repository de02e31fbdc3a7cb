"""The one exception that a user's input can cause."""

from invdiff.printable import printable


class InputError(ValueError):
    """What was given can't be used. The message is a sentence that says what, where, and what to do; what it quotes of
    files and names is made printable.

    The command line prints it on standard error and exits with status 2.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))
