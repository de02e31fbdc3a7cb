"""Written reconstructions as a stream of MRD 2, for the next program of a pipe."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.series import Series
from invdiff.errors import InputError
from invdiff.files.hdf5 import attributes_of, find_numbers, reading

if TYPE_CHECKING:
    import h5py

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
    with reading(path) as file:
        method = str(attributes_of(file).get("method", ""))
        volumes = {name: numbers for name in _SERIES if (numbers := find_numbers(file, name)) is not None}
        numbers, lies = find_numbers(file, "slice"), _geometry(file)
        for series, (name, volume) in enumerate(volumes.items()):
            for k in range(len(volume)):
                image = np.ascontiguousarray(volume[k].T[None, None])
                is_complex = np.iscomplexobj(image)
                head = mrd.ImageHeader(
                    image_type=mrd.ImageType.COMPLEX if is_complex else mrd.ImageType.MAGNITUDE,
                    slice=k if numbers is None else int(numbers[k]),
                    image_index=k,
                    image_series_index=series,
                    **{loop: getattr(measurement, loop) for loop in ("contrast", "repetition", "phase", "set")},
                    **{name: array if array.ndim == 1 else array[k] for name, array in lies.items()},
                )
                said = {"ImageComment": _SERIES[name], "invdiff_method": method}
                meta = {key: [mrd.ImageMetaValue.String(value)] for key, value in said.items()}
                case = mrd.StreamItem.ImageComplexFloat if is_complex else mrd.StreamItem.ImageFloat
                yield case(mrd.Image(head=head, data=image, meta=meta))


def _geometry(file: "h5py.File") -> dict[str, NDArray[np.float32]]:
    """What an image's head says of where it lies, as far as the result tells; of each slice, or once."""
    said, found = attributes_of(file), {}
    if "field_of_view_mm" in said:
        thickness = said.get("slice_thickness_mm", 0.0)
        found["field_of_view"] = np.array([*said["field_of_view_mm"], thickness], np.float32)
    position, directions = find_numbers(file, "position_mm"), find_numbers(file, "directions")
    if position is not None and directions is not None:
        axes = np.moveaxis(np.asarray(directions[()], np.float32), 1, 0)
        found |= {"position": np.asarray(position[()], np.float32)}
        found |= dict(zip(("col_dir", "line_dir", "slice_dir"), axes, strict=True))
    return found
