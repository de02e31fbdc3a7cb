"""What a reconstruction is, on disk."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.atomic import atomic

Image = NDArray[np.inexact]


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """An image of every slice, posterior samples, or both, in the file's own units.

    Attributes:
        samples: complex64 ``(slices, samples, H, W)``, with no samples where an estimate alone was made.
        zero_filled: complex64 ``(slices, H, W)``, Aᴴ y.
        ground_truth: the same of the truth, where there is one.
        attributes: operator, method, versions, scale of each slice, seed and so on: numbers, texts and arrays.
        estimate: the image of a method that makes one and no samples, complex64 ``(slices, H, W)``.
    """

    samples: NDArray[np.complex64]
    zero_filled: NDArray[np.complex64]
    ground_truth: NDArray[np.complex64] | None
    attributes: Mapping[str, Any]
    estimate: NDArray[np.complex64] | None = None

    def as_estimate(self) -> Self:
        """The one sample that a method of a single image made, taken for what it is: an estimate."""
        return replace(self, samples=self.samples[:, :0], estimate=self.samples[:, 0])

    def with_samples(self, drawn: "Reconstruction") -> Self:
        """This image beside the posterior samples of another method, whose attributes are kept as ``samples_...``."""
        how = {f"samples_{name}": drawn.attributes[name] for name in ("method", "sampler", "nfe")}
        return replace(self, samples=drawn.samples, attributes={**self.attributes, **how})

    @property
    def image(self) -> NDArray[np.complex64]:
        """The best image that there is, ``(slices, H, W)``: the estimate, or else the mean of the samples."""
        return self.mean if self.estimate is None else self.estimate

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
        """Write HDF5 with ``image``, ``zero_filled`` and, where there are any, ``estimate``, ``samples`` with their
        ``mean`` and ``std``, and ``ground_truth``; whole or not at all.

        Raises:
            InputError: the folder can't be written to.
        """
        import h5py

        with atomic(Path(path)) as temporary, h5py.File(temporary, "w") as file:
            of_samples = ("mean", "std", "samples") if self.samples.shape[1] else ()
            for name in ("image", "estimate", *of_samples, "zero_filled", "ground_truth"):
                array = getattr(self, name)
                if array is not None:
                    file[name] = array
            file.attrs.update(self.attributes)


def read_reconstructed(path: str | os.PathLike[str]) -> NDArray[np.complex64]:
    """The ``image`` of a written reconstruction, ``(slices, H, W)`` in its file's units.

    Raises:
        InputError: there is no such file, or it holds no image.
    """
    import h5py

    path = Path(path)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {kind}; give the path of a reconstruction.h5 of invdiff.")
    try:
        with h5py.File(path) as file:
            image = file.get("image")
            if isinstance(image, h5py.Dataset) and image.ndim == 3 and image.dtype.kind in "fc":
                return np.asarray(image[()], np.complex64)
    except (OSError, RuntimeError) as error:  # what h5py raises for files that are cut short or damaged
        raise InputError(f"{path} can't be read as HDF5: {error}.") from error
    raise InputError(f"{path} has no dataset 'image' of shape (slices, H, W); give a reconstruction.h5 of invdiff.")
