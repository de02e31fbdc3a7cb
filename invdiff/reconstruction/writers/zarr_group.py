"""All images and samples as a group of Zarr, which programs read piece by piece."""

from pathlib import Path

import numpy as np

from invdiff.data.formats.geometry_arrays import planes_of, sizes_of
from invdiff.reconstruction.writers.description import described
from invdiff.reconstruction.written_result import WrittenResult


def write(result: WrittenResult, path: Path) -> tuple[str, ...]:
    """Write a group (Zarr version 3) of the arrays that reconstruction.h5 has, by the same names, with one image a
    chunk; what is known of the geometry and of the course of the runs stands beside them, and how the result was made
    in the group's attributes.

    Raises:
        InputError: the result is damaged.
    """
    import zarr

    geometry = result.geometry
    lies = {} if geometry is None else {**sizes_of(geometry), **planes_of(geometry)}
    group = zarr.open_group(path, mode="w", attributes=described(result))
    for name, stored in result.arrays.items():
        kind = np.dtype(np.complex64 if stored.dtype.kind == "c" else np.float32)
        chunk = (*[1] * (stored.ndim - 2), *stored.shape[-2:])
        array = group.create_array(name, shape=stored.shape, chunks=chunk, dtype=kind)
        for row in range(len(stored)):
            array[row] = result.volume(name, [row])[0]
    beside = {**result.numbers, **lies}
    for of in result.courses:
        beside |= result.course(of).arrays(of)
    for name, numbers in beside.items():
        group.create_array(name, data=np.asarray(numbers))
    return ()
