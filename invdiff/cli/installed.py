"""What the package needs and could use, and what of it is installed."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

OF_DEVELOPERS = frozenset({"dev", "docs", "test"})
"""Extras that no user asks for."""


@dataclass(frozen=True)
class Needed:
    """A package that invdiff needs, or that an extra brings.

    Attributes:
        name: of the package.
        wanted: versions that will do.
        extra: of invdiff that brings it; empty where invdiff itself does.
        version: that is installed; None where none is.
        suits: whether that will do.
    """

    name: str
    wanted: str
    extra: str
    version: str | None
    suits: bool

    @property
    def remedy(self) -> str:
        """What to type where it is missing or does not suit; empty where it does."""
        what = f"invdiff[{self.extra}]" if self.extra else f"{self.name}{self.wanted}"
        return "" if self.suits else f"pip install '{what}'"


def needed() -> Iterator[Needed]:
    """Every package by what the installed metadata of invdiff say, without those of developers."""
    from packaging.requirements import Requirement

    for line in metadata.requires("invdiff") or ():
        requirement = Requirement(line)
        extras = metadata.metadata("invdiff").get_all("Provides-Extra") or []
        for extra in ("", *(extra for extra in extras if extra not in OF_DEVELOPERS)):
            of_extra = requirement.marker is not None and "extra" in str(requirement.marker)
            if of_extra != bool(extra) or requirement.name == "invdiff":
                continue
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                yield _needed(requirement.name, str(requirement.specifier), extra)


def _needed(name: str, wanted: str, extra: str) -> Needed:
    from packaging.specifiers import SpecifierSet

    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Needed(name, wanted, extra, None, False)
    return Needed(name, wanted, extra, version, SpecifierSet(wanted).contains(version, prereleases=True))
