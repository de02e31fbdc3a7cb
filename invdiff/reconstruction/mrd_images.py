"""Written reconstructions as a stream of MRD 2, for the next program of a pipe."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry
from invdiff.data.series import Series
from invdiff.errors import InputError
from invdiff.reconstruction.written_result import written_result

_SERIES = {"image": "the best image", "std": "standard deviation of the posterior samples"}
"""Data sets that are passed on, each a series of its own, and what they are."""


def write_mrd_images(stream: IO[bytes], results: Sequence[tuple[Path, Series]], header: Any = None) -> None:
    """Write every slice's image (complex) and, where samples were drawn, their standard deviation (real).

    Rows and columns are those of MRD: x is the readout, axis -2 of a reconstruction.

    Args:
        stream: to write to.
        results: paths of ``reconstruction.h5`` files, and which measurement each is of: its numbers go with its images.
        header: of the stream that the measurement came in, to be handed on.

    Raises:
        InputError: the library that writes it is missing, or a result can't be read.
    """
    try:
        import mrd
    except ImportError as error:
        raise InputError("A stream of MRD 2 is written by mrd-python: pip install 'invdiff[formats]'.") from error
    with mrd.BinaryMrdWriter(stream) as writer:
        writer.write_header(header or mrd.Header())
        writer.write_data(item for path, series in results for item in _items(mrd, path, series))


def _items(mrd: Any, path: Path, measurement: Series) -> Iterator[Any]:
    with written_result(path) as result:
        method = str(result.attributes.get("method", ""))
        for series, name in enumerate(name for name in _SERIES if name in result.arrays):
            for k, number in enumerate(result.slices):
                image = np.ascontiguousarray(result.volume(name, [k])[0].T[None, None])
                is_complex = np.iscomplexobj(image)
                head = mrd.ImageHeader(
                    image_type=mrd.ImageType.COMPLEX if is_complex else mrd.ImageType.MAGNITUDE,
                    slice=number,
                    image_index=k,
                    image_series_index=series,
                    **{loop: getattr(measurement, loop) for loop in ("contrast", "repetition", "phase", "set")},
                    **_place(result.geometry, k),
                )
                said = {"ImageComment": _SERIES[name], "invdiff_method": method}
                meta = {key: [mrd.ImageMetaValue.String(value)] for key, value in said.items()}
                case = mrd.StreamItem.ImageComplexFloat if is_complex else mrd.StreamItem.ImageFloat
                yield case(mrd.Image(head=head, data=image, meta=meta))


def _place(geometry: Geometry | None, k: int) -> dict[str, NDArray[np.float32]]:
    """What an image's head says of where it lies, as far as that is known."""
    if geometry is None:
        return {}
    found = {"field_of_view": np.array([*geometry.field_of_view, geometry.slice_thickness or 0.0], np.float32)}
    if geometry.planes is not None:
        plane = geometry.planes[k]
        found["position"] = np.array(plane.position, np.float32)
        found |= dict(zip(("col_dir", "line_dir", "slice_dir"), plane.directions.astype(np.float32), strict=True))
    return found
