"""Finished samples: each a small file that appears whole, or in memory."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files import atomic, folder_lock, read_archive, remove_abandoned
from invdiff.files.folder import make_folder
from invdiff.reconstruction.course import PARTS, Course
from invdiff.reconstruction.units import Arrays, Drawn, Unit

Image = NDArray[np.inexact]


class Store(Protocol):
    """Where finished samples are kept, under a key that tells all that decides them."""

    def has(self, case: int, sample: int, key: str) -> bool:
        """Whether a sample is there."""

    def put(self, unit: Unit, key: str, drawn: Drawn) -> None:
        """Keep the samples of a unit.

        Raises:
            InputError: they can't be written.
        """

    def get(self, case: int, sample: int, key: str) -> Arrays:
        """A sample, as ``image``, and what was kept beside it.

        Raises:
            InputError: it is not there.
        """

    def recall(self, name: str, key: str, find: Callable[[], Arrays]) -> Arrays:
        """Arrays that ``find()`` gives, found once for each key."""


@dataclass
class MemoryStore:
    """Samples of this process."""

    _kept: dict[tuple[int, int, str], Arrays] = field(default_factory=dict)

    def has(self, case: int, sample: int, key: str) -> bool:
        """Whether a sample is there."""
        return (case, sample, key) in self._kept

    def put(self, unit: Unit, key: str, drawn: Drawn) -> None:
        """Keep the samples of a unit."""
        for sample, arrays in drawn.kept(unit):
            self._kept[unit.case, sample, key] = arrays

    def get(self, case: int, sample: int, key: str) -> Arrays:
        """A sample and what was kept beside it."""
        return self._kept[case, sample, key]

    def recall(self, name: str, key: str, find: Callable[[], Arrays]) -> Arrays:
        """What ``find()`` gives."""
        return find()


class FolderStore:
    """Samples in a folder, a file each: what several processes may add to, and any of them may be killed.

    Args:
        folder: made where it is missing.

    Raises:
        InputError: it can't be made or written to.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        make_folder(self.folder)
        remove_abandoned(self.folder)

    def _path(self, case: int, sample: int, key: str) -> Path:
        return self.folder / f"{case:06d}-{sample:04d}-{key}.npz"

    def has(self, case: int, sample: int, key: str) -> bool:
        """Whether a sample is there."""
        return self._path(case, sample, key).exists()

    def put(self, unit: Unit, key: str, drawn: Drawn) -> None:
        """Write the samples of a unit, each whole or not at all.

        Raises:
            InputError: they can't be written, such as on a full disk.
        """
        for sample, arrays in drawn.kept(unit):
            self._write(self._path(unit.case, sample, key), arrays)

    def get(self, case: int, sample: int, key: str) -> Arrays:
        """A sample and what was kept beside it.

        Raises:
            InputError: the file is not there, or damaged.
        """
        path = self._path(case, sample, key)
        try:
            return read_archive(path)
        except InputError as error:
            raise InputError(f"{error} It should hold a finished sample; remove it to have it drawn anew.") from error

    def recall(self, name: str, key: str, find: Callable[[], Arrays]) -> Arrays:
        """Arrays that ``find()`` gave for this key before, or gives now.

        Raises:
            InputError: they can't be written, or what is there is damaged.
        """
        path = self.folder / f"{name}-{key}.npz"
        with folder_lock(self.folder / f"{name}.lock", wait=True):  # all who share the folder go by one answer
            if not path.exists():
                self._write(path, find())
            return read_archive(path)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was finished so far."""
        return all("-failed-" in file.name for file in self.folder.glob("*.npz"))

    def fail(self, case: int, key: str, reason: str) -> None:
        """Remember why there is nothing of a case.

        Raises:
            InputError: it can't be written.
        """
        self._write(self._failure(case, key), {"reason": np.array(reason)})

    def failure(self, case: int, key: str) -> str | None:
        """Why there is nothing of a case; None where nobody failed."""
        path = self._failure(case, key)
        return str(read_archive(path)["reason"]) if path.exists() else None

    def _failure(self, case: int, key: str) -> Path:
        return self.folder / f"{case:06d}-failed-{key}.npz"

    def remove(self) -> None:
        """Remove the folder with all that it holds; what another process removed before is no error."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, path: Path, arrays: Arrays) -> None:
        with atomic(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **dict(arrays))


class Finished(NamedTuple):
    """What a store has of the samples of a case.

    Attributes:
        images: ``(samples, H, W)``; of a slab ``(samples, slices, H, W)``.
        beside: what was kept with them, by name.
        course: of their runs, where it was recorded.
    """

    images: Image
    beside: Arrays
    course: Course | None


def samples_of(store: Store, case: int, key: str, samples: Sequence[int]) -> Finished:
    """The samples of a case.

    Raises:
        InputError: one is not there.
    """
    found = [store.get(case, sample, key) for sample in samples]
    beside = {name: array for name, array in found[0].items() if name not in ("image", *PARTS)}
    course = Course.gathered(found) if all(name in one for one in found for name in PARTS) else None
    return Finished(np.stack([arrays["image"] for arrays in found]), beside, course)
