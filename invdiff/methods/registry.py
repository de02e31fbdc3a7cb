"""The methods there are, by name: importing this registers them."""

from invdiff.methods import (  # noqa: F401 - each registers its own
    blumenthal2025,
    boys2024,
    calibrated,
    chung2022,
    chung2022ccdf,
    chung2023,
    chung2024,
    estimate,
    fast,
    jalal2021,
    kawar2022,
    mardani2024,
    rozet2024,
    song2020,
    song2021,
    song2023,
    split_gibbs,
    wu2024,
    xie2022,
    zhang2025,
    zhu2023,
)
from invdiff.methods.method import REGISTERED, Method
from invdiff.methods.own import offered
from invdiff.named import named

METHODS = dict(sorted(REGISTERED.items(), key=lambda named: named[1].paper.year))
"""Methods by name, in the order of their papers."""


def find_method(name: str) -> Method:
    """The method of that name, of this package or, where it has none, of another that offers it.

    Raises:
        InputError: there is none, or what is offered is no method.
    """
    return METHODS.get(name) or offered(name) or named(METHODS, name, "method")
