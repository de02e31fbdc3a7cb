"""The bibliography: every entry is whole, and every key that the package cites is in it."""

import inspect
import pkgutil
import re
from collections.abc import Iterable
from importlib import import_module, metadata, resources

import pytest

import invdiff.diffusion
from invdiff.diffusion.references import REFERENCES, Reference, reference

TEXT = (resources.files("invdiff.diffusion") / "references.bib").read_text(encoding="utf-8")
PLACE = {"article": "journal", "inproceedings": "booktitle", "misc": "eprint"}


def fields(bibtex: str) -> dict[str, str]:
    """Names and values of an entry, each split at its first " = ": read more simply than the package does."""
    return dict(line.strip().split(" = ", 1) for line in bibtex.splitlines()[1:-1])


def is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def unresolved(classes: Iterable[type]) -> set[tuple[str, str]]:
    """Class and key of each citation that is not in the bibliography."""
    return {(cls.__name__, key) for cls in classes for key in getattr(cls, "cites", ()) if key not in REFERENCES}


def classes() -> list[type]:
    """Every class that a module of invdiff.diffusion defines."""
    names = [module.name for module in pkgutil.walk_packages(invdiff.diffusion.__path__, "invdiff.diffusion.")]
    return [
        cls
        for module in map(import_module, names)
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__
    ]


# The file


def test_every_line_is_of_the_restricted_form_that_is_read() -> None:
    form = re.compile(r"%.*|@(article|inproceedings|misc)\{\w+,|  \w+ = \{.*\},|\}|")
    assert [line for line in TEXT.splitlines() if not form.fullmatch(line)] == []


def test_no_entry_is_lost_and_no_key_comes_twice() -> None:
    assert re.findall(r"^@\w+\{(.*),$", TEXT, re.MULTILINE) == list(REFERENCES)


@pytest.mark.parametrize("entry", REFERENCES.values(), ids=lambda entry: entry.key)
def test_every_entry_is_whole(entry: Reference) -> None:
    kind = re.match(r"@(\w+)\{", entry.bibtex)[1]
    given = fields(entry.bibtex)
    place = "howpublished" if entry.key == "invdiff" else PLACE[kind]
    assert {"author", "title", "year", place} <= given.keys()
    assert entry.key == "invdiff" or {"doi", "eprint", "url"} & given.keys()
    assert ("eprint" in given) == ("archivePrefix" in given)
    assert len(given) == len(entry.bibtex.splitlines()) - 2, "a field comes twice"
    assert is_balanced(entry.bibtex)
    assert all(is_balanced(value) for value in given.values())


@pytest.mark.parametrize("entry", REFERENCES.values(), ids=lambda entry: entry.key)
def test_every_entry_reads_well(entry: Reference) -> None:
    assert all(re.fullmatch(r"[^,]+, [^,]+", author) for author in entry.authors) or entry.key == "invdiff"
    assert not re.search(r"[{}\\]|--|  ", str(entry))
    identifier = re.fullmatch(r"([a-z]+)(\d{4})(\w*)", entry.key)
    if identifier:
        assert entry.authors[0].partition(",")[0].lower() == identifier[1]
        assert 0 <= entry.year - int(identifier[2]) <= 1, "a preprint appears within a year"


@pytest.mark.parametrize("entry", REFERENCES.values(), ids=lambda entry: entry.key)
def test_identifiers_have_their_form(entry: Reference) -> None:
    forms = {"doi": r"10\.\d{4,}/\S+", "eprint": r"\d{4}\.\d{4,5}", "pages": r"\d+(--\d+)?", "url": r"https://\S+"}
    given = fields(entry.bibtex)
    for name in forms.keys() & given.keys():
        assert re.fullmatch(r"\{" + forms[name] + r"\},", given[name]), name


def test_an_unbalanced_entry_would_be_seen() -> None:
    assert not is_balanced("{a}}{")
    assert not is_balanced("{{a}")


# Reading it


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (
            "vincent2011",
            "Vincent 2011, A connection between score matching and denoising autoencoders, Neural Computation",
        ),
        ("chung2022", "Chung & Ye 2022, Score-based diffusion models for accelerated MRI, Medical Image Analysis"),
        (
            "zhu2023",
            "Zhu et al. 2023, Denoising Diffusion Models for Plug-and-Play Image Restoration, "
            "IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops",
        ),
        (
            "lu2022",
            "Lu et al. 2022, DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models, "
            "arXiv:2211.01095",
        ),
    ],
)
def test_a_reference_is_one_line(key: str, line: str) -> None:
    assert str(reference(key)) == line


def test_the_software_cites_the_version_that_is_installed() -> None:
    version = metadata.version("invdiff")
    assert str(reference("invdiff")).endswith(f", Software, version {version}")
    assert f"version {version}" in reference("invdiff").bibtex


def test_bibtex_is_the_entry_of_the_file() -> None:
    assert reference("song2021").bibtex in TEXT
    assert reference("song2021").bibtex.startswith("@inproceedings{song2021,\n  author = {Song, Yang and Shen, Liyue")
    assert reference("song2021").bibtex.endswith("\n}")


def test_references_are_read_once() -> None:
    assert reference("ho2020") is REFERENCES["ho2020"] is reference("ho2020")


def test_a_key_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(
        LookupError, match=r"There is no reference 'sogn2021'; references\.bib has .*song2021"
    ) as caught:
        reference("sogn2021")
    assert not isinstance(caught.value, KeyError)  # whose message is a repr


# What cites it


def test_every_citation_of_the_package_resolves() -> None:
    assert unresolved(classes()) == set()


def test_a_citation_that_does_not_resolve_is_seen() -> None:
    cited = type("Cited", (), {"cites": ("ho2020", "nobody1900")})
    assert unresolved([cited, *classes()]) == {("Cited", "nobody1900")}


def test_classes_of_all_modules_are_searched() -> None:
    assert {"DDIM", "Langevin", "Proximal", "VE", "Karras", "Sampler"} <= {cls.__name__ for cls in classes()}
