"""The methods there are, by name: importing this registers them."""

from invdiff.errors import InputError
from invdiff.methods import (  # noqa: F401 - each registers its own
    chung2022,
    chung2022ccdf,
    chung2024,
    estimate,
    fast,
    jalal2021,
    song2020,
    song2021,
    xie2022,
)
from invdiff.methods.method import REGISTERED, Method

METHODS = dict(sorted(REGISTERED.items(), key=lambda named: named[1].paper.year))
"""Methods by name, in the order of their papers."""


def find_method(name: str) -> Method:
    """The method of that name.

    Raises:
        InputError: there is none.
    """
    if name not in METHODS:
        raise InputError(f"There is no method {name!r}; there are {', '.join(METHODS)}.")
    return METHODS[name]
