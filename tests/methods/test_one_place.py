"""What a number of a method or a part is, may be and usually is: said in its type, and read there by all who tell."""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from inspect import signature
from typing import Annotated, Any

import pytest
import typer

from invdiff.cli import app
from invdiff.cli.completion import setting_names
from invdiff.errors import InputError
from invdiff.methods import METHODS, UNCONDITIONAL
from invdiff.methods.method import Method
from invdiff.methods.named_parts import PARTS
from invdiff.methods.values import alternatives, kinds_of
from invdiff.tuning import parse_range
from invdiff.within import Within, bounds_of, positive

ALL = [*METHODS.values(), UNCONDITIONAL]
OWNERS: dict[str, Callable[..., object]] = {
    **{method.name: method.build for method in ALL},
    **{made.func.__name__: made.func for made in PARTS.values()},
}


def numbers(owner: Callable[..., object]) -> list[str]:
    """The parameters that take a number."""
    return [name for name, kind in kinds_of(owner).items() if {int, float} & {*alternatives(kind)}]


def default(owner: Callable[..., object], name: str) -> Any:
    if is_dataclass(owner):
        found = next(each.default for each in fields(owner) if each.name == name)
        return None if found is MISSING else found
    return signature(owner).parameters[name].default


def check_one_place(owner: Callable[..., object]) -> None:
    """Every number says what it is, what it may be and what it usually is; its default is usual."""
    bounds = bounds_of(owner)
    for name in numbers(owner):
        assert name in bounds, f"{name} has no bounds"
        one = bounds[name]
        assert one.meaning, f"{name} does not say what it is"
        assert one.usual is not None, f"{name} does not say what it usually is"
        low, high = one.usual
        assert low < high
        assert low in one, f"{name} is usually what it may not be"
        assert high in one, f"{name} is usually what it may not be"
        assert low > 0 or not one.log, f"{name} has no logarithm"
        usual = default(owner, name)
        assert usual is None or usual == 0 or low <= usual <= high, f"{name} is by default what it usually is not"


@pytest.mark.parametrize("owner", OWNERS.values(), ids=OWNERS)
def test_every_number_says_what_it_is_and_usually_is(owner: Callable[..., object]) -> None:
    check_one_place(owner)


USUAL = positive("level", (0.1, 1), log=True)


@pytest.mark.parametrize(
    ("bounds", "value", "words"),
    [
        ("free", 0.5, "has no bounds"),
        (positive(""), 0.5, "does not say what it is"),
        (positive("level"), 0.5, "does not say what it usually is"),
        (Within(0, 1, "level", (0.5, 2)), 0.5, "is usually what it may not be"),
        (Within(0, 1, "level", (0, 1), log=True), 0.5, "has no logarithm"),
        (USUAL, 2.0, "is by default what it usually is not"),
    ],
)
def test_what_says_too_little_is_seen(bounds: object, value: float, words: str) -> None:
    def build(level=value):  # type: ignore[no-untyped-def]
        """Annotated below."""

    build.__annotations__["level"] = Annotated[float, bounds]
    with pytest.raises(AssertionError, match=words):
        check_one_place(build)
    build.__annotations__["level"] = Annotated[float, USUAL]
    build.__defaults__ = (0.5,)
    bounds_of.cache_clear()
    check_one_place(build)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_all_who_tell_read_it_there(method: Method) -> None:
    """Refusals, the listing (of which docs are made), completion and searches."""
    told = {parameter.name: parameter for parameter in method.parameters}
    context = typer.Context(typer.main.get_command(app).commands["solve"])
    context.params["method"] = method.name
    assert setting_names(context, "") == [f"{name}=" for name in told]
    for name in numbers(method.build):
        one = bounds_of(method.build)[name]
        assert (told[name].meaning, told[name].values, told[name].usual) == (one.meaning, one.span, one.told)
        with pytest.raises(InputError, match=f"^{name} is the {one.meaning.split('(')[0]}"):
            method.build(**{name: one.outside[0]})
        searched = parse_range(name, method)
        assert ((searched.low, searched.high), searched.log) == (one.usual, one.log)
        assert searched.integer == (float not in alternatives(method.kind_of(name)))
