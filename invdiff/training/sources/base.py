"""What a set of training images is."""

from abc import ABC, abstractmethod
from typing import Any, Literal

from numpy.typing import NDArray
from torch.utils.data import Dataset

from invdiff.errors import InputError
from invdiff.priors import Intensity

Split = Literal["train", "val"]


class Images(Dataset[NDArray[Any]], ABC):
    """Images to train on, each float32 or complex64 ``(H, W)`` in the units of training; their sizes may differ.

    Attributes:
        intensity: which percentile of the magnitude was brought to which value.
        skipped: a sentence for each thing that was left out, and why.
    """

    intensity: Intensity
    skipped: tuple[str, ...] = ()

    @abstractmethod
    def __len__(self) -> int:
        """How many images there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> NDArray[Any]:
        """One image ``(H, W)``, float32 or complex64."""


def check_there_are_images(images: Images, validation: Images) -> None:
    """Raise ``InputError`` unless there is an image to train on and one to validate on."""
    for purpose, given in (("train", images), ("validate", validation)):
        if not len(given):
            raise InputError(f"There is no image to {purpose} on: the {type(given).__name__} given for it is empty.")
