"""One HDF5 file of many sources."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
from numpy.typing import NDArray
from pydantic import Field

from invdiff.errors import InputError
from invdiff.files.hdf5 import attributes_of, find, find_numbers, reading
from invdiff.training.sources.base import Split
from invdiff.training.sources.volumes import Volume, VolumeSource, check_stack

UNREADABLE = "unreadable"
"""The split of a series whose attribute is no text: it is read with either, where that is complained of."""


class GroupedImages(VolumeSource):
    """HDF5 of groups ``source/subject/series``, each with a data set ``images`` (N, H, W) and an attribute ``split``.

    A series whose split is neither ``train`` nor ``val`` is for neither.
    """

    kind: Literal["grouped"] = Field("grouped", description="One HDF5 file of groups source/subject/series/images.")
    leave_out: tuple[str, ...] = Field((), description="Sources not to use, by name.")

    def volumes(self, split: Split) -> list[Volume]:
        with reading(self.path) as file:
            if unknown := set(self.leave_out) - set(file):
                raise InputError(
                    f"{self.path} has no source {' or '.join(sorted(unknown))} to leave out; its sources are "
                    f"{', '.join(file)}."
                )
            series = [
                f"{source}/{subject}/{name}"
                for source in file
                if source not in self.leave_out
                for subject in _groups(file, source)
                for name in _groups(file, f"{source}/{subject}")
                if _split(file, f"{source}/{subject}/{name}") in (split, UNREADABLE)
            ]
        if not series:
            raise InputError(
                f"{self.path} holds no series for '{split}'; groups source/subject/series need an attribute 'split', "
                "'train' or 'val'."
            )
        return [_Series(self.path, key) for key in series]


def _groups(file: h5py.File, key: str) -> list[str]:
    node = find(file, key)
    return [name for name in node if isinstance(find(node, name), h5py.Group)] if isinstance(node, h5py.Group) else []


def _split(file: h5py.File, key: str) -> str | None:
    series = find(file, key)
    attribute = None if series is None else attributes_of(series).get("split")
    text = attribute.decode(errors="replace") if isinstance(attribute, bytes) else attribute
    return text if text is None or isinstance(text, str) else UNREADABLE


@dataclass(frozen=True)
class _Series(Volume):
    path: Path
    key: str

    @property
    def name(self) -> str:
        return f"{self.path}, {self.key}"

    def read(self, which: slice = slice(None)) -> NDArray[Any]:
        with reading(self.path) as file:
            if _split(file, self.key) == UNREADABLE:
                raise InputError(f"{self.name} has an attribute 'split' that is no text; write 'train' or 'val'.")
            images = find_numbers(file, f"{self.key}/images")
            if images is None:
                raise InputError(f"{self.name} has no data set 'images'; remove it.")
            check_stack(images.shape, images.dtype, self.name)
            stack: NDArray[Any] = images[which]
            return stack
