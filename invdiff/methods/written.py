"""Values as people write them, before it is known what they are of: ``ddim(eta=0.5)``."""

import re
from collections import deque
from dataclasses import dataclass

from invdiff.errors import InputError

_TOKEN = re.compile(r"\s*(?:([()\[\],=])|'([^']*)'|\"([^\"]*)\"|([^\s()\[\],=\"']+))\s*")
_CLOSING = {"(": ")", "[": "]"}
_DEEPEST = 8  # brackets in brackets: a part of a part is two deep


@dataclass(frozen=True)
class Written:
    """A word, a name with what stands in brackets behind it, or a list.

    Attributes:
        word: a number or a name; empty for a list.
        arguments: what stands in brackets, each with its name or ``None``; ``None`` where there are no brackets.
    """

    word: str
    arguments: "tuple[tuple[str | None, Written], ...] | None" = None


def written(text: str) -> Written:
    """What a text says: nothing is evaluated.

    Raises:
        InputError: its brackets or commas make no sense.
    """
    tokens: deque[tuple[str, str]] = deque()
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise InputError(f"{text!r} can't be read from {text[place:]!r} on: a quote is open.")
        mark, *words = found.groups()
        tokens.append((mark or "", mark or next((word for word in words if word is not None), "")))
        place = found.end()
    made = _value(tokens, text, 0)
    if tokens:
        raise _broken(text)
    return made


def _value(tokens: deque[tuple[str, str]], text: str, depth: int) -> Written:
    if not tokens or depth > _DEEPEST:
        raise _broken(text)
    mark, word = tokens.popleft()
    if mark in _CLOSING:
        return Written("", _arguments(tokens, text, _CLOSING[mark], depth))
    if mark:
        raise _broken(text)
    if tokens and tokens[0][0] == "(":
        tokens.popleft()
        return Written(word, _arguments(tokens, text, ")", depth))
    return Written(word)


def _arguments(
    tokens: deque[tuple[str, str]], text: str, closing: str, depth: int
) -> tuple[tuple[str | None, Written], ...]:
    found: list[tuple[str | None, Written]] = []
    while tokens and tokens[0][0] != closing:
        name = None
        if len(tokens) > 1 and tokens[1][0] == "=":
            name = tokens.popleft()[1]
            tokens.popleft()
        found.append((name, _value(tokens, text, depth + 1)))
        if tokens and tokens[0][0] == ",":
            tokens.popleft()
        elif tokens and tokens[0][0] != closing:
            raise _broken(text)
    if not tokens:
        raise _broken(text)
    tokens.popleft()
    return tuple(found)


def _broken(text: str) -> InputError:
    return InputError(
        f"{text!r} is no value: write a number, a name, or a name with its arguments, such as ddim(eta=0.5)."
    )
