"""Reconstruct every case of a file."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from invdiff.data.coils import one_image
from invdiff.data.masks import achieved_acceleration
from invdiff.diffusion import Sampler
from invdiff.diffusion.sampler import scale_of
from invdiff.priors import Prior
from invdiff.reconstruction.cases import Cases
from invdiff.reconstruction.draw import Progress, draw, provenance
from invdiff.reconstruction.result import Reconstruction


def reconstruct(
    cases: Cases,
    sampler: Sampler,
    prior: Prior,
    *,
    samples: int = 8,
    seed: int = 0,
    keep: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Reconstruction:
    """Samples of every slice, computed where the prior is: ``load_prior("builtin").to("cuda")`` for a GPU.

    A sample depends on the seed, its slice and its own index alone, and is the same in whatever order they are drawn.

    Args:
        cases: what to reconstruct.
        sampler: the method.
        prior: what images look like.
        samples: how many for each slice.
        seed: of the random numbers.
        keep: a file for finished samples. A later run of the same problem, method and seed takes them from there;
            delete it when the result is safe.
        progress: called with (iterations done, iterations in all).
        attributes: more to record.

    Raises:
        InputError: ``samples`` is not positive, parts do not fit, a run diverges, or ``keep`` can't be written.
    """
    problems = [problem.to(prior.device) for problem in cases]
    scales = [scale_of(problem, prior) for problem in problems]
    problems = [replace(problem, scale=scale) for problem, scale in zip(problems, scales, strict=True)]
    images = draw(problems, sampler, prior, samples=samples, seed=seed, keep=keep, progress=progress)
    if images.ndim == 5:  # an image for each map set
        images = one_image(images.astype(np.complex64))
    truth = cases.ground_truth
    return Reconstruction(
        samples=images.astype(np.complex64),
        zero_filled=cases.zero_filled.astype(np.complex64),
        ground_truth=None if truth is None else truth.astype(np.complex64),
        attributes={
            "operator": repr(problems[0].operator),
            "acceleration": achieved_acceleration(cases.measured.sampled),
            "scale": np.array(scales),
            "noise_std": np.array([np.nan if p.noise_std is None else p.noise_std for p in problems]),
            **provenance(sampler, seed),
            **({} if cases.preparation is None else cases.preparation.attributes),
            **(attributes or {}),
        },
    )
