"""Settings that address a sampler's parts, and parts as text."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff import diffusion
from invdiff.diffusion import (
    DDIM,
    DPS,
    VE,
    Converged,
    Every,
    Geometric,
    GradientConsistency,
    InnerSolve,
    Karras,
    Langevin,
    LateStart,
    Part,
    PosteriorVariance,
    Predictor,
    Proximal,
    Renoise,
    Sampler,
    Signal,
    Soss,
    SplitComplex,
    Truncated,
    Turned,
)
from invdiff.errors import InputError
from invdiff.evaluation import share_settings
from invdiff.methods import METHODS, find_method
from invdiff.methods.named_parts import PARTS, name_of_value, named_parts, required
from invdiff.methods.places import ROOTS, changed, is_place, kind_at
from invdiff.methods.values import value_of
from invdiff.tuning.space import Range, parse_range

SAMPLERS = {name: method.build() for name, method in METHODS.items()}


def made(name: str, **settings: str) -> Sampler:
    return find_method(name).with_settings({place.replace("__", "."): text for place, text in settings.items()})


# Parts by text


@pytest.mark.parametrize("name", PARTS)
def test_every_named_part_is_written_as_its_name_and_as_it_is_printed(name: str) -> None:
    if required(PARTS[name]) or name == "late":
        return
    part = PARTS[name]()
    kind = InnerSolve if isinstance(part, InnerSolve) else Part
    for text in (name, f"{name}()", name.upper(), repr(part), name_of_value(part)):
        assert value_of(text, kind, "it") == part
    assert name_of_value(part) == name


def test_every_part_of_the_package_has_a_name() -> None:
    public = [getattr(diffusion, name) for name in diffusion.__all__]
    parts = {kind for kind in public if isinstance(kind, type) and issubclass(kind, Part | InnerSolve)}
    abstract = {kind for kind in parts if getattr(kind, "__abstractmethods__", ()) or kind in {Part, Predictor}}
    assert parts - abstract == {made.func for made in PARTS.values()}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_part_of_every_method_can_be_written_as_it_is_printed(name: str) -> None:
    sampler = SAMPLERS[name]
    for root in ("sde", "grid", "steps", "signal", "view", "guidance", "start", "finish"):
        kind = kind_at(sampler, root, name)
        assert value_of(repr(getattr(sampler, root)), kind, root) == getattr(sampler, root)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("ddim", Predictor, DDIM()),
        ("ddim(0.5)", Predictor, DDIM(0.5)),
        (" ddim ( eta = 0.5 , ) ", Predictor, DDIM(0.5)),
        ("ddpm", Predictor, diffusion.Ancestral("forward")),
        ("ddpm(variance=posterior)", Predictor, diffusion.Ancestral()),
        ("proximal(inf)", Part, Proximal(math.inf)),
        ("proximal(posterior-variance(0.3), truncated(4))", Part, Proximal(PosteriorVariance(0.3), Truncated(4))),
        ("turned(split)", Signal, Turned(SplitComplex())),
        ("every(2, gradient-consistency(noised=true))", Part, Every(2, GradientConsistency(noised=True))),
        ("late(0.5, image='least-squares')", Part, LateStart(0.5, image="least-squares")),
        ("from-noise([gradient-consistency])", Part, diffusion.FromNoise((GradientConsistency(),))),
        ("geometric(5, None, 0.1)", Part, Geometric(5, None, 0.1)),
    ],
)
def test_parts_with_arguments(text: str, kind: type, value: object) -> None:
    assert value_of(text, kind, "it") == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lagevin", r"it is one of .*ddim.*, not 'lagevin' \(did you mean langevin\?\)"),
        ("ddim(etta=1)", r"it: ddim takes no etta \(did you mean eta\?\); it has eta"),
        ("ddim(1, eta=1)", "it: ddim takes eta twice; it has eta"),
        ("ddim(1, 0)", "it: ddim takes no argument 2; it has eta"),
        ("next-level(1)", "it: next-level takes no argument 1; it takes none"),
        ("ddim(eta=half)", "it: eta of ddim takes a value of type float, which 'half' is not"),
        ("ddim(eta=ddim)", "it: eta of ddim takes a value of type float, which 'ddim' is not"),
        ("ddim(eta=2)", "eta is .*, from 0 to 1, but got 2"),
        ("every(2)", "it: every can't be made without step"),
        ("every(2, ve)", "it: step of every is one of .*, not"),
        ("late", "give one of sigma and time"),
        ("proximal(posterior-variance(x))", "it: gamma of proximal: data_std of posterior-variance .*'x' is not"),
        ("[ddim]", r"it is no list, which '\[ddim\]' is"),
        ("from-noise(ddim)", r"it: then of from-noise .*'ddim'"),
        ("ddim(", "is no value"),
        ("ddim)", "is no value"),
        ("ddim(0.5 0.5)", "is no value"),
        ("(((((((((((((((((((((ddim", "is no value"),
        ("ddim('0.5", "a quote is open"),
        ("", "is no value"),
        ("__import__('os').system('true')", "it is one of|is no value"),
    ],
)
def test_texts_that_mean_no_part_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        value_of(text, Part, "it")
    assert "\n" not in str(caught.value)


WORDS = st.sampled_from(
    [*PARTS, "(", ")", "[", "]", ",", "=", "'", "eta", "steps", "0.5", "-1", "nan", "None", " ", "é"]
)


@given(text=st.lists(WORDS, max_size=12).map("".join) | st.text(max_size=20))
def test_any_text_is_a_part_or_is_refused(text: str) -> None:
    with suppress(InputError):
        assert isinstance(value_of(text, Part, "it"), Part)


def test_a_deep_text_is_refused_and_no_stack_is_lost() -> None:
    with pytest.raises(InputError, match="is no value"):
        value_of("turned(" * 100_000, Signal, "it")


# Places


def leaves(part: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Every number, word and part without fields in a sampler, with its place."""
    if isinstance(part, tuple):
        for index, item in enumerate(part):
            yield from leaves(item, f"{place}.{index}")
    elif is_dataclass(part) and fields(part):
        for each in fields(part):
            yield from leaves(getattr(part, each.name), f"{place}.{each.name}")
    else:
        yield place, part


