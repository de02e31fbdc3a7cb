"""Sources that are folders of files, and a split of them that stays."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from invdiff.errors import InputError
from invdiff.training.sources.base import Split
from invdiff.training.sources.volumes import Volume, VolumeSource


class FolderSource(VolumeSource):
    """Volumes in the files of a folder and of those below it, or in the one file that is given."""

    suffixes: ClassVar[tuple[str, ...]]

    val_fraction: float | None = Field(
        0.1,
        gt=0,
        lt=1,
        description="Share of the files (or subjects) for validation; null where path is for one purpose alone.",
    )

    @abstractmethod
    def volume(self, file: Path) -> Volume:
        """What a file holds."""

    def subject(self, file: Path) -> str:
        """What is never split: the file, where a source does not say otherwise."""
        return file.name

    def files(self) -> list[Path]:
        """The files to use, sorted.

        Raises:
            InputError: the path does not exist, or there is no such file.
        """
        if self.path.is_file():
            return [self.path]
        kinds = " or ".join(self.suffixes)
        if not self.path.is_dir():
            raise InputError(f"{self.path} does not exist; give a folder of {kinds} files.")
        found = sorted(
            file
            for file in self.path.rglob("*")
            if file.name.lower().endswith(self.suffixes) and not file.name.startswith(".") and file.is_file()
        )
        if not found:
            raise InputError(f"The folder {self.path} holds no {kinds} file; give one that does.")
        return found

    def volumes(self, split: Split) -> Sequence[Volume]:
        files = self.files()
        chosen = in_split(map(self.subject, files), split, self.val_fraction)
        if not chosen:
            raise InputError(
                f"{self.path} holds one file or subject alone, which is for training; give others for validation, "
                "with val_fraction: null."
            )
        return [self.volume(file) for file in files if self.subject(file) in chosen]


def in_split(names: Iterable[str], split: Split, val_fraction: float | None) -> set[str]:
    """The names of one split.

    For validation go the ``val_fraction`` of names, and at least one, whose BLAKE2 hashes are the smallest: the same
    ones in any order, on any machine, wherever the folder lies. A single name is for training. Without a fraction
    nothing is split, and all serve either.
    """
    ranked = sorted(set(names), key=lambda name: hashlib.blake2b(name.encode(), digest_size=8).digest())
    if val_fraction is None:
        return set(ranked)
    count = min(max(1, round(val_fraction * len(ranked))), len(ranked) - 1)
    return set(ranked[:count] if split == "val" else ranked[count:])
