"""A sampler cites its paper, exactly its parts' papers, and the software."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from invdiff.diffusion import (
    DDIM,
    VE,
    VP,
    Ancestral,
    AnnealedLikelihood,
    DiffPIRWeight,
    DiscreteVP,
    Every,
    FromNoise,
    Geometric,
    GradientConsistency,
    Karras,
    Lagging,
    Langevin,
    LateStart,
    NextLevel,
    Part,
    PosteriorVariance,
    Proximal,
    Sampler,
    SenseStep,
    Soss,
    SplitComplex,
    Tweedie,
    TwoChannel,
)
from invdiff.diffusion.references import REFERENCES
from invdiff.methods import METHODS, dds, find_method
from invdiff.methods.named_parts import PARTS

PLAIN = Sampler(VE(), Geometric(3), [NextLevel()], TwoChannel())


def keys(sampler: Sampler) -> list[str]:
    return [cited.key for cited in sampler.citations()]


def expected(sampler: Sampler, *parts: Part) -> set[str]:
    """The method's and those of the parts that were put in, listed by hand."""
    return {*sampler.cites, *(key for part in parts for key in part.cites), "invdiff"}


def test_the_parts_in_use_are_cited_and_no_others() -> None:
    assert set(keys(PLAIN)) == expected(PLAIN, VE(), Geometric(), NextLevel(), TwoChannel())
    assert set(keys(PLAIN)) == {"song2020", "jalal2021", "invdiff"}
    other = replace(PLAIN, sde=VP(), grid=DiscreteVP(3), steps=[Ancestral()], signal=SplitComplex())
    assert set(keys(other)) == {"song2020", "ho2020", "chung2022", "invdiff"}


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        ({"steps": [Langevin(), NextLevel()]}, {"song2020"}),
        ({"grid": Karras(3)}, {"karras2022"}),
        ({"guidance": AnnealedLikelihood()}, {"jalal2021"}),
        ({"guidance": Proximal()}, {"chung2024", "zhu2023"}),
        ({"guidance": Proximal(PosteriorVariance())}, {"chung2024", "zhu2023", "song2023"}),
        ({"guidance": Proximal(DiffPIRWeight())}, {"chung2024", "zhu2023"}),
        ({"start": LateStart(1.0)}, {"chung2022ccdf"}),
        ({"start": FromNoise((GradientConsistency(),))}, {"chung2022"}),
        ({"finish": [Tweedie()]}, {"vincent2011"}),
        ({"view": Soss()}, {"roemer1990"}),
        ({"steps": [NextLevel(), Lagging(Every(5, SenseStep()))]}, {"chung2022", "pruessmann1999"}),
        ({"steps": [Every(2, GradientConsistency()), NextLevel()]}, {"chung2022"}),
    ],
)
def test_every_kind_of_part_is_cited_inner_ones_too(changed: dict[str, object], more: set[str]) -> None:
    assert set(keys(replace(PLAIN, **changed))) == set(keys(PLAIN)) | more


@dataclass(frozen=True)
class Quoting(GradientConsistency):
    cites: ClassVar[tuple[str, ...]] = ("lustig2007", "uecker2014")


def test_what_is_deep_inside_is_cited_in_its_place() -> None:
    """The order of the parts: SDE, grid, start, steps, finish, signal, view, guidance; each before what is in it."""
    deep = Lagging(Every(2, Every(3, Quoting())))
    sampler = replace(PLAIN, steps=[NextLevel(), deep], finish=[Tweedie()], cites=("ho2020",))
    assert keys(sampler) == ["ho2020", "song2020", "lustig2007", "uecker2014", "vincent2011", "jalal2021", "invdiff"]
    assert [type(part).__name__ for part in sampler.parts] == [
        *["VE", "Geometric", "FromNoise", "NextLevel", "Lagging", "Every", "Every", "Quoting"],
        *["Tweedie", "TwoChannel", "Sense"],
    ]


def test_each_is_cited_once() -> None:
    sampler = replace(PLAIN, steps=[Langevin(), Langevin(), NextLevel(), Langevin()], cites=("jalal2021", "song2020"))
    assert keys(sampler) == ["jalal2021", "song2020", "invdiff"]


def test_a_citation_that_does_not_resolve_is_no_silence() -> None:
    with pytest.raises(LookupError, match="There is no reference 'nobody1900'"):
        replace(PLAIN, cites=("nobody1900",)).citations()


@pytest.mark.parametrize("name", METHODS)
def test_a_method_cites_its_paper_first_and_the_software_last(name: str) -> None:
    method = find_method(name)
    sampler = method.build()
    found = keys(sampler)
    assert len(found) == len(set(found))
    assert tuple(found[: len(method.cites)]) == method.cites
    assert set(found) == expected(sampler, *sampler.parts)
    assert method.paper.key == found[0]
    assert (found[-1] == "invdiff") == (
        method.name not in {"fast", "estimate", "split_gibbs", "calibrated"}
    )  # which are in no paper: the software comes first
    assert len(found) > 2


def test_settings_change_what_is_cited() -> None:
    assert "chung2024" in keys(dds())
    scored = find_method("score_sde")
    assert "song2021ddim" in keys(scored.with_settings({"predictor": "ddim"}))
    assert "song2021ddim" not in keys(scored.build())


def test_parts_that_can_be_named_cite_what_there_is() -> None:
    parts = [made.func for made in PARTS.values() if issubclass(made.func, Part)]
    assert {key for part in parts for key in part.cites} <= REFERENCES.keys()
    ours = {"RealImage", "Sense", "NextLevel", "Turned", "ByTurns", "FromNoise", "WienerStart", "SpectralDraw"}
    assert {part.__name__ for part in parts if not part.cites} == ours | {"Every", "Lagging"}
    assert DDIM.cites == ("song2021ddim",)
