"""What instruments beside MR scanners measured, as problems: a real image of each slice."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from invdiff.bridges.instruments import Instrument
from invdiff.data.picture import Picture
from invdiff.data.recording import Recording
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.operators import LinearOperator
from invdiff.problem import Problem
from invdiff.reconstruction.cases.base import Cases, Image, as_tensor

NOISE = 0.01
"""Of measurements made from pictures, as a part of the largest number without it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class InstrumentCases(Cases):
    """A recording's slices; made by `instrument_cases`.

    Attributes:
        recording: with its noise level.
        instrument: by which it was made.
    """

    recording: Recording
    instrument: Instrument

    @property
    def measured(self) -> Recording:
        """What was measured of the slices that are reconstructed."""
        return self.recording.select(self.slices)

    @property
    def name(self) -> str:
        """The recording's."""
        return self.recording.name

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """Every pixel, bool ``(H, W)``."""
        return self.recording.sampled

    @property
    def is_complex(self) -> bool:
        """Never."""
        return False

    @property
    def noise_std(self) -> float:
        """The noise in each number of the measurement."""
        assert self.recording.noise_std is not None
        return self.recording.noise_std

    @property
    def empty(self) -> frozenset[int]:
        """Slices of which the measurement is zero."""
        return self.recording.empty & frozenset(self.slices)

    @property
    def has_ground_truth(self) -> bool:
        """Whether the recording brings one."""
        return self.recording.ground_truth is not None

    @property
    def seen_by(self) -> str:
        """How many numbers were measured of a slice."""
        numbers = self.recording.measurement[0].size
        return f", {numbers} numbers measured of each ({numbers / self.sampled.size:.2g} a pixel)"

    @cached_property
    def _operator(self) -> LinearOperator:
        return self.instrument.operator(self.recording.image_shape)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_operator"}

    def with_noise_times(self, times: float) -> Self:
        """The recording with another level."""
        return replace(self, recording=replace(self.recording, noise_std=times * self.noise_std))

    def _measurement_of(self, number: int) -> torch.Tensor:
        return as_tensor(self.recording.measurement[number].reshape(self._operator.codomain_shape))

    def _problem(self, number: int) -> Problem:
        return Problem(self._operator, self._measurement_of(number), self.noise_std)

    def zero_filled_of(self, number: int) -> Image:
        """What is shown of a slice without a prior, ``(H, W)``."""
        if number in self.empty:
            return np.zeros(self.recording.image_shape, np.float32)
        image: Image = self.instrument.simple_image(self._operator, self._measurement_of(number)).numpy()
        return image

    def ground_truth_of(self, number: int) -> Image | None:
        """The slice that was measured, ``(H, W)``."""
        return None if self.recording.ground_truth is None else self.recording.ground_truth[number]

    def _digest(self, number: int) -> str:
        return digest_of(self.operator, self.instrument, self.recording.digest(number))


def instrument_cases(
    measured: Picture | Recording,
    operator: str,
    instrument: Instrument,
    *,
    noise_std: float | None = None,
    seed: int = 0,
) -> InstrumentCases:
    """The problems of what an instrument measured; of a picture, it is made to measure it, with noise.

    Args:
        measured: as read.
        operator: the kind of problem.
        instrument: by which it was, or is, measured.
        noise_std: in each number of the measurement, in its units, instead of what the file says. Of a picture, without
            it, a hundredth of the largest number measured.
        seed: of the noise that pictures get.

    Raises:
        InputError: the instrument can't measure such images, or does not make such measurements, the picture is complex
            or has unknown pixels, or the noise level is not known, negative or not finite.
    """
    if isinstance(measured, Picture):
        recording = _recorded(measured, instrument, noise_std, seed)
    else:
        recording = measured if noise_std is None else replace(measured, noise_std=noise_std)
        made = instrument.measurement_shape(recording.image_shape)
        if recording.measurement.shape[1:] != made:
            height, width = recording.image_shape
            raise InputError(
                f"{recording.name}: the measurement has shape {recording.measurement.shape}, but {instrument!r} makes "
                f"(slices, {', '.join(map(str, made))}) of images of {height} x {width}."
            )
    if recording.noise_std is None:
        raise InputError(f"{recording.name} has no noise_std; give it in the file, or by --noise-std.")
    slices = tuple(range(recording.slices))
    return InstrumentCases(
        operator=operator, slices=slices, geometry=recording.geometry, recording=recording, instrument=instrument
    )


def _recorded(picture: Picture, instrument: Instrument, noise_std: float | None, seed: int) -> Recording:
    truth = picture.image if picture.ground_truth is None else picture.ground_truth
    if np.iscomplexobj(truth):
        raise InputError(f"{picture.name} is complex, but these instruments measure real images; give its magnitude.")
    if not picture.sampled.all():
        raise InputError(f"{picture.name} has unknown pixels, so it can't be measured; fill them first.")
    clean = instrument.operator(picture.image_shape)(as_tensor(truth.astype(np.float32))).numpy()
    clean = clean.reshape(len(clean), *instrument.measurement_shape(picture.image_shape))
    level = NOISE * float(np.abs(clean).max()) if noise_std is None else noise_std
    made = Recording(clean, picture.image_shape, level, truth, picture.name, picture.geometry)
    noise = [np.random.default_rng([seed, k]).standard_normal(clean.shape[1:]) for k in range(len(clean))]
    is_seen = truth.any(axis=(1, 2)).reshape(-1, *[1] * (clean.ndim - 1))
    return replace(made, measurement=(clean + is_seen * level * np.stack(noise)).astype(np.float32))
