"""Regions of the slices of a result: rectangles by their rows and columns, and labels of an image."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data import read_geometry, read_image
from invdiff.errors import InputError

Mask = NDArray[np.bool_]

_RECTANGLE = re.compile(r"(\d{1,9}):(\d{1,9}),(\d{1,9}):(\d{1,9})")
_SEPARATORS = "=,"  # of options
_MOST_LABELS = 1000  # an image with more of them is no image of labels
_PIXEL = 0.1  # in parts of which labels may lie beside the image


class Region(Protocol):
    """A part of an image."""

    def of_slice(self, row: int) -> Mask:
        """The pixels that belong to it, bool ``(H, W)``.

        Args:
            row: of the slice in the result.
        """


@dataclass(frozen=True)
class Rectangle:
    """The same rows and columns of every slice.

    Attributes:
        rows: first, and one behind the last.
        columns: the same.
        shape: (H, W) of the image.

    Raises:
        InputError: it is empty, or not within the image.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        for what, (first, end), size in zip(("rows", "columns"), (self.rows, self.columns), self.shape, strict=True):
            if not 0 <= first < end <= size:
                raise InputError(
                    f"The region's {what} {first}:{end} are not within an image of {self.shape[0]} x {self.shape[1]}; "
                    f"give FIRST:END within 0:{size}."
                )

    @classmethod
    def of(cls, text: str, shape: tuple[int, int]) -> Self:
        """The rectangle that ``y0:y1,x0:x1`` names: rows and columns as Python counts them.

        Raises:
            InputError: the text is no rectangle, or as of the class.
        """
        found = _RECTANGLE.fullmatch("".join(text.split()))
        if found is None:
            raise InputError(f"A region is y0:y1,x0:x1, rows and columns such as 40:60,52:70, not {text!r}.")
        top, bottom, left, right = map(int, found.groups())
        return cls((top, bottom), (left, right), shape)

    def of_slice(self, row: int) -> Mask:
        """The same pixels of every slice."""
        mask = np.zeros(self.shape, bool)
        mask[slice(*self.rows), slice(*self.columns)] = True
        return mask


@dataclass(frozen=True, eq=False)
class Label:
    """The pixels of an image of labels that have one value.

    Attributes:
        image: of whole numbers, ``(slices, H, W)``.
        value: the label's.
    """

    image: NDArray[Any] = field(repr=False)
    value: int

    def of_slice(self, row: int) -> Mask:
        """Its pixels there; perhaps none."""
        mask: Mask = self.image[row] == self.value
        return mask


def read_labels(
    path: str | os.PathLike[str], shape: tuple[int, int, int], affine: NDArray[np.float64] | None = None
) -> dict[str, Region]:
    """The regions in an image of labels, called by their numbers; zero is none.

    Args:
        path: NIfTI, NumPy or another file that `invdiff.data.read_image` reads, of whole numbers.
        shape: (slices, H, W) of the result.
        affine: 4 x 4, of the result, by which that of the labels must go where both are known.

    Raises:
        InputError: the file can't be read, is of another shape or lies elsewhere, or holds no labels.
    """
    image = read_image(path)
    if image.shape != shape:
        raise InputError(
            f"{path} has {' x '.join(map(str, image.shape))} labels (slices x H x W), and the result "
            f"{' x '.join(map(str, shape))} pixels; draw them on the result's own image."
        )
    geometry = read_geometry(path)
    theirs = None if geometry is None else geometry.affine
    if affine is not None and theirs is not None and not _lie_alike(theirs, affine, shape):
        raise InputError(f"{path} lies elsewhere than the result, by its affine; save labels with that of the image.")
    if image.dtype.kind == "c" or not np.isfinite(image).all() or (image != np.round(image)).any():
        raise InputError(f"{path} holds {image.dtype} that are no whole numbers, so it is no image of labels.")
    values = [int(value) for value in np.unique(image) if value != 0]
    if not 0 < len(values) <= _MOST_LABELS:
        raise InputError(f"{path} holds {len(values)} labels beside zero; there must be from one to {_MOST_LABELS}.")
    return {str(value): Label(image, value) for value in values}


def named_regions(texts: Iterable[str], labels: Mapping[str, Region], shape: tuple[int, int]) -> dict[str, Region]:
    """Rectangles that ``NAME=y0:y1,x0:x1`` name, and labels.

    Args:
        texts: of rectangles.
        labels: of an image, by name.
        shape: (H, W) of the image.

    Raises:
        InputError: a text is no rectangle within the image, a name comes twice, or there is no region.
    """
    regions = dict(labels)
    for text in texts:
        name, equals, rectangle = text.partition("=")
        name = name.strip()
        if not equals or not name or any(separator in name for separator in _SEPARATORS):
            raise InputError(f"--region is NAME=y0:y1,x0:x1, such as lesion=40:60,52:70, not {text!r}.")
        if name in regions:
            raise InputError(f"Two regions are called {name!r}; give each a name of its own.")
        regions[name] = Rectangle.of(rectangle, shape)
    if not regions:
        raise InputError("There is no region; give --region NAME=y0:y1,x0:x1, or --labels FILE.")
    return regions


def _lie_alike(one: NDArray[np.float64], other: NDArray[np.float64], shape: tuple[int, int, int]) -> bool:
    """Whether the corners of a volume lie at the same place by both affines, to a tenth of a pixel."""
    slices, height, width = shape
    ends = np.meshgrid([0, height - 1], [0, width - 1], [0, slices - 1], [1], indexing="ij")
    corners = np.stack([end.ravel() for end in ends])
    with np.errstate(over="ignore", invalid="ignore"):  # numbers that are no place are alike to none
        apart = np.linalg.norm(((one - other) @ corners)[:3], axis=0).max()
        return bool(apart <= _PIXEL * np.linalg.norm(other[:3, :2], axis=0).min())
