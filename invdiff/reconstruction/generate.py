"""Draw samples of a prior alone, kept as those of a reconstruction are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.diffusion import Sampler
from invdiff.errors import InputError
from invdiff.files.hdf5 import write_attributes, writing
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.draw import HERE, Progress, draw, provenance
from invdiff.reconstruction.executors import Executor
from invdiff.reconstruction.store import FolderStore, MemoryStore, samples_of
from invdiff.reconstruction.units import Arrays, Drawing


@dataclass(frozen=True, eq=False)
class Generated:
    """Samples of a prior, in its own units.

    Attributes:
        samples: complex64 or float32 ``(samples, H, W)``.
        attributes: sampler, seed, network calls, versions, the prior's intensity scale and so on.
    """

    samples: NDArray[np.inexact]
    attributes: Mapping[str, Any]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write HDF5 with the dataset ``samples``; whole or not at all.

        Raises:
            InputError: it can't be written.
        """
        with writing(path) as file:
            file["samples"] = self.samples
            write_attributes(file, self.attributes)


@dataclass(frozen=True)
class Unmeasured:
    """An image of which nothing was measured, number zero.

    Attributes:
        shape: (H, W).
    """

    shape: tuple[int, int]

    @property
    def full(self) -> tuple[int]:
        """The one number."""
        return (0,)

    def problem(self, number: int) -> Problem:
        """Nothing.

        Raises:
            InputError: a side of the shape is not positive.
        """
        return Problem.unmeasured(self.shape)

    def fingerprint(self, number: int) -> str:
        """The shape."""
        return str(self.shape)

    def one_image(self, images: NDArray[np.inexact], number: int) -> NDArray[np.inexact]:
        """The images."""
        return images

    def beside(self, number: int) -> Arrays:
        """Nothing."""
        return {}


def generate(
    sampler: Sampler,
    prior: Prior,
    shape: tuple[int, int],
    *,
    samples: int = 16,
    seed: int = 0,
    keep: str | os.PathLike[str] | None = None,
    executor: Executor = HERE,
    progress: Progress | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Generated:
    """Samples of a prior, as `Sampler.generate` draws them.

    A sample depends on the seed and its own index alone.

    Args:
        sampler: what draws them; without guidance or steps that need a measurement.
        prior: what images look like.
        shape: (H, W) of an image.
        samples: how many.
        seed: of the random numbers.
        keep: a folder for finished samples. A later run of the same sampler, prior and seed takes them from there;
            remove it when the result is safe.
        executor: where to compute.
        progress: called with (iterations done, iterations in all).
        attributes: more to record.

    Raises:
        InputError: ``samples`` or a side of the shape is not positive, parts do not fit or need a measurement, a run
            diverges, or ``keep`` can't be written.
    """
    store = MemoryStore() if keep is None else FolderStore(keep)
    drawing = Drawing(Unmeasured(shape), sampler, prior, seed)
    for failure in draw(drawing, store, samples, executor=executor, progress=progress).values():
        raise InputError(failure)
    images, _ = samples_of(store, 0, drawing.key(0), range(samples))
    intensity = prior.intensity
    scale = {} if intensity is None else {f"intensity_{name}": value for name, value in vars(intensity).items()}
    recorded = {**provenance(sampler, prior, seed), "sde": repr(sampler.sde), "steps": sampler.grid.steps, **scale}
    return Generated(images, {**recorded, **(attributes or {})})
