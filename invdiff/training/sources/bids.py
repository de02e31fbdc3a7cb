"""A data set in the Brain Imaging Data Structure."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from invdiff.errors import InputError
from invdiff.training.sources.folders import FolderSource
from invdiff.training.sources.nifti_volume import NiftiVolume
from invdiff.training.sources.volumes import Volume


class BidsImages(FolderSource):
    """Axial slices of anatomical volumes of a BIDS data set (Gorgolewski et al. 2016), raw ones alone.

    Files are ``sub-*/anat`` and ``sub-*/ses-*/anat``; all sessions and derivatives of a subject are in one split.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".nii", ".nii.gz")

    kind: Literal["bids"] = Field("bids", description="A BIDS data set: sub-*/[ses-*/]anat/*_T1w.nii.gz and others.")
    contrasts: tuple[str, ...] = Field(
        ("T1w", "T2w", "FLAIR", "PDw"), min_length=1, description="Suffixes of files, as BIDS calls what ends a name."
    )
    sessions: tuple[str, ...] = Field((), description="Labels of sessions, without `ses-`; an empty list takes all.")
    derivatives: tuple[str, ...] = Field(
        (), description="Pipelines, by their folders below `derivatives`, whose volumes are taken as well."
    )
    least_content: float = Field(
        0.1, ge=0, le=1, description="Slices with a smaller fraction of pixels above a twentieth of white are left out."
    )

    def files(self) -> list[Path]:
        """The files to use, sorted.

        Raises:
            InputError: the path is no folder, or it, its contrasts, sessions or derivatives hold no such file.
        """
        if not self.path.is_dir():
            raise InputError(f"{self.path} is no folder; give that of a BIDS data set, which holds the folders sub-*.")
        roots = [self.path, *(self._pipeline(name) for name in self.derivatives)]
        anatomy = sorted(
            file
            for root in roots
            for pattern in ("sub-*/anat/*", "sub-*/ses-*/anat/*")
            for file in root.glob(pattern)
            if file.name.endswith(self.suffixes) and file.is_file()
        )
        if not anatomy:
            raise InputError(f"{self.path} holds no NIfTI in sub-*/anat or sub-*/ses-*/anat; give a BIDS data set.")
        taken = [file for file in anatomy if not self.sessions or _session(file) in self.sessions]
        if not taken:
            known = ", ".join(sorted({_session(file) for file in anatomy} - {""})) or "none"
            raise InputError(f"{self.path} has no session {' or '.join(self.sessions)}; its sessions are {known}.")
        chosen = [file for file in taken if _contrast(file) in self.contrasts]
        if not chosen:
            known = ", ".join(sorted({_contrast(file) for file in taken}))
            raise InputError(f"{self.path} has no {' or '.join(self.contrasts)}; its contrasts are {known}.")
        return chosen

    def _pipeline(self, name: str) -> Path:
        folder = self.path / "derivatives" / name
        if Path(name).name != name or not folder.is_dir():
            raise InputError(f"{self.path} has no folder derivatives/{name}; derivatives takes names of those there.")
        return folder

    def subject(self, file: Path) -> str:
        """The subject's folder."""
        inside = file.relative_to(self.path).parts
        return next(part for part in inside if part.startswith("sub-"))

    def volume(self, file: Path) -> Volume:
        return NiftiVolume(file)


def _session(file: Path) -> str:
    folder = file.parent.parent.name
    return folder.removeprefix("ses-") if folder.startswith("ses-") else ""


def _contrast(file: Path) -> str:
    """What BIDS calls the suffix: the last word of a name, before the extension."""
    return file.name.removesuffix(".gz").removesuffix(".nii").rpartition("_")[2]
