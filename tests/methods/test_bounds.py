"""What numbers of methods and parts may be: said once in their types, and held to."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import signature
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.diffusion import Part, Sampler
from invdiff.errors import InputError
from invdiff.methods import METHODS, UNCONDITIONAL, fast
from invdiff.methods.method import Method
from invdiff.methods.named_parts import PARTS, required
from invdiff.methods.values import alternatives, kinds_of
from invdiff.within import LARGEST, SMALLEST, Within, at_least, bounds_of, not_negative, positive

ALL = [*METHODS.values(), UNCONDITIONAL]
CLASSES = sorted({made.func for made in PARTS.values()}, key=lambda kind: kind.__name__)
OTHERS: dict[str, dict[str, Any]] = {"Every": {"step": PARTS["langevin"]()}, "LateStart": {}}


def refused(make: Callable[..., object], name: str, value: float) -> str:
    """The sentence by which a value of a parameter is refused."""
    with pytest.raises(InputError) as caught:
        make(**{name: value})
    return str(caught.value)


def cases(owners: dict[str, Callable[..., object]]) -> Any:
    rows = [
        pytest.param(make, name, bounds, id=f"{owner}.{name}")
        for owner, make in owners.items()
        for name, bounds in bounds_of(make).items()
    ]
    return pytest.mark.parametrize(("make", "name", "bounds"), rows)


@cases({method.name: method.build for method in METHODS.values()})
def test_methods_refuse_what_is_outside(make: Callable[..., Sampler], name: str, bounds: Within) -> None:
    for value in bounds.outside:
        assert refused(make, name, value).startswith(f"{name} is the {bounds.meaning}, {bounds.span}, but got {value}")


@cases({kind.__name__: kind for kind in CLASSES})
def test_parts_refuse_what_is_outside(make: type[Part], name: str, bounds: Within) -> None:
    others = OTHERS.get(make.__name__, {})
    for value in bounds.outside:
        sentence = refused(lambda **given: make(**others, **given), name, value)
        assert sentence.startswith(f"{name} is the {bounds.meaning}") or make.__name__ == "LateStart"


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
def test_every_number_of_a_method_has_bounds_that_hold_its_default(method: Method) -> None:
    bounds = bounds_of(method.build)
    for name, kind in kinds_of(method.build).items():
        if {int, float} & {*alternatives(kind)}:
            assert name in bounds, f"{method.name}.{name} has no bounds"
            assert method.defaults[name] is None or method.defaults[name] in bounds[name]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_number_of_a_part_has_bounds_that_hold_its_default(kind: type[Part]) -> None:
    bounds = bounds_of(kind)
    usual = {each.name: each.default for each in fields(kind)}
    for name, hint in kinds_of(kind).items():
        if {int, float} & {*alternatives(hint)}:
            assert name in bounds, f"{kind.__name__}.{name} has no bounds"
            assert name in required(PARTS["every"]) or usual[name] is None or usual[name] in bounds[name]


BOUNDS = st.one_of(
    st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(lambda ends: Within(min(ends), max(ends), "number")),
    st.just(positive("number")),
    st.just(not_negative("number")),
    st.integers(0, 9).map(lambda low: at_least(low, "number")),
)


@given(bounds=BOUNDS, value=st.floats(), share=st.floats(0, 1))
def test_a_number_is_in_its_bounds_or_is_refused(bounds: Within, value: float, share: float) -> None:
    inside = min(bounds.low + share * (min(bounds.high, 1e300) - bounds.low), bounds.high)
    bounds.check("it", inside)
    assert all(each not in bounds for each in bounds.outside)
    if value in bounds:
        bounds.check("it", value)
    else:
        with pytest.raises(InputError, match="it is the number, "):
            bounds.check("it", value)


def test_bounds_in_words() -> None:
    assert (Within(0, 1, "x").span, at_least(1, "x").span) == ("from 0 to 1", "at least 1")
    with pytest.raises(InputError, match=r"a is the x, above zero, but got 0; take 1e-15 to 1e\+15\."):
        positive("x").check("a", 0)
    with pytest.raises(InputError, match=r"a is the x, zero or more, but got -1; take 0, or 1e-15 to 1e\+15\."):
        not_negative("x").check("a", -1)
    assert 0 in not_negative("x")
    assert {0, -SMALLEST, 2 * LARGEST, math.nan, "1"} & {value for value in (0, "1") if value in positive("x")} == set()


def test_a_part_of_one_s_own_is_held_to_its_bounds() -> None:
    @dataclass(frozen=True)
    class Own(Part):
        share: Annotated[float, Within(0, 1, "share")] = 0.5
        level: Annotated[float, positive("level")] | None = None
        free: float = 0.0

    assert Own(1.0, None, -5.0).free == -5.0
    for wrong in ({"share": 1.1}, {"level": 0.0}, {"level": math.nan}):
        with pytest.raises(InputError, match=f"{next(iter(wrong))} is the"):
            Own(**wrong)


def test_parameters_in_words() -> None:
    told = {parameter.name: parameter for parameter in METHODS["fast"].parameters}
    assert [*told] == [*signature(fast).parameters]
    assert told["eta"] == ("eta", "1.0", "share of fresh noise", "from 0 to 1", "0 to 1")
    assert told["signal"].values == "real | split | two | magnitude-phase | turned | by-turns | alternating-planes"
    assert {each.values for each in METHODS["song2021"].parameters if each.name == "merge"} == {"gradient | projection"}


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_every_parameter_says_what_it_is(method: Method) -> None:
    assert all(parameter.meaning or parameter.values for parameter in method.parameters)
