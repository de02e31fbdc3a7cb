"""Volumes in files: each read once, checked and normalised, and kept in memory as far as that goes."""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch.utils.data import ConcatDataset, Dataset

from invdiff.errors import InputError
from invdiff.priors import Intensity
from invdiff.training.positive import Positive
from invdiff.training.sources.base import Images, Split

LARGEST_SIDE, LARGEST_BYTES = 4096, 2**33
"""Of a volume: a file of a few bytes can promise any size."""
BRIGHTEST = 1e4
"""Times the white of its volume: what is beyond is no image, and would leave half precision."""


class Volume(ABC):
    """The slices of one scan in a file."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The file, and the series where it holds several; messages say it."""

    @abstractmethod
    def read(self, which: slice = slice(None)) -> NDArray[Any]:
        """Slices ``(N, H, W)`` in the file's units, real or complex.

        Raises:
            InputError: they can't be read.
        """


class VolumeSource(BaseModel, ABC):
    """Volumes in a file or a folder, each scaled by a percentile of its own magnitude."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(description="The folder, or the file where one holds all.")
    percentile: float = Field(
        99.9, gt=0, le=100, description="Percentile of a volume's magnitude that becomes `value`."
    )
    value: Positive = Field(1.0, description="What `percentile` becomes: white in training.")
    least_content: float = Field(
        0.0, ge=0, le=1, description="Slices with a smaller fraction of pixels above a twentieth of white are left out."
    )
    memory_gb: float = Field(
        8.0,
        ge=0,
        le=1_000_000,
        description="Decoded volumes are kept in memory up to this; the others are read a slice at a time.",
    )

    @abstractmethod
    def volumes(self, split: Split) -> Sequence[Volume]:
        """The volumes of one split.

        Raises:
            InputError: there is none.
        """

    def read(self, split: Split, strict: bool = False) -> Images:
        """The images of one split.

        Args:
            split: ``"train"`` or ``"val"``.
            strict: whether something bad is an error; otherwise it is left out with a warning.

        Raises:
            InputError: there is nothing to read; with ``strict``, something can't be read.
        """
        images = VolumeImages(
            self.volumes(split),
            Intensity(self.percentile, self.value),
            memory_bytes=int(self.memory_gb * 1e9),
            least_content=self.least_content,
            strict=strict,
        )
        if not len(images):
            first = images.skipped[0] if images.skipped else "no slice was left."
            raise InputError(f"{self.path} holds no image to use for '{split}': {first}")
        return images


class VolumeImages(Images):
    """The slices of many volumes.

    Each volume is read once at the start: its white is found, and bad slices are left out. It is then kept, integers
    of up to 16 bits as they are, other real numbers in half precision (which rounds white by at most 1/4096), complex
    ones in single. Processes that are forked share what is kept.

    Args:
        volumes: what to read.
        intensity: the percentile of each volume's magnitude, and the value that it is scaled to.
        memory_bytes: how much may be kept; volumes that do not fit are read a slice at a time, when asked for.
        least_content: the least fraction of a slice's pixels brighter than a twentieth of the volume's white.
        strict: whether something bad is an error; otherwise it is left out with a warning.

    Raises:
        InputError: with ``strict``, a volume can't be read or holds bad slices.
    """

    def __init__(
        self,
        volumes: Iterable[Volume],
        intensity: Intensity,
        *,
        memory_bytes: int,
        least_content: float = 0.0,
        strict: bool = False,
    ) -> None:
        self.intensity = intensity
        skipped, parts, unkept = [], [], 0
        for volume in volumes:
            try:
                part, complaint = _prepare(volume, intensity, least_content)
            except InputError as error:
                part, complaint = None, str(error)
            if complaint:
                if strict:
                    raise InputError(complaint)
                warnings.warn(f"Left out: {complaint}", stacklevel=3)
                skipped.append(complaint)
            if part is not None and part.nbytes > memory_bytes:
                part.stack, unkept = None, unkept + len(part)
            if part is not None:
                memory_bytes -= part.nbytes
                parts.append(part)
        if unkept:
            warnings.warn(
                f"{unkept} images do not fit into memory_gb and will be read when they are asked for, which takes "
                "longer, far longer from .nii.gz files: raise memory_gb if there is memory.",
                stacklevel=3,
            )
        self.skipped = tuple(skipped)
        self._parts: ConcatDataset[NDArray[Any]] | None = ConcatDataset(parts) if parts else None

    def __len__(self) -> int:
        return len(self._parts) if self._parts is not None else 0

    def __getitem__(self, index: int) -> NDArray[Any]:
        if self._parts is None:
            raise IndexError(index)
        image: NDArray[Any] = self._parts[index]
        return image


@dataclass
class _Part(Dataset[NDArray[Any]]):
    """The good slices of a volume, ``indices`` among all: kept in memory as ``stack``, or in their file alone."""

    volume: Volume
    indices: NDArray[np.intp]
    stack: NDArray[Any] | None
    stack_factor: float
    file_factor: float

    @property
    def nbytes(self) -> int:
        return 0 if self.stack is None else self.stack.nbytes

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> NDArray[Any]:
        if self.stack is not None:
            return _scaled(self.stack[index], self.stack_factor)
        place = int(self.indices[index])
        return _scaled(self.volume.read(slice(place, place + 1))[0], self.file_factor)


def _prepare(volume: Volume, intensity: Intensity, least_content: float) -> tuple[_Part, str]:
    """A volume's good slices, and what is wrong with the others."""
    stack = _at_most_single(volume.read())
    good = np.isfinite(stack).all(axis=(1, 2))
    magnitude = np.abs(stack[good] if stack.dtype.kind in "uc" else stack[good].astype(np.float32, copy=False))
    white = float(np.percentile(magnitude, intensity.percentile)) if good.any() else math.nan
    factor = intensity.value / white if white > 0 else math.inf
    if not (good.any() and 0 < np.float32(factor) < np.inf and np.float32(1 / white) < np.inf):
        percentile = f"its {intensity.percentile:g}th percentile is {white:g}"
        cause = percentile if good.any() else "every slice holds NaN or infinity"
        raise InputError(f"{volume.name} can't be scaled, since {cause}; repair or remove it.")
    dark = good.copy()
    dark[good] = (magnitude > white / 20).mean(axis=(1, 2)) < least_content
    good[good] = magnitude.max(axis=(1, 2)) <= BRIGHTEST * white
    bad = np.flatnonzero(~good)
    keep = np.flatnonzero(good & ~dark)
    if not len(keep):
        raise InputError(
            f"{volume.name} has {len(stack)} slices, of which {len(bad)} hold NaN or absurd values and the others too "
            "little to see; lower least_content, or remove it."
        )
    complaint = (
        f"{volume.name}: slices {', '.join(map(str, bad[:8]))}{' and more' if len(bad) > 8 else ''} hold NaN, "
        f"infinity or values {BRIGHTEST:g} times white; repair or remove them."
    )
    stack = stack[keep]
    stack_factor = factor
    if stack.dtype.kind != "c" and stack.dtype.itemsize > 2:
        stack, stack_factor = _scaled(stack, factor / intensity.value).astype(np.float16), intensity.value
    return _Part(volume, keep, stack, stack_factor, factor), complaint if len(bad) else ""


