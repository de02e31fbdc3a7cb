"""What a reconstruction is, on disk."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.atomic import atomic
from invdiff.errors import InputError

Image = NDArray[np.inexact]


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Samples of every slice, in the file's own units.

    Attributes:
        samples: complex64 ``(slices, samples, H, W)``.
        zero_filled: complex64 ``(slices, H, W)``, Aᴴ y.
        ground_truth: the same of the truth, where there is one.
        attributes: operator, method, versions, scale of each slice, seed and so on: numbers, texts and arrays.
    """

    samples: NDArray[np.complex64]
    zero_filled: NDArray[np.complex64]
    ground_truth: NDArray[np.complex64] | None
    attributes: Mapping[str, Any]

    @property
    def mean(self) -> NDArray[np.complex64]:
        """Mean of the samples, ``(slices, H, W)``."""
        mean: NDArray[np.complex64] = self.samples.mean(axis=1)
        return mean

    @property
    def std(self) -> NDArray[np.float32]:
        """Pixelwise standard deviation of the samples, real ``(slices, H, W)``; zero for a single sample."""
        count = self.samples.shape[1]
        squares = np.abs(self.samples - self.mean[:, None]) ** 2
        std: NDArray[np.float32] = np.sqrt(squares.sum(axis=1) / max(count - 1, 1)).astype(np.float32)
        return std

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write HDF5 with ``mean``, ``std``, ``samples``, ``zero_filled`` and, where known, ``ground_truth``; whole or
        not at all.

        Raises:
            InputError: the folder can't be written to.
        """
        import h5py

        with atomic(Path(path)) as temporary, h5py.File(temporary, "w") as file:
            for name in ("mean", "std", "samples", "zero_filled", "ground_truth"):
                array = getattr(self, name)
                if array is not None:
                    file[name] = array
            file.attrs.update(self.attributes)


def read_mean(path: str | os.PathLike[str]) -> NDArray[np.complex64]:
    """The ``mean`` of a written reconstruction, ``(slices, H, W)`` in its file's units.

    Raises:
        InputError: there is no such file, or it holds no mean.
    """
    import h5py

    path = Path(path)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {kind}; give the path of a reconstruction.h5 of invdiff.")
    try:
        with h5py.File(path) as file:
            mean = file.get("mean")
            if isinstance(mean, h5py.Dataset) and mean.ndim == 3 and mean.dtype.kind in "fc":
                return np.asarray(mean[()], np.complex64)
    except (OSError, RuntimeError) as error:  # what h5py raises for files that are cut short or damaged
        raise InputError(f"{path} can't be read as HDF5: {error}.") from error
    raise InputError(f"{path} has no dataset 'mean' of shape (slices, H, W); give a reconstruction.h5 of invdiff.")
