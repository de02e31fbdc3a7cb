"""Coil maps, masks and noise that lie in files beside that of a scan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.axes import Axes
from invdiff.data.formats.contents import USUAL
from invdiff.data.formats.layout import OPTIONAL, fitting_axes, mask_of, noise_of
from invdiff.data.formats.layouts import find_name
from invdiff.data.formats.table import existing, find_format
from invdiff.data.scan import Coils
from invdiff.errors import InputError
from invdiff.files.content import Content
from invdiff.files.damage import read_as

_CALLED = {"maps": "coil maps", "mask": "a mask", "noise": "noise"}


@dataclass(frozen=True)
class Given:
    """What a user says of the file of a scan, and gives beside it.

    Attributes:
        axes: of its k-space.
        maps: file of coil maps, instead of the scan's own.
        mask: file of a mask; what it leaves out is left out of the scan.
        noise: file of a noise scan, instead of the scan's own.
    """

    axes: Axes | None = None
    maps: Path | None = None
    mask: Path | None = None
    noise: Path | None = None

    @property
    def files(self) -> dict[str, Path]:
        """Those given, by what they hold."""
        held = {"maps": self.maps, "mask": self.mask, "noise": self.noise}
        return {holds: path for holds, path in held.items() if path is not None}

    @property
    def elsewhere(self) -> Self:
        """The same for a process with another working folder."""
        found = {holds: existing(path, _CALLED[holds]).absolute() for holds, path in self.files.items()}
        return type(self)(self.axes, **found)

    def completed(self, scan: Coils, slices: int, index: int = 0) -> Coils:
        """A scan with what the files hold.

        Args:
            scan: all slices of its file, or one.
            slices: of the file.
            index: of the first slice.

        Raises:
            InputError: a file can't be read, or what it holds does not fit the scan.
        """
        if not self.files:
            return scan
        remarks: tuple[str, ...] = ()
        coils, (height, width) = scan.coils, scan.image_shape
        lengths = {"slice": slices, "coil": coils, "y": height, "x": width}
        changed: dict[str, Any] = {}
        if self.maps is not None:
            maps = _maps(self.maps, lengths)
            own = maps[index : index + scan.slices] if len(maps) == slices else maps
            changed["maps"] = np.broadcast_to(own, (scan.slices, *maps.shape[1:]))
        if self.noise is not None:
            noise, _ = _array(self.noise, "noise")
            changed["noise"] = noise_of(noise, coils)
        try:
            scan = replace(scan, **changed)
            if self.mask is not None:
                array, order = _array(self.mask, "mask")
                mask = mask_of(_of_two_values(array), scan.kspace.shape, order, slices)
                assert mask is not None
                before, scan = scan, scan.undersample(mask)
                if np.any(before.kspace[..., ~scan.sampled]):
                    remarks = (f"{before.name} holds signal where {self.mask} has none; it is left out.",)
        except InputError as error:
            raise InputError(f"{' and '.join(map(str, self.files.values()))} beside {error}") from error
        return scan.changed(remarks=(*scan.remarks, *remarks))


NOTHING_GIVEN = Given()


def _maps(path: Path, lengths: Mapping[str, int]) -> NDArray[Any]:
    array, order = _array(path, "maps")
    axes = fitting_axes(array, lengths, OPTIONAL["maps"], order, f"{path}: maps")
    return axes.arranged(array)


def _of_two_values(mask: NDArray[Any]) -> NDArray[Any]:
    """A mask of zeros and one other number, such as white's 255 in a picture, as zeros and ones; else as it is."""
    return mask != 0 if len(np.unique(mask)) <= 2 and (mask == 0).any() and mask.max() > 0 else mask


def _array(path: Path, holds: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """What a file holds of that, and the order in which its axes usually are."""
    return _array_in(Content.now(existing(path, _CALLED[holds])), holds)


@lru_cache(maxsize=4)  # every slice that is read by itself asks for them
def _array_in(content: Content, holds: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    path, order = content.path, USUAL
    found = find_format(path, _CALLED[holds], lambda one: one.contents is not None or one.image is not None)
    if found.contents is None:
        assert found.image is not None
        with read_as("an image", path):
            array = np.asarray(found.image(path))
    else:
        with found.contents(path) as contents:
            order = contents.order
            name = find_name(contents, holds)
            arrays = contents.arrays if name is None else {}
            if name is None and len(arrays) != 1:
                raise InputError(
                    f"{path} has nothing of a name that {_CALLED[holds]} go by; it holds "
                    f"{', '.join(contents.described) or 'no arrays at all'}. Leave one array in it, or name it {holds}."
                )
            stored = contents.find(name) if name is not None else next(iter(arrays.values()))
            if stored is None:
                raise InputError(f"{path}: {name} is no array.")
            array = stored[()]
    if array.dtype.kind not in "biufc":
        raise InputError(f"{path} of shape {array.shape} holds {array.dtype}, not numbers.")
    return array, order
