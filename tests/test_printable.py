from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.printable import printable

EVIL = "\x1b[31mred\x1b]0;owned\x07\x9b\u202e\udc80"


@given(st.text(st.characters()))
def test_what_is_left_prints(text: str) -> None:
    assert all(c.isprintable() or c == "\n" for c in printable(text))
    assert printable(printable(text)) == printable(text)
    printable(text).encode()  # which surrogates would not let it


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_prints_stays(text: str) -> None:
    assert printable(f"{text} {text}\n") == f"{text} {text}\n"


def test_control_characters_are_escapes() -> None:
    assert printable(EVIL) == r"\x1b[31mred\x1b]0;owned\x07\x9b\u202e\udc80"
    assert str(InputError(f"{EVIL} is missing.")) == rf"{printable(EVIL)} is missing."
