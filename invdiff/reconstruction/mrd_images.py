"""Written reconstructions as a stream of MRD 2, for the next program of a pipe."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from invdiff.errors import InputError
from invdiff.files.hdf5 import attributes_of, find_numbers, reading

_SERIES = {"image": "the best image", "std": "standard deviation of the posterior samples"}
"""Data sets that are passed on, each a series of its own, and what they are."""


def write_mrd_images(stream: IO[bytes], results: Sequence[Path], header: Any = None) -> None:
    """Write every slice's image (complex) and, where samples were drawn, their standard deviation (real).

    Rows and columns are those of MRD: x is the readout, axis -2 of a reconstruction.

    Args:
        stream: to write to.
        results: paths of ``reconstruction.h5`` files.
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
        writer.write_data(item for path in results for item in _items(mrd, path))


def _items(mrd: Any, path: Path) -> Iterator[Any]:
    with reading(path) as file:
        method = str(attributes_of(file).get("method", ""))
        volumes = {name: numbers for name in _SERIES if (numbers := find_numbers(file, name)) is not None}
        numbers = find_numbers(file, "slice")
        for series, (name, volume) in enumerate(volumes.items()):
            for k in range(len(volume)):
                image = np.ascontiguousarray(volume[k].T[None, None])
                is_complex = np.iscomplexobj(image)
                head = mrd.ImageHeader(
                    image_type=mrd.ImageType.COMPLEX if is_complex else mrd.ImageType.MAGNITUDE,
                    slice=k if numbers is None else int(numbers[k]),
                    image_index=k,
                    image_series_index=series,
                )
                said = {"ImageComment": _SERIES[name], "invdiff_method": method}
                meta = {key: [mrd.ImageMetaValue.String(value)] for key, value in said.items()}
                case = mrd.StreamItem.ImageComplexFloat if is_complex else mrd.StreamItem.ImageFloat
                yield case(mrd.Image(head=head, data=image, meta=meta))
