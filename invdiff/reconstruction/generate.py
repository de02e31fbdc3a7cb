"""Draw samples of a prior alone, kept as those of a reconstruction are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.diffusion import Problem, Sampler
from invdiff.files.hdf5 import write_attributes, writing
from invdiff.priors import Prior
from invdiff.reconstruction.draw import Progress, draw, provenance


@dataclass(frozen=True, eq=False)
class Generated:
    """Samples of a prior, in its own units.

    Attributes:
        samples: complex64 or float32 ``(samples, H, W)``.
        attributes: sampler, seed, network calls, versions, the prior's intensity scale and so on.
    """

    samples: NDArray[np.complex64] | NDArray[np.float32]
    attributes: Mapping[str, Any]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write HDF5 with the dataset ``samples``; whole or not at all.

        Raises:
            InputError: the folder can't be written to, there is no room, or an attribute is too large.
        """
        with writing(path) as file:
            file["samples"] = self.samples
            write_attributes(file, self.attributes)


def generate(
    sampler: Sampler,
    prior: Prior,
    shape: tuple[int, int],
    *,
    samples: int = 16,
    seed: int = 0,
    keep: str | os.PathLike[str] | None = None,
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
        keep: a file for finished samples. A later run of the same sampler, prior and seed takes them from there;
            delete it when the result is safe.
        progress: called with (iterations done, iterations in all).
        attributes: more to record.

    Raises:
        InputError: ``samples`` or a side of the shape is not positive, parts do not fit or need a measurement, a run
            diverges, or ``keep`` can't be written.
    """
    nothing = Problem.unmeasured(shape, device=prior.device)
    images = draw({0: nothing}, sampler, prior, samples=samples, seed=seed, keep=keep, progress=progress)[0]
    intensity = prior.intensity
    scale = {} if intensity is None else {f"intensity_{name}": value for name, value in vars(intensity).items()}
    recorded = {**provenance(sampler, prior, seed), "sde": repr(sampler.sde), "steps": sampler.grid.steps, **scale}
    return Generated(images, {**recorded, **(attributes or {})})
