"""The one exception that a user's input can cause."""


class InputError(ValueError):
    """What was given can't be used. The message is a sentence that says what, where, and what to do.

    The command line prints it on standard error and exits with status 2.
    """
