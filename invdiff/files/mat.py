"""Arrays of numbers from MATLAB's files that anyone may have made: of version 5 to 7; those of 7.3 are HDF5.

Elements are read here (The MathWorks, MAT-File Format, chapter 1), as SciPy takes the kind of a damaged one for an
address, and so ends the process. What is no array of numbers is passed over: texts, structs, cells, functions, objects
and sparse matrices.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.damage import read_as
from invdiff.files.declared import check_declared

_HEADER, _TAG = 128, 8
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""Kinds of elements that numbers are stored in."""
_CLASSES = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
"""Classes of arrays of numbers."""
_COMPLEX, _LOGICAL = 8, 2
_BEGINNING = 4096  # bytes, in which the flags, sizes and name of an array are


@dataclass(frozen=True)
class _Array:
    """An array of numbers in a file.

    Attributes:
        name: of the variable.
        shape: of the array.
        dtype: of its numbers.
        first: byte of its numbers, within its element.
        order: of bytes, ``"<"`` or ``">"``.
        place: of its element in the file, behind the tag.
        length: of that, in bytes.
        is_compressed: whether the element is the stream of another.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    first: int
    order: str
    place: int
    length: int
    is_compressed: bool


def mat_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of numbers in a file, by name.

    Raises:
        InputError: it is missing or damaged.
    """
    with read_as("a MATLAB file", path), path.open("rb") as file:
        return {array.name: array.shape for array in _arrays(file)}


def read_mat(path: Path, name: str) -> NDArray[Any]:
    """The array of that name, with the axes as MATLAB shows them.

    Raises:
        InputError: the file is missing or damaged, has no such array of numbers, or declares more than it can hold.
    """
    with read_as("a MATLAB file", path), path.open("rb") as file:
        arrays = {array.name: array for array in _arrays(file)}
        if name not in arrays:
            raise InputError(f"{path} has no array of numbers '{name}'; it holds {', '.join(arrays) or 'none'}.")
        array = arrays[name]
        check_declared(f"{path}: {name}", array.shape, array.dtype.itemsize, array.length)
        return _numbers(array, _content(file, array))


def _arrays(file: BinaryIO) -> Iterator[_Array]:
    header = file.read(_HEADER)
    order = _ORDERS.get(header[126:])
    if order is None:
        raise ValueError("it has no header of version 5; have MATLAB save it with -v7")
    place = _HEADER
    while tag := file.read(_TAG):
        kind, length = struct.unpack(f"{order}II", tag)
        place += _TAG
        beginning = file.read(min(length, _BEGINNING))
        is_compressed = kind == _COMPRESSED
        if is_compressed:
            matrix = zlib.decompressobj().decompress(beginning, _BEGINNING)
            (kind,), beginning = struct.unpack_from(f"{order}I", matrix), matrix[_TAG:]
        if kind != _MATRIX:
            raise ValueError(f"the element at byte {place - _TAG:,} is no array")
        found = _array(beginning, order, place, length, is_compressed)
        if found is not None:
            yield found
        place += length
        file.seek(place)


def _array(content: bytes, order: str, place: int, length: int, is_compressed: bool) -> _Array | None:
    """What an element says of its array; ``None`` where that is of something other than numbers."""
    _, flags, at = _element(content, 0, order)
    word = struct.unpack_from(f"{order}I", flags)[0]
    stored = _CLASSES.get(word & 0xFF)
    if stored is None:
        return None
    _, sizes, at = _element(content, at, order)
    _, name, at = _element(content, at, order)
    if not name:  # what functions need, which MATLAB puts behind all else
        return None
    shape = tuple(np.frombuffer(sizes, f"{order}i4").tolist())
    dtype = np.dtype("?" if word >> 8 & _LOGICAL else stored)
    if word >> 8 & _COMPLEX:
        dtype = np.result_type(dtype, np.complex64)
    return _Array(name.decode("latin-1"), shape, dtype, at, order, place, length, is_compressed)


def _content(file: BinaryIO, array: _Array) -> bytes:
    """All of an array's element, behind the tag."""
    file.seek(array.place)
    content = file.read(array.length)
    if not array.is_compressed:
        return content
    stream = zlib.decompressobj()
    most = _TAG + _BEGINNING + 2 * (math.prod(array.shape) * array.dtype.itemsize + _TAG)
    content = stream.decompress(content, most)
    if not stream.eof:  # where the check sum is
        raise ValueError(f"{array.name} is cut short or longer than it declares")
    return content[_TAG:]


def _numbers(array: _Array, content: bytes) -> NDArray[Any]:
    at, parts = array.first, []
    for _ in range(2 if array.dtype.kind == "c" else 1):
        kind, part, at = _element(content, at, array.order)
        numbers = np.frombuffer(part, array.order + _STORED[kind]).reshape(array.shape, order="F")
        if array.dtype.kind in "biu" and numbers.dtype.kind == "f":
            raise ValueError(f"{array.name} of {array.dtype} is stored as {numbers.dtype}")
        parts.append(numbers)
    found = np.empty(array.shape, array.dtype, order="F")
    with np.errstate(over="ignore"):  # infinity is for those to refuse who ask for the array
        if array.dtype.kind == "c":
            found.real, found.imag = parts
        else:
            found[...] = parts[0]
    return found


def _element(content: bytes, at: int, order: str) -> tuple[int, bytes, int]:
    """The kind and content of the element at a place, and where the next is."""
    word, length = struct.unpack_from(f"{order}II", content, at)
    kind, start = word, at + _TAG
    if word >> 16:  # four bytes or less are within the tag
        kind, length, start = word & 0xFFFF, min(word >> 16, 4), at + _TAG // 2
    if start + length > len(content):
        raise ValueError("an element is cut short")
    return kind, content[start : start + length], at + _TAG if word >> 16 else start + length + -length % 8
