"""What commands and cells print, held against what the docs say that they print."""

import re
from difflib import SequenceMatcher

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
OF_A_MACHINE = re.compile(
    r"\b\d+:\d\d:\d\d\b|\b[\d.]+ ?[KMG]iB\b|\b\d+ threads?\b|\b[\d.]+ s\b"  # times, memory, processors
    r"|^.*━.*\n",  # bars
    re.MULTILINE,
)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]*[A-Za-z_])")
NEARLY = 0.03
"""So far apart may numbers be that are rounded differently on the way, relative; or three units of their last digit."""


def differences(told: str, printed: str) -> list[str]:
    """Where what is printed differs from what is told: in words, or in a number by more than rounding on the way
    explains. Spaces, bars, and what is the machine's do not count."""
    (words, numbers), (others, found) = _parts(told), _parts(printed)
    if words != others:
        changes = SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
        return [f"{words[a:b]} became {others[c:d]}" for tag, a, b, c, d in changes if tag != "equal"]
    return [f"{one} became {other}" for one, other in zip(numbers, found, strict=True) if not _near(one, other)]


def _parts(text: str) -> tuple[list[str], list[str]]:
    """The words, with marks in the place of numbers, and the numbers."""
    plain = _without_seconds(CONTROL.sub("", text).replace("\r\n", "\n"))
    plain = OF_A_MACHINE.sub("", plain)
    return NUMBER.sub("#", plain).split(), NUMBER.findall(plain)


def _without_seconds(text: str) -> str:
    """Without the last column of a table that ends with the seconds a slice took."""
    if not re.search(r"s /(?: slice)?\s*$", text, re.MULTILINE):
        return text
    return re.sub(r"^( \S.*[\d.]) +[\d.]+ *$", r"\1", text, flags=re.MULTILINE)


def _near(one: str, other: str) -> bool:
    digit = 10.0 ** -len(one.partition("e")[0].partition(".")[2]) * 10.0 ** int(one.partition("e")[2] or 0)
    return abs(float(one) - float(other)) <= max(NEARLY * abs(float(one)), 3 * digit if "." in one else digit)
