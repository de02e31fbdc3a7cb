"""The XML header of ISMRMRD data (Inati et al., Magnetic Resonance in Medicine 77, 2017)."""

import warnings
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from invdiff.data.geometry import Geometry, Plane, is_size
from invdiff.errors import InputError

_ALIKE = 1e-2  # voxels that differ by less, in parts of their size, are the same


@dataclass(frozen=True)
class _Space:
    """What a header tells of the encoded or the recon space along x, y and z; None where it is missing, zero or none.

    Attributes:
        matrix: pixels.
        field_of_view: mm.
    """

    matrix: tuple[int | None, ...]
    field_of_view: tuple[float | None, ...]

    def voxel(self, axis: int) -> float | None:
        """Its size along an axis, in mm."""
        pixels, length = self.matrix[axis], self.field_of_view[axis]
        return None if pixels is None or length is None else length / pixels


def geometry_of(
    path: Path,
    xml: str,
    shape: tuple[int, int],
    planes: tuple[Plane, ...] | None = None,
    axes: tuple[int, int, int] = (0, 1, 2),
) -> Geometry | None:
    """The geometry that a header tells of an image; None where it tells none, or the library that reads it is missing.

    Where the grid has as many pixels as the recon matrix and not the encoded one, of the same size in both, its
    oversampling was taken out after the header was written, and its field of view is that of the recon space.

    Args:
        path: of the header's file.
        xml: the header.
        shape: (H, W) of the image.
        planes: of every slice, where known.
        axes: which of x, y and z are H, W, and across slices.

    Raises:
        InputError: it is no such header.
    """
    encoded, recon = _spaces(path, xml)
    height, width = (_length(size, axis, encoded, recon) for axis, size in zip(axes, shape, strict=False))
    if height is None or width is None:
        return None
    x, y = (recon.matrix[axis] for axis in axes[:2])
    x_mm, y_mm = (recon.field_of_view[axis] for axis in axes[:2])
    return Geometry(
        shape,
        (height, width),
        encoded.voxel(axes[2]),
        None if x_mm is None or y_mm is None else (x_mm, y_mm),
        None if x is None or y is None else (x, y),
        planes,
    )


def wanted_along(path: Path, xml: str, size: int, axis: int) -> int:
    """How many pixels of a grid about its middle belong to the recon field of view, along x, y or z; all, where a
    header does not tell, or the library that reads it is missing.

    Args:
        path: of the header's file.
        xml: the header.
        size: pixels of the grid.
        axis: 0, 1 or 2.

    Raises:
        InputError: it is no such header.
    """
    encoded, recon = _spaces(path, xml)
    whole, part = _length(size, axis, encoded, recon), recon.field_of_view[axis]
    return size if whole is None or part is None or part >= whole else max(1, round(size * (part / whole)))


def _length(size: int, axis: int, encoded: _Space, recon: _Space) -> float | None:
    """The field of view of a grid of so many pixels along an axis, in mm."""
    if size == encoded.matrix[axis]:
        return encoded.field_of_view[axis]
    if size != recon.matrix[axis] or not _same_voxel(encoded, recon, axis):
        return None
    return recon.field_of_view[axis]


@lru_cache(maxsize=8)  # every slice that is read by itself asks for those of its file
def _spaces(path: Path, xml: str) -> tuple[_Space, _Space]:
    """The encoded space and the recon space; nothing of either where the library that reads them is missing."""
    try:
        import ismrmrd
    except ImportError:
        return _space(None), _space(None)
    encoding = parse_header(path, ismrmrd, xml).encoding[0]
    return _space(encoding.encodedSpace), _space(encoding.reconSpace)


def _space(given: Any) -> _Space:
    matrix, lengths = getattr(given, "matrixSize", None), getattr(given, "fieldOfView_mm", None)
    pixels = (getattr(matrix, axis, None) for axis in "xyz")
    return _Space(
        tuple(n if isinstance(n, int) and is_size(n) else None for n in pixels),
        tuple(n if is_size(n) else None for n in (getattr(lengths, axis, None) for axis in "xyz")),
    )


def image_grids(path: Path, xml: str) -> tuple[list[tuple[int, int]], tuple[float, float] | None]:
    """The matrix (x, y) of images of samples on no grid, then the encoded one, and the sides of a pixel in mm, None
    where unknown. The image's is that of the recon space, where pixels are those of the encoded one, so that an
    oversampled readout adds nothing to it.

    Raises:
        InputError: it is no header, or has no matrix.
    """
    encoded, recon = _spaces(path, xml)
    alike = (_same_voxel(encoded, recon, axis) for axis in (0, 1))
    space = recon if all(alike) else encoded
    grids = [(x, y) for x, y, _ in (space.matrix, encoded.matrix) if x is not None and y is not None]
    if not grids:
        raise InputError(f"{path}: the ISMRMRD header gives no matrix, so the size of the image is not known.")
    sides = space.voxel(0), space.voxel(1)
    return grids, None if sides[0] is None or sides[1] is None else (sides[0], sides[1])


def _same_voxel(encoded: _Space, recon: _Space, axis: int) -> bool:
    voxel, other = encoded.voxel(axis), recon.voxel(axis)
    return voxel is not None and other is not None and abs(voxel - other) <= _ALIKE * voxel


def encoded_matrix(path: Path, xml: str) -> tuple[int, int, int]:
    """The encoded matrix (x, y, z) of a header; of ones where the library that reads it is missing.

    Raises:
        InputError: it is no such header.
    """
    x, y, z = (n or 1 for n in _spaces(path, xml)[0].matrix)
    return x, y, z


def matrix_of(path: Path, space: Any) -> tuple[int, int, int]:
    """The matrix (x, y, z) of an encoding's space.

    Raises:
        InputError: its sizes are none.
    """
    size = getattr(space, "matrixSize", None)
    found = (getattr(size, "x", None), getattr(size, "y", None), getattr(size, "z", None))
    x, y, z = found
    if not (isinstance(x, int) and isinstance(y, int) and isinstance(z, int) and min(x, y, z) > 0):
        raise InputError(f"{path}: the ISMRMRD header gives the matrix {found}; its x, y and z must be sizes.")
    return x, y, z


def parse_header(path: Path, ismrmrd: Any, xml: str) -> Any:
    """A header as the library's own objects.

    Args:
        path: of its file.
        ismrmrd: the library.
        xml: the header.

    Raises:
        InputError: it is no such header, or describes no encoding.
    """
    try:
        if "<!" in xml.replace("<!--", "").replace("<![CDATA[", ""):
            raise ValueError("it declares entities, which may stand for other files and for any amount of text")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values of the wrong kind stay text, and those that matter are looked at
            header = _parser().from_string(xml, ismrmrd.xsd.ismrmrdHeader)
    except Exception as error:  # the generated parser has no exception of its own
        raise InputError(f"{path}: the ISMRMRD header can't be parsed: {error}.") from error
    if not header.encoding:
        raise InputError(f"{path}: the ISMRMRD header describes no encoding.")
    return header


def _parser() -> Any:
    """That of the library ``ismrmrd``, but content with headers that lack what the schema asks for, and with what a
    later one adds: which parts are needed, who needs them says."""
    from xsdata.formats.dataclass.parsers import XmlParser
    from xsdata.formats.dataclass.parsers.config import ParserConfig

    return XmlParser(config=ParserConfig(fail_on_unknown_properties=False, class_factory=_incomplete))


def _incomplete(kind: type[Any], given: dict[str, Any]) -> Any:
    needed = (field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING)
    return kind(**{name: None for name in needed if name not in given}, **given)
