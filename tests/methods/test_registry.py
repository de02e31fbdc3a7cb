"""Methods by name, and their parameters as text."""

from typing import Any

import pytest

from invdiff.diffusion import (
    DDIM,
    VP,
    Ancestral,
    AnnealedLangevin,
    AnnealedLikelihood,
    GradientConsistency,
    LateStart,
    MagnitudePhase,
    NextLevel,
    NormMatchedLikelihood,
    ProjectionConsistency,
    RealImage,
    ReverseDiffusion,
    Signal,
    SplitComplex,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.methods import METHODS, fast, find_method, jalal2021, song2021
from invdiff.methods.named_parts import name_of_value


def made(name: str, **settings: str) -> Any:
    return find_method(name).with_settings(settings)


def test_numbers() -> None:
    sampler = made("fast", steps="7", eta="0.25", sigma_max="2e0", cg_steps="3", signal="two")
    assert repr(sampler) == repr(fast(steps=7, eta=0.25, sigma_max=2.0, cg_steps=3, signal=TwoChannel()))
    assert isinstance(sampler.grid.steps, int)
    assert repr(made("fast", steps="7", signal="two")) != repr(sampler)


@pytest.mark.parametrize(
    ("name", "setting", "text", "part"),
    [
        ("song2021", "signal", "real", RealImage()),
        ("song2021", "signal", "split", SplitComplex()),
        ("song2021", "signal", "two", TwoChannel()),
        ("song2021", "signal", "magnitude-phase", MagnitudePhase()),
        ("score_sde", "sde", "vp", VP()),
    ],
)
def test_parts_by_name(name: str, setting: str, text: str, part: object) -> None:
    assert getattr(made(name, **{setting: text}), setting) == part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("reverse-diffusion", ReverseDiffusion()),
        ("ddim", DDIM()),
        ("ancestral", Ancestral()),
        ("ddpm", Ancestral("forward")),
        ("next-level", NextLevel()),
    ],
)
def test_predictors_and_correctors_by_name(text: str, part: object) -> None:
    sampler = made("score_sde", predictor=text, corrector="annealed-langevin")
    assert list(sampler.steps) == [AnnealedLangevin(), part]


def test_words_of_a_list() -> None:
    merged = {"gradient": GradientConsistency, "projection": ProjectionConsistency}
    for text, kind in merged.items():
        sampler = made("song2021", merge=text, signal="real")
        assert repr(sampler) == repr(song2021(merge=text))
        assert type(sampler.steps[0]) is kind
    weights = {"paper": AnnealedLikelihood(0.7), "released": NormMatchedLikelihood(3.0)}
    for text, guidance in weights.items():
        given = made("jalal2021", weight=text, rho="0.7", mse="3").guidance
        assert given == jalal2021(weight=text, rho=0.7, mse=3.0).guidance == guidance


def test_numbers_that_need_not_be_given() -> None:
    """``start_sigma: float | None``: a number, or what stands for the default."""
    assert made("ccdf", start_time="0.1").start == LateStart(time=0.1)
    assert made("ccdf", start_sigma="0.5").start == LateStart(0.5)
    assert made("ccdf", start_sigma="0.5", start_time="0.1").start == LateStart(0.5)
    assert made("ccdf", start_time="0.1", image="least-squares").start == LateStart(time=0.1, image="least-squares")
    assert made("ccdf", start_sigma="None", start_time="0.1").start == LateStart(time=0.1)


@pytest.mark.parametrize(("is_complex", "signals"), [(True, (SplitComplex, TwoChannel)), (False, (RealImage,))])
@pytest.mark.parametrize("name", METHODS)
def test_a_signal_that_is_not_given_suits_the_image(name: str, is_complex: bool, signals: tuple[type, ...]) -> None:
    method = find_method(name)
    sampler = method.with_settings({}, is_complex=is_complex)
    if "signal" in method.defaults:
        kinds = {type(part) for part in sampler.parts if isinstance(part, Signal) and not part.inner}
        assert kinds <= set(signals)
        if is_complex and method.defaults["signal"].is_complex:
            assert sampler.signal == method.defaults["signal"]
    else:
        assert sampler.signal == method.build().signal
    said = method.with_settings({"signal": "two"}, is_complex=is_complex) if "signal" in method.defaults else None
    assert said is None or said.signal == TwoChannel()


def test_a_signal_that_is_not_given_suits_the_prior() -> None:
    def signal(name: str, *channels: int) -> Signal:
        return find_method(name).with_settings({}, channels=channels).signal

    assert [type(signal("dds", *channels)) for channels in ((1, 2), (2,), (1,))] == [
        TwoChannel,
        TwoChannel,
        SplitComplex,
    ]
    assert [type(signal("song2021", *channels)) for channels in ((1, 2), (2,))] == [SplitComplex, TwoChannel]
    assert signal("dds", 3) == TwoChannel()  # no signal suits, and the sampler says so
    given = find_method("dds").with_settings({"signal": "two"}, channels=(1,))
    assert given.signal == TwoChannel()


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("fast", {"magic": "1"}, "fast has no parameter magic; it has steps, eta, sigma_max"),
        ("fast", {"steps": "many"}, "fast's parameter steps takes a value of type int, which 'many' is not"),
        ("fast", {"steps": "None"}, "steps takes a value of type int, which 'None' is not"),
        ("fast", {"steps": "2.5"}, "steps takes a value of type int, which '2.5' is not"),
        ("fast", {"eta": "half"}, "eta takes a value of type float, which 'half' is not"),
        (
            "fast",
            {"signal": "sound"},
            "signal is one of real, split, two, magnitude-phase, turned, by-turns, not 'sound'",
        ),
        ("score_sde", {"sde": "VX()"}, r"sde is one of ve, vp, subvp, cosine, not 'VX\(\)'"),
        (
            "score_sde",
            {"predictor": "heun"},
            "predictor is one of reverse-diffusion, .*, ddrm, .*, not 'heun'",
        ),
        ("score_sde", {"corrector": "none"}, "corrector is one of langevin, annealed-langevin, not 'none'"),
        ("song2021", {"merge": "sum"}, "merge should be 'gradient' or 'projection', not 'sum'"),
        ("ccdf", {"image": "file"}, "image should be 'zero-filled', 'least-squares' or 'initial', not 'file'"),
        ("ccdf", {"start_sigma": "low"}, "start_sigma .*not 'low'|which 'low' is not"),
        ("fast", {"steps": "0"}, "steps is the number of noise levels"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        made(name, **settings)
    assert "\n" not in str(caught.value)


def test_a_method_that_there_is_not() -> None:
    with pytest.raises(InputError, match=r"There is no method 'magic'; there are .*song2021, .*, fast"):
        find_method("magic")


@pytest.mark.parametrize("name", METHODS)
def test_defaults_written_as_text_make_the_default(name: str) -> None:
    """What ``invdiff methods`` prints can be given back with ``--set``."""
    method = find_method(name)
    texts = {parameter: name_of_value(value) for parameter, value in method.defaults.items()}
    assert repr(method.with_settings(texts)) == repr(method.build())
    assert all("(" not in text for text in texts.values())


def test_a_part_without_a_name_is_written_as_it_is_made() -> None:
    assert name_of_value(VP(0.2, 3.0)) == str(VP(0.2, 3.0))
    assert name_of_value(0.5) == "0.5"
    assert name_of_value(None) == "None"
