"""The papers that parts and methods cite, by key."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata, resources

_ENTRY = re.compile(r"^@\w+\{(?P<key>\w+),\n(?P<fields>.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (?P<name>\w+) = \{(?P<value>.*)\},$", re.MULTILINE)


@dataclass(frozen=True)
class Reference:
    """A paper, or the software. Its ``str`` is one line: "Chung & Ye 2022, Score-based diffusion models for
    accelerated MRI, Medical Image Analysis".

    Attributes:
        key: family name of the first author and year, as the documentation calls it.
        authors: each as "Family, Given"; a group by its name.
        title: as published.
        venue: the journal or conference, "arXiv:" and the number of a preprint, or the version of software.
        year: of the publication at that venue, which may be later than the key's.
        bibtex: the whole entry, in UTF-8.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    venue: str
    year: int
    bibtex: str

    @property
    def short(self) -> str:
        """Authors and year: "Chung & Ye 2022"."""
        families = [author.partition(",")[0] for author in self.authors]
        names = " & ".join(families) if len(families) <= 2 else f"{families[0]} et al."
        return f"{names} {self.year}"

    def __str__(self) -> str:
        return f"{self.short}, {self.title}, {self.venue}"


class _Bibliography(Mapping[str, Reference]):
    """The file of references, read when first asked."""

    @cached_property
    def _references(self) -> dict[str, Reference]:
        text = (resources.files("invdiff.diffusion") / "references.bib").read_text(encoding="utf-8")
        text = text.replace("INSTALLED_VERSION", metadata.version("invdiff"))
        return {entry["key"]: _parsed(entry) for entry in _ENTRY.finditer(text)}

    def __getitem__(self, key: str) -> Reference:
        return self._references[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._references)

    def __len__(self) -> int:
        return len(self._references)


REFERENCES: Mapping[str, Reference] = _Bibliography()
"""Every reference by its key, read from the package on first use."""


def reference(key: str) -> Reference:
    """The reference of that key.

    Raises:
        LookupError: there is none.
    """
    if key not in REFERENCES:
        raise LookupError(f"There is no reference {key!r}; references.bib has {', '.join(REFERENCES)}.")
    return REFERENCES[key]


def _parsed(entry: re.Match[str]) -> Reference:
    # Braces keep capitals and names of groups together; nobody reads them.
    fields = {field["name"]: re.sub("[{}]", "", field["value"]) for field in _FIELD.finditer(entry["fields"])}
    venues = [fields[name] for name in ("journal", "booktitle", "howpublished") if name in fields]
    return Reference(
        key=entry["key"],
        authors=tuple(fields["author"].split(" and ")),
        title=fields["title"],
        venue=venues[0] if venues else f"arXiv:{fields['eprint']}",
        year=int(fields["year"]),
        bibtex=entry[0],
    )