def _at_most_single(stack: NDArray[Any]) -> NDArray[Any]:
    """Numbers with a point in single precision, where they have more; what that can't hold is infinite from here on."""
    single = np.dtype({"f": np.float32, "c": np.complex64}.get(stack.dtype.kind, stack.dtype))
    with np.errstate(over="ignore"):
        return stack.astype(single, copy=False) if stack.dtype.itemsize > single.itemsize else stack


def _scaled(image: NDArray[Any], factor: float) -> NDArray[Any]:
    kind = np.complex64 if np.iscomplexobj(image) else np.float32
    scaled: NDArray[Any] = np.multiply(image, kind(factor), dtype=kind, casting="same_kind")
    return scaled


def check_stack(shape: Sequence[int], dtype: np.dtype[Any], name: str, ndim: int = 3) -> None:
    """Refuse what is no stack of images, before it is read.

    Raises:
        InputError: these are no numbers ``(N, H, W)`` (or with further axes between, where ``ndim`` is larger), or
            more of them than any volume has.
    """
    if dtype.kind not in "buifc" or len(shape) != ndim or 0 in shape:
        raise InputError(f"{name} holds {dtype} of shape {tuple(shape)}, which is no stack of images; remove it.")
    if max(shape) > LARGEST_SIDE or dtype.itemsize * math.prod(shape) > LARGEST_BYTES:
        raise InputError(f"{name} promises {dtype} of shape {tuple(shape)}, more than is read at once; split it up.")
