"""Text that anyone may have written, fit for a terminal."""


def printable(text: str) -> str:
    r"""The text with every character that does not print, but line breaks, as its escape, ``\x1b``.

    So names in files move no cursor, set no title, and hide nothing.
    """
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
