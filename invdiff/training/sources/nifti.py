"""A folder of subjects with NIfTI volumes."""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from invdiff.errors import InputError
from invdiff.training.sources.folders import FolderSource
from invdiff.training.sources.nifti_volume import NiftiVolume
from invdiff.training.sources.volumes import Volume

_DERIVATIVES = "derivatives"


def _stays_below(pattern: str) -> str:
    """The pattern, unless it leads out of its folder, or none can be found by it."""
    parts = PurePosixPath(pattern).parts
    if not parts or ".." in parts or parts[0] == "/" or any("**" in part and part != "**" for part in parts):
        raise InputError(f"'{pattern}' is no pattern of files below path, such as sub-*/anat/*_T1w.nii.gz")
    return pattern


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise InputError(f"'{text}' is no regular expression: {error}") from error
    return text


class NiftiImages(FolderSource):
    """Axial slices of NIfTI volumes: those that a pattern finds, or in the layout of BraTS, a folder a subject, with
    files such as ``*_t1ce.nii.gz``. What lies below a folder ``derivatives`` is left out, unless a pattern names it.

    A subject is what ``subjects`` says, or a part of the path that begins with ``sub-``, or the folder that the first
    wildcard of the pattern stands for. In the layout of BraTS it is the folder that a file lies in.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".nii", ".nii.gz")

    kind: Literal["nifti"] = Field("nifti", description="NIfTI volumes, by a pattern or in the layout of BraTS.")
    pattern: Annotated[str, AfterValidator(_stays_below)] | None = Field(
        None,
        description="Pattern of files below path, such as `sub-*/anat/*_T1w.nii.gz`, instead of contrasts; `**` is any "
        "folders.",
    )
    subjects: Annotated[str, AfterValidator(_expression)] | None = Field(
        None,
        description="A regular expression whose first group, or all of it, is the subject in a file's path below path; "
        "where folders do not tell.",
    )
    contrasts: tuple[str, ...] = Field(
        ("t1", "t1ce", "t2", "flair"),
        description="What file names end on, after '_' or '-' and before the suffix; an empty list takes every file.",
    )
    least_content: float = Field(
        0.1, ge=0, le=1, description="Slices with a smaller fraction of pixels above a twentieth of white are left out."
    )

    def files(self) -> list[Path]:
        files = super().files()
        if self.path.is_file():
            return files
        if self.pattern is None or _DERIVATIVES not in PurePosixPath(self.pattern).parts:
            files = [file for file in files if _DERIVATIVES not in file.relative_to(self.path).parts[:-1]]
        if self.pattern is not None:
            found = set(self.path.glob(self.pattern))
            chosen = [file for file in files if file in found]
            if not chosen:
                raise InputError(f"{self.path} holds NIfTI, but none that the pattern {self.pattern} finds; change it.")
            return chosen
        wanted = {contrast.lower() for contrast in self.contrasts}
        chosen = [file for file in files if not wanted or _name(file)[1] in wanted]
        if not chosen:
            raise InputError(
                f"{self.path} holds NIfTI, but no file whose name ends on _{' or _'.join(self.contrasts)}; name its "
                "contrasts, or give a pattern."
            )
        return chosen

    def subject(self, file: Path) -> str:
        """Who is in a file."""
        inside = (
            PurePosixPath(file.name) if file == self.path else PurePosixPath(file.relative_to(self.path).as_posix())
        )
        if self.subjects is not None:
            match = re.search(self.subjects, str(inside))
            if match is None:
                raise InputError(f"{file} has no subject that the expression subjects, '{self.subjects}', finds.")
            return str(match[1] if match.re.groups else match[0])
        if (named := re.search(r"(?:^|/)(sub-[A-Za-z0-9]+)", str(inside))) is not None:
            return named[1]
        if self.pattern is not None and file != self.path:
            return _behind_wildcard(inside, PurePosixPath(self.pattern))
        if len(inside.parts) > 1:
            return file.parent.name
        return _name(file)[0] if self.contrasts else file.name

    def volume(self, file: Path) -> Volume:
        return NiftiVolume(file)


def _name(file: Path) -> tuple[str, str]:
    """The subject and the contrast that a file name tells."""
    stem = file.name.lower().removesuffix(".gz").removesuffix(".nii").replace("-", "_")
    subject, _, contrast = stem.rpartition("_")
    return subject, contrast


def _behind_wildcard(inside: PurePosixPath, pattern: PurePosixPath) -> str:
    """The folder that the first wildcard of a pattern stands for; of a file, the first word of its name."""
    depth = next((i for i, part in enumerate(pattern.parts) if re.search(r"[*?[]", part)), len(pattern.parts))
    if depth < len(inside.parts) - 1:
        return inside.parts[depth]
    return re.split(r"[_.-]", inside.name)[0]