def all_leaves(sampler: Sampler) -> dict[str, Any]:
    return {place: leaf for root in ROOTS[:8] for place, leaf in leaves(getattr(sampler, root), root)}


CHANGES = {float: 0.3, int: 5, bool: True}


@pytest.mark.parametrize("name", SAMPLERS)
def test_what_is_set_at_a_place_is_there_and_nothing_else_has_changed(name: str) -> None:
    sampler = SAMPLERS[name]
    tried = 0
    for place, leaf in all_leaves(sampler).items():
        if type(leaf) not in CHANGES:
            continue
        value = CHANGES[type(leaf)]
        try:
            found = changed(sampler, place, str(value), name)
        except InputError:
            continue  # the part can't have it
        tried += 1
        assert all_leaves(found) == {**all_leaves(sampler), place: value}
    assert tried > 3


def test_the_comparison_sees_what_changed_beside_the_place() -> None:
    sampler = SAMPLERS["fast"]
    found = replace(changed(sampler, "guidance.gamma.floor", "0.3", "fast"), grid=replace(sampler.grid, rho=6.0))
    assert all_leaves(found) != {**all_leaves(sampler), "guidance.gamma.floor": 0.3}
    assert all_leaves(found) == {**all_leaves(sampler), "guidance.gamma.floor": 0.3, "grid.rho": 6.0}


@pytest.mark.parametrize(
    ("method", "settings", "change"),
    [
        (
            "fast",
            {"guidance__solve__at_most": "20"},
            lambda s: {"guidance": replace(s.guidance, solve=Converged(2e-4, 20))},
        ),
        ("fast", {"guidance": "dps(zeta=2)"}, lambda _: {"guidance": DPS(2.0)}),
        ("fast", {"guidance": "None"}, lambda _: {"guidance": None}),
        ("fast", {"predictor": "ddim(eta=0.5)"}, lambda _: {"steps": [DDIM(0.5)]}),
        ("fast", {"predictor__eta": "0.5"}, lambda _: {"steps": [Renoise(0.5)]}),
        ("fast", {"view": "soss"}, lambda _: {"view": Soss()}),
        ("fast", {"grid": "geometric"}, lambda _: {"grid": Geometric(30)}),
        ("fast", {"grid": "geometric(7)"}, lambda _: {"grid": Geometric(7)}),
        ("fast", {"grid": "geometric", "steps": "9"}, lambda _: {"grid": Geometric(9)}),
        ("fast", {"grid__rho": "3"}, lambda _: {"grid": Karras(30, 0.35, 0.015, 3.0)}),
        ("fast", {"sde__sigma_max": "9"}, lambda _: {"sde": VE(0.015, 9.0)}),
        ("fast", {"start": "late(0.2)"}, lambda _: {"start": LateStart(0.2)}),
        ("fast", {"finish": "[tweedie]"}, lambda _: {"finish": [diffusion.Tweedie()]}),
        ("fast", {"noise": "antithetic"}, lambda _: {"noise": "antithetic"}),
        ("fast", {"guidance__zeta": "3", "guidance": "dps"}, lambda _: {"guidance": DPS(3.0)}),
        ("chung2022_complex", {"steps__0__snr": "0.1"}, lambda s: {"steps": [Langevin(0.1), *s.steps[1:]]}),
        ("chung2022_complex", {"corrector__snr": "0.1"}, lambda s: {"steps": [Langevin(0.1), *s.steps[1:]]}),
        ("chung2022_complex", {"signal": "two"}, lambda _: {"signal": diffusion.TwoChannel()}),
        (
            "chung2022_complex",
            {"start__then__0__lam": "0.1"},
            lambda _: {"start": diffusion.FromNoise([GradientConsistency(0.1)])},
        ),
    ],
)
def test_places(method: str, settings: dict[str, str], change: Any) -> None:
    sampler = SAMPLERS[method]
    assert made(method, **settings) == replace(sampler, **change(sampler))


