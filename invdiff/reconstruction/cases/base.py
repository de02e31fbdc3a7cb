"""What was measured, as the problems that a sampler solves: an image of each slice."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, overload

import numpy as np
import torch
from numpy.typing import NDArray

from invdiff.data.coils import one_image
from invdiff.data.geometry import Geometry, Number
from invdiff.data.held_out import held_out
from invdiff.data.picture import Picture
from invdiff.data.recording import Recording
from invdiff.data.scan import CoilData
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.notebook import card
from invdiff.problem import Problem
from invdiff.reconstruction.preparation import Preparation

Image = NDArray[np.inexact]


@dataclass(frozen=True, eq=False, repr=False)
class Cases(ABC):
    """The images to reconstruct from one file, each made a problem when it is needed.

    Attributes:
        operator: the kind of problem, of `invdiff.reconstruction.KINDS`.
        slices: numbers of the file's slices that are reconstructed.
        initial: images ``(slices, H, W)`` in the file's units that late starts can begin from, or ``None``.
        preparation: what was done to a scan; ``None`` for pictures.
        geometry: of the slices that are reconstructed; ``None`` where unknown.

    Raises:
        InputError: the initial images are not of the slices' shape, or meet several map sets.
    """

    operator: str
    slices: tuple[int, ...]
    initial: Image | None = None
    preparation: Preparation | None = None
    geometry: Geometry | None = None

    def __post_init__(self) -> None:
        shape = (self.count, *self.sampled.shape)
        if self.initial is not None and self.initial.shape != shape:
            cut = self.initial.shape == self.shown(np.empty(shape, bool)).shape
            why = "; they were cut to the field of view, so make them with --keep-oversampling" if cut else ""
            raise InputError(
                f"The images to start from have shape {self.initial.shape}, but the slices have {shape}{why}."
            )
        if self.initial is not None and self.has_map_sets:
            raise InputError(
                f"{self.name} is seen through several map sets, with an image each, and an image to start "
                "from does not tell them apart; start from zero-filled or least-squares, or take --map-sets 1."
            )

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call it in tables and messages."""

    @property
    @abstractmethod
    def measured(self) -> CoilData | Picture | Recording:
        """All of it in memory, with noise level, maps and truth."""

    @property
    @abstractmethod
    def sampled(self) -> NDArray[np.bool_]:
        """What was seen, bool ``(H, W)``."""

    @property
    def density(self) -> NDArray[np.float32] | None:
        """How many samples lie near each position of k-space, ``(H, W)``; None where each lies at one."""
        return None

    @property
    @abstractmethod
    def is_complex(self) -> bool:
        """Whether the images are complex."""

    @property
    @abstractmethod
    def noise_std(self) -> float:
        """The noise in each real number of the measurement, as it is known."""

    @property
    @abstractmethod
    def empty(self) -> frozenset[int]:
        """Those of the slices of which nothing was seen, such as padding at the ends of a volume. Their images are
        zero."""

    @property
    @abstractmethod
    def has_ground_truth(self) -> bool:
        """Whether the images that were measured are known."""

    def hold_back(self, fraction: float, seed: int, least: int) -> NDArray[np.bool_]:
        """Samples to hold back: bool, of the shape of what the operator could sample.

        Args:
            fraction: of the lines, points or readouts outside the calibration region.
            seed: of the draw.
            least: so many at any rate.

        Raises:
            InputError: there are too few.
        """
        return held_out(self.sampled, fraction, seed, least=least)

    @property
    def has_map_sets(self) -> bool:
        """Whether several images overlap, each with coil maps of its own."""
        return False

    @property
    def target(self) -> str:
        """What the ground truth is: a part of every score."""
        return "the ground truth of the file"

    @property
    def seen_by(self) -> str:
        """By what it was measured, for the description: such as ``", 8 coils"``."""
        return ""

    @property
    def likeness(self) -> tuple[object, ...]:
        """Equal for cases whose slices take the same time and memory: kind of problem, shape and coils."""
        return self.operator, self.sampled.shape, self.seen_by, self.has_map_sets, self.initial is None

    @abstractmethod
    def with_noise_times(self, times: float) -> Self:
        """The same with a noise level that the data term takes for as many times what it is known to be.

        Args:
            times: above zero.
        """

    @abstractmethod
    def _problem(self, number: int) -> Problem:
        """The problem of a slice that holds something."""

    @abstractmethod
    def zero_filled_of(self, number: int) -> Image:
        """Aᴴ y of a slice, coils combined by least squares, ``(H, W)``."""

    @abstractmethod
    def ground_truth_of(self, number: int) -> Image | None:
        """The image of a slice that was measured, ``(H, W)``, where it is known."""

    @abstractmethod
    def _digest(self, number: int) -> str:
        """What decides the problem of a slice, but for the image to start from."""

    def problem(self, number: int) -> Problem:
        """The problem of a slice.

        Args:
            number: of the slice, which is not empty.

        Raises:
            InputError: the slice's coil maps can't be found.
        """
        problem = self._problem(number)
        if self.initial is None:
            return problem
        return replace(problem, initial=as_tensor(self.initial[self.slices.index(number)]))

    def fingerprint(self, number: int) -> str:
        """What decides the problem of a slice, in few words; looked at once."""
        if number not in self._fingerprints:
            initial = () if self.initial is None else (self.initial[self.slices.index(number)],)
            self._fingerprints[number] = digest_of(self._digest(number), *initial)
        return self._fingerprints[number]

    @cached_property
    def _fingerprints(self) -> dict[int, str]:
        return {}

    @property
    def count(self) -> int:
        """How many slices there are."""
        return len(self.slices)

    @cached_property
    def full(self) -> tuple[int, ...]:
        """Numbers of the slices that hold something.

        Raises:
            InputError: there are none.
        """
        full = tuple(number for number in self.slices if number not in self.empty)
        if not full:
            raise InputError(f"{self.name}: every slice is empty, so there is nothing to reconstruct.")
        return full

    def __iter__(self) -> Iterator[Problem]:
        """One problem for each slice that holds something."""
        return (self.problem(number) for number in self.slices if number not in self.empty)

    def __len__(self) -> int:
        """How many slices hold something, each a problem."""
        return sum(number not in self.empty for number in self.slices)

    def __bool__(self) -> bool:
        """Always true: cases whose slices are all empty are cases, too."""
        return True

    @overload
    def __getitem__(self, index: int) -> Problem: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Problem | Self:
        """A problem, or the cases of a range of them, counted as they are iterated over: those that hold something.

        Raises:
            InputError: there is no such problem, or none in the range.
        """
        if isinstance(index, slice):
            return self.of(self.full[index])
        if not -len(self) <= index < len(self):
            raise InputError(f"{self.name} has problems 0 to {len(self) - 1}; asked for {index}.")
        return self.problem(self.full[index])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.operator}, {self.description})"

    def _repr_html_(self) -> str:
        """What a notebook shows of it: Aᴴ y of the slice in the middle, whose coil maps that takes."""
        height, width = self.sampled.shape
        rows = {
            "slices": f"{self.count} of {height} x {width}{self.seen_by}",
            "acceleration": f"{self.sampled.size / np.count_nonzero(self.sampled):.2f}",
            "noise": f"{self.noise_std:.3g} in each real number",
            "truth": self.target if self.has_ground_truth else "unknown",
        }
        middle = self.full[len(self) // 2]
        return card(f"{self.operator}: {self.name}", rows, self.beside(middle))

    @property
    def description(self) -> str:
        """One line on what is reconstructed."""
        height, width = self.sampled.shape
        kept = (height, width) if self.geometry is None else self.geometry.cropped.shape
        wanted = "" if kept == (height, width) else f", of which {kept[0]} x {kept[1]} are the field of view"
        noise_std = self.noise_std if self.preparation is None else self.preparation.known_noise_std
        achieved = self.sampled.size / np.count_nonzero(self.sampled)
        empty = ", ".join(map(str, sorted(self.empty)))
        nothing_in = f" (empty: slice{'s' * (len(self.empty) > 1)} {empty})" if empty else ""
        sampling = "" if achieved == 1 else f"acceleration {achieved:.2f}, "
        return (
            f"{self.name}: {self.count} slice(s){nothing_in} of {height} x {width}{wanted}{self.seen_by}, {sampling}"
            f"noise {noise_std:.3g} in each real number"
        )

    def beside(self, number: int) -> dict[str, Image]:
        """What is kept with a slice's samples: Aᴴ y and, where it is known, the truth, ``(H, W)`` each."""
        truth = self.ground_truth_of(number)
        known = {} if truth is None else {"ground_truth": truth}
        return {"zero_filled": self.zero_filled_of(number), **known}

    @property
    def beside_nothing(self) -> dict[str, Image]:
        """The same of a slice of which nothing came: zero."""
        names = ("zero_filled", *(("ground_truth",) if self.has_ground_truth else ()))
        return dict.fromkeys(names, np.zeros(self.sampled.shape, np.complex64))

    def of(self, slices: Sequence[int]) -> Self:
        """Some of the slices, by their numbers, with what was learnt of all.

        Raises:
            InputError: there is no such slice, or none is asked for.
        """
        missing = [number for number in slices if number not in self.slices]
        if missing or not slices:
            raise InputError(
                f"{self.name} has slices {self.slices[0]} to {self.slices[-1]}; asked for {missing or 'none'}."
            )
        places = [self.slices.index(number) for number in slices]
        initial = None if self.initial is None else self.initial[places]
        geometry = None if self.geometry is None else self.geometry.select(places)
        return replace(self, slices=tuple(slices), initial=initial, geometry=geometry)

    def shown(self, images: NDArray[Number]) -> NDArray[Number]:
        """The part of images ``(..., H, W)`` that is wanted: the recon field of view, where it is known."""
        return images if self.geometry is None else self.geometry.part(images)

    @property
    def with_oversampling(self) -> Self:
        """The same, of which all that is measured is wanted."""
        return self if self.geometry is None else replace(self, geometry=self.geometry.uncropped)

    def one_image(self, images: Image, number: int) -> Image:
        """The images of several map sets, ``(..., sets, H, W)``, as one, ``(..., H, W)``; else as they are."""
        return one_image(images.astype(np.complex64)) if self.has_map_sets else images

    @property
    def zero_filled(self) -> Image:
        """Aᴴ y of every slice, coils combined by least squares: ``(slices, H, W)``."""
        return np.stack([self.zero_filled_of(number) for number in self.slices])

    @property
    def ground_truth(self) -> Image | None:
        """The images that were measured, ``(slices, H, W)``, where they are known."""
        truths = [self.ground_truth_of(number) for number in self.slices] if self.has_ground_truth else [None]
        known = [truth for truth in truths if truth is not None]
        return np.stack(known) if len(known) == self.count else None


def as_tensor(array: NDArray[Any]) -> torch.Tensor:
    """The array as a tensor in memory of torch's own, which is aligned: sums and FFTs are then the same bit for bit,
    whatever was in memory before."""
    return torch.from_numpy(np.ascontiguousarray(array)).clone()
