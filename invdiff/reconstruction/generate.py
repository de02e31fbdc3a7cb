"""Draw samples of a prior alone, kept as those of a reconstruction are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.diffusion import Sampler
from invdiff.diffusion.bound import check_samples
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
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


@dataclass(frozen=True, eq=False)
class Generation:
    """Samples of a prior that are asked for, drawn as `Sampler.generate` draws them: each depends on the seed and its
    own index alone.

    Attributes:
        sampler: what draws them; without guidance or steps that need a measurement.
        prior: what images look like.
        shape: (H, W) of an image.
        samples: how many.
        seed: of the random numbers.
        attributes: more to record.

    Raises:
        InputError: ``samples`` or a side of the shape is not positive, or parts do not fit or need a measurement.
    """

    sampler: Sampler
    prior: Prior
    shape: tuple[int, int]
    samples: int = 16
    seed: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_samples(self.samples)
        self._drawing.bound(0)

    @cached_property
    def _drawing(self) -> Drawing:
        return Drawing(Unmeasured(self.shape), self.sampler, self.prior, self.seed)

    @property
    def recorded(self) -> dict[str, Any]:
        """What is recorded with the samples; ``fingerprint`` is of all that decides them."""
        intensity, key = self.prior.intensity, self._drawing.key(0)
        scale = {} if intensity is None else {f"intensity_{name}": value for name, value in vars(intensity).items()}
        said = {"sde": repr(self.sampler.sde), "steps": self.sampler.grid.steps, "count": self.samples}
        said |= {"size": "x".join(map(str, self.shape)), "fingerprint": digest_of(key, self.samples)}
        said["prior_weights"] = digest_of(*(tensor.cpu().numpy() for tensor in self.prior.tensors()))
        return {**provenance(self.sampler, self.prior, self.seed), **said, **scale, **self.attributes}

    def __call__(
        self,
        *,
        keep: str | os.PathLike[str] | None = None,
        executor: Executor = HERE,
        progress: Progress | None = None,
    ) -> Generated:
        """Draw them.

        Args:
            keep: a folder for finished samples. A later run of the same takes them from there; remove it when the
                result is safe.
            executor: where to compute.
            progress: called with (iterations done, iterations in all).

        Raises:
            InputError: a run diverges, or ``keep`` can't be written.
        """
        store = MemoryStore() if keep is None else FolderStore(keep)
        for failure in draw(self._drawing, store, self.samples, executor=executor, progress=progress).values():
            raise InputError(failure)
        images = samples_of(store, 0, self._drawing.key(0), range(self.samples)).images
        return Generated(images, self.recorded)
