"""Reconstruct every case of a file."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import achieved_acceleration
from invdiff.diffusion import Problem, Sampler
from invdiff.diffusion.sampler import scale_of
from invdiff.errors import InputError
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
        InputError: ``samples`` is not positive, every slice is empty, parts do not fit, a run diverges, or ``keep``
            can't be written.
    """
    problems = _with_scales(cases, prior)
    drawn = draw(problems, sampler, prior, samples=samples, seed=seed, keep=keep, progress=progress)
    images = cases.whole(dict(zip(problems, drawn, strict=True)))
    truth = cases.ground_truth
    return Reconstruction(
        samples=images.astype(np.complex64),
        zero_filled=cases.zero_filled.astype(np.complex64),
        ground_truth=None if truth is None else truth.astype(np.complex64),
        attributes={
            "operator": repr(next(iter(problems.values())).operator),
            "acceleration": achieved_acceleration(cases.measured.sampled),
            "scale": _of_slices(cases, {index: problem.scale for index, problem in problems.items()}),
            "noise_std": _of_slices(cases, {index: problem.noise_std for index, problem in problems.items()}),
            **provenance(sampler, prior, seed),
            **({} if cases.preparation is None else cases.preparation.attributes),
            **(attributes or {}),
        },
    )


def _with_scales(cases: Cases, prior: Prior) -> dict[int, Problem]:
    problems = {}
    for index, problem in cases.numbered():
        there = problem.to(prior.device)
        problems[index] = there.with_scale(scale_of(there, prior))
    if not problems:
        raise InputError(f"{cases.measured.name}: every slice is empty, so there is nothing to reconstruct.")
    return problems


def _of_slices(cases: Cases, values: Mapping[int, float | None]) -> NDArray[np.float64]:
    """A number for each slice, NaN where there is none."""
    known = (values.get(index) for index in range(cases.count))
    return np.array([np.nan if value is None else value for value in known])