def test_parameters_that_are_parts_take_arguments() -> None:
    sampler = made("score_sde", predictor="ddim(eta=0.5)", corrector="langevin(0.3, steps=2)", sde="vp(beta_max=8)")
    assert sampler.steps == (Langevin(0.3, 2), DDIM(0.5))
    assert sampler.sde == diffusion.VP(beta_max=8.0)


@pytest.mark.parametrize(
    ("method", "settings", "words"),
    [
        ("fast", {"guidence": "dps"}, r"fast has no parameter guidence \(did you mean guidance\?\); it has steps, eta"),
        (
            "fast",
            {"guidance__cg_steps": "2"},
            "fast's guidance.cg_steps: Proximal has no cg_steps; it has gamma, solve",
        ),
        ("fast", {"guidance__solve__at_mots": "2"}, r"Converged has no at_mots \(did you mean at_most\?\); it has tol"),
        ("fast", {"guidance__solve__at_most": "0"}, "number of conjugate-gradient steps"),
        (
            "fast",
            {"guidance__solve__at_most": "x"},
            "fast's guidance.solve.at_most takes a value of type int, which 'x'",
        ),
        (
            "fast",
            {"guidance": "dsp"},
            r"fast's guidance is one of proximal, dps, .*, None, not 'dsp' \(did you mean dps",
        ),
        ("fast", {"view": "ve"}, "fast's view is one of sense, soss, unsampled-kspace, not 've'"),
        ("fast", {"steps__1__eta": "1"}, "fast's steps.1.eta: '1' is no number in its list; there are 0 to 0"),
        ("fast", {"steps__-1__eta": "1"}, "'-1' is no number in its list"),
        ("fast", {"finish__0": "tweedie"}, "'0' is no number in its list; there are none"),
        ("fast", {"view__x": "1"}, "Sense has no x; there is nothing to set in it"),
        ("fast", {"grid__steps__x": "1"}, "int has no x; there is nothing to set in it"),
        ("fast", {"predictor": "langevin"}, "fast's predictor is one of reverse-diffusion, .*, not 'langevin'"),
        ("fast", {"predictor__": "1"}, "Renoise has no ; it has eta"),
        (
            "fast",
            {"corrector__snr": "1"},
            "fast has no correctors among its steps, which are steps.0 Renoise; say which",
        ),
        ("fast", {"steps__0": "langevin"}, "fast's parameter|exactly one predictor"),
        ("fast", {"cites": "me"}, "fast has no parameter cites"),
        ("estimate", {"guidance__gamma__held_back": "-1"}, "held_back is the least noise .*, zero or more"),
    ],
)
def test_places_that_there_are_not_are_refused(method: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        made(method, **settings)
    assert "\n" not in str(caught.value)


PLACES = st.lists(st.sampled_from([*ROOTS, "0", "1", "solve", "eta", "gamma", "", "__class__", "needs"]), max_size=4)


@given(name=st.sampled_from([*METHODS]), place=PLACES.map(".".join), text=st.lists(WORDS, max_size=4).map("".join))
def test_any_setting_makes_a_sampler_or_is_refused(name: str, place: str, text: str) -> None:
    with suppress(InputError):
        assert isinstance(find_method(name).with_settings({place: text}), Sampler)


def test_no_method_is_called_as_a_place_is() -> None:
    """So that ``guidance.zeta=2`` and ``dps.zeta=2`` of a comparison are told apart."""
    assert not {*METHODS} & {*ROOTS}
    assert not {name for kind in (diffusion.Guidance, diffusion.View) for name in named_parts(kind)} & {*ROOTS}


# Where settings of several methods are shared, and where numbers are searched


def test_places_of_one_method_and_of_all() -> None:
    methods = [find_method("fast"), find_method("dds")]
    assert share_settings(["dds.guidance.gamma=2", "guidance.solve=truncated", "noise=antithetic"], methods) == {
        "fast": {"guidance.solve": "truncated", "noise": "antithetic"},
        "dds": {"guidance.solve": "truncated", "noise": "antithetic", "guidance.gamma": "2"},
    }
    assert is_place("guidance.gamma")
    assert not is_place("dds.guidance.gamma")


def test_a_number_at_a_place_can_be_searched() -> None:
    fast = find_method("fast")
    assert parse_range("guidance.gamma.floor:0:0.1", fast) == Range("guidance.gamma.floor", 0.0, 0.1)
    assert parse_range("guidance.solve.at_most:1:9", fast) == Range("guidance.solve.at_most", 1.0, 9.0, integer=True)
    assert parse_range("guidance.gamma:1:9", find_method("dds")) == Range("guidance.gamma", 1.0, 9.0)
    for text, words in (("guidance.solve:1:2", "no numeric parameter"), ("guidance.x:1:2", "Proximal has no x")):
        with pytest.raises(InputError, match=words):
            parse_range(text, fast)
