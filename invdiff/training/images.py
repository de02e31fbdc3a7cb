"""Images to train on: the sources that a configuration names, and any data set of one's own."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.utils.data import Dataset

from invdiff.errors import InputError
from invdiff.priors import Intensity
from invdiff.training.sources.base import Images, Split
from invdiff.training.sources.bids import BidsImages
from invdiff.training.sources.dicom import DicomImages
from invdiff.training.sources.fastmri import FastMRIImages
from invdiff.training.sources.grouped import GroupedImages
from invdiff.training.sources.nifti import NiftiImages
from invdiff.training.sources.npy import NpyImages
from invdiff.training.sources.phantoms import PhantomImages

__all__ = [
    "BidsImages",
    "DatasetImages",
    "DicomImages",
    "FastMRIImages",
    "GroupedImages",
    "Images",
    "ImagesConfig",
    "NiftiImages",
    "NpyImages",
    "PhantomImages",
    "Split",
]

ImagesConfig = Annotated[
    FastMRIImages | BidsImages | NiftiImages | DicomImages | NpyImages | GroupedImages | PhantomImages,
    Field(discriminator="kind"),
]


class DatasetImages(Images):
    """Any map-style torch data set as training images; it is scaled by nobody.

    Args:
        dataset: of arrays or tensors: real ``(H, W)`` or ``(1, H, W)``, complex ``(H, W)``, or ``(2, H, W)`` of real
            and imaginary part.
        intensity: the scale that its images have: which percentile of the magnitude is about which value.
    """

    def __init__(self, dataset: Dataset[Any], intensity: Intensity) -> None:
        self.intensity = intensity
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)  # type: ignore[arg-type] # torch declares no length, but map-style data sets have one

    def __getitem__(self, index: int) -> NDArray[Any]:
        """One image ``(H, W)``.

        Raises:
            InputError: it has another shape, is no numbers, or is not finite.
        """
        item = self._dataset[index]
        array = np.asarray(item.detach().cpu().resolve_conj() if isinstance(item, Tensor) else item)
        if array.ndim == 3 and len(array) == 2 and array.dtype.kind == "f":
            array = array[0] + 1j * array[1]
        if array.ndim == 3 and len(array) == 1:
            array = array[0]
        if array.ndim != 2 or array.dtype.kind not in "buifc" or not np.isfinite(array).all():
            raise InputError(
                f"Image {index} of the {type(self._dataset).__name__} is {array.dtype} of shape {array.shape}"
                f"{' with NaN or infinity' if array.dtype.kind in 'fc' and not np.isfinite(array).all() else ''}; "
                "images are finite numbers (H, W), (1, H, W), or (2, H, W) of real and imaginary part."
            )
        return array.astype(np.complex64 if array.dtype.kind == "c" else np.float32)
