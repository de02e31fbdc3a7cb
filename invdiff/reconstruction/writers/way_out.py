"""What a user asks a result to be written as, and where."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Self

from invdiff.data.geometry import Geometry
from invdiff.errors import InputError
from invdiff.files.publish import publish
from invdiff.reconstruction.writers.dicom import fitting_template
from invdiff.reconstruction.writers.table import writers
from invdiff.reconstruction.writers.writer import Writer
from invdiff.reconstruction.written_result import written_result


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        files: where they are.
        place: the folder that they make up, or None.
        remarks: what a user of them may wonder at, as sentences.
    """

    files: tuple[Path, ...]
    place: Path | None
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class WayOut:
    """A format, and where to.

    Attributes:
        writer: of the format.
        path: of what is written; None: beside the result, by the writer's usual name.
        template: a folder of DICOM of the same measurement, whose patient, study and frame of reference are the
            result's.
        replaces: files that are there and hold something else.

    Raises:
        InputError: there is a template, and files of the format name no patient.
    """

    writer: Writer
    path: Path | None = None
    template: Path | None = None
    replaces: bool = False

    def __post_init__(self) -> None:
        if self.template is not None and self.writer.write_like is None:
            raise InputError(
                f"{self.writer.title} names no patient or study, so a template has nothing to give; leave it out."
            )

    @classmethod
    def named(cls, text: str) -> Self:
        """What a user means.

        Args:
            text: a format, ``nifti``, beside the result; a path whose suffix tells the format, ``out.nii.gz``; a
                folder, ``out/``, for DICOM; or both, ``dicom=out``.

        Raises:
            InputError: there is no such format, its library is missing, or it is not written to files of such a name.
        """
        found = cls._found(text)
        found.writer.check_installed()
        return found

    @classmethod
    def _found(cls, text: str) -> Self:
        known = {writer.name: writer for writer in reversed(writers())}
        if text in known:
            return cls(known[text])
        name, is_pair, place = text.partition("=")
        if is_pair and place and name in known:
            writer = known[name]
            if writer.suffixes and not writer.names(Path(place)):
                raise InputError(f"{place}: {writer.title} is written to {' or '.join(writer.suffixes)} files.")
            return cls(writer, Path(place))
        by_suffix = [writer for writer in writers() if writer.names(Path(text))]
        if by_suffix:
            return cls(by_suffix[0], Path(text))
        if text.endswith(("/", os.sep)) or os.path.isdir(text):
            return cls(next(writer for writer in writers() if not writer.suffixes), Path(text))
        names = list(dict.fromkeys(writer.name for writer in writers()))
        suffixes = [suffix for writer in writers() for suffix in writer.suffixes]
        asked = text if "." not in text else f".{Path(text).name.partition('.')[2]}"
        near = get_close_matches(asked.lower(), [*names, *suffixes])
        meant = f"; did you mean {' or '.join(near)}?" if near else "."
        raise InputError(
            f"There is no way out for {text!r}: there are {', '.join(names)}, files of {', '.join(suffixes)}, and "
            f"folders of DICOM (out/){meant}"
        )

    def check(self, name: str, geometry: Geometry | None) -> None:
        """Raise ``InputError`` where the template is none, or shows something else than what is to be reconstructed:
        before that is done.

        Args:
            name: of what is reconstructed.
            geometry: of its images, as far as it is known.
        """
        if self.template is not None:
            fitting_template(self.template, name, geometry)

    def export(self, result: str | os.PathLike[str]) -> Exported:
        """Write a result.

        Args:
            result: path of a ``reconstruction.h5``.

        Raises:
            InputError: there is no such result, or it is damaged; the format can't say what it holds; the template
                shows something else; the files are there and hold something else; or they can't be written.
        """
        result = Path(result)
        path = self.path or result.with_name(self.writer.usual)
        if path.exists() and result.exists() and path.samefile(result):
            raise InputError(f"{path} is the result itself; give another name.")
        remarks: list[str] = []

        def write(place: Path) -> None:
            if self.template is None or self.writer.write_like is None:
                remarks.extend(self.writer.write(written, place))
            else:
                remarks.extend(self.writer.write_like(written, place, self.template))

        with written_result(result) as written:
            files = publish(path, write, replace=self.replaces)
            return Exported(files, path if path.is_dir() else None, tuple(remarks))


def ways_out(
    named: Sequence[str], template: str | os.PathLike[str] | None = None, *, replaces: bool = False
) -> list[WayOut]:
    """What a user means by several.

    Args:
        named: each as of `WayOut.named`.
        template: for those whose files name a patient.
        replaces: as of `WayOut`.

    Raises:
        InputError: as `WayOut.named`, a file would have the name of a result, or a template is given and none of them
            takes it.
    """
    found = [replace(WayOut.named(text), replaces=replaces) for text in named]
    result = next((way.path for way in found if way.path is not None and way.path.name == "reconstruction.h5"), None)
    if result is not None:
        raise InputError(f"{result} has the name of a result, of which one is exported at a time; give another name.")
    if template is None:
        return found
    takes = [way.writer.write_like is not None for way in found]
    if not any(takes):
        raise InputError(
            f"{template} is a template, which DICOM takes and nothing else that is asked for; leave it out."
        )
    return [replace(way, template=Path(template)) if its else way for way, its in zip(found, takes, strict=True)]
