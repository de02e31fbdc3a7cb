"""Draw every sample once: what is finished is kept, so that an interrupted run goes on where it was."""

import hashlib
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.archive import read_archive
from invdiff.data.atomic import atomic
from invdiff.diffusion import Problem, Sampler
from invdiff.errors import InputError
from invdiff.priors import Prior

Progress = Callable[[int, int], None]


def draw(
    problems: Sequence[Problem],
    sampler: Sampler,
    prior: Prior,
    *,
    samples: int,
    seed: int = 0,
    keep: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> NDArray[np.inexact]:
    """Samples of every problem, ``(problems, samples, *image)``, in the problems' units.

    A sample depends on the seed, its problem's index and its own alone, and is the same in whatever order they are
    drawn.

    Args:
        problems: each with a scale, and all with images of one shape.
        sampler: the method.
        prior: what images look like.
        samples: how many for each problem.
        seed: of the random numbers.
        keep: a file for finished samples. A later run of the same problems, method and seed takes them from there;
            delete it when the result is safe.
        progress: called with (iterations done, iterations in all).

    Raises:
        InputError: ``samples`` is not positive, parts do not fit, a run diverges, or ``keep`` can't be written.
    """
    if samples < 1:
        raise InputError(f"At least one sample must be drawn, but got samples={samples}.")
    for problem in problems:
        sampler.bind(problem, prior)  # refuse before the first network call
    finished = _Finished(keep, _fingerprint(problems, sampler, prior, seed))
    drawn: list[list[NDArray[np.inexact]]] = []
    for case, problem in enumerate(problems):
        drawn.append([])
        for index in range(samples):
            done = case * samples + index

            def report(k: int, of: int, done: int = done) -> None:
                if progress is not None:
                    progress(done * of + k, len(problems) * samples * of)

            image = finished.get(case, index)
            if image is None:
                posterior = sampler(problem, prior, seed=seed, case=case, first=index, progress=report)
                image = posterior.samples[0].cpu().numpy()
                finished.add(case, index, image)
            drawn[-1].append(image)
    return np.stack([np.stack(images) for images in drawn])


def provenance(sampler: Sampler, seed: int) -> dict[str, Any]:
    """How samples were drawn, to record with them."""
    versions = {f"{name}_version": version(name) for name in ("invdiff", "torch", "numpy")}
    return {"seed": seed, "sampler": repr(sampler), "nfe": sampler.nfe, **versions}


class _Finished:
    """Samples drawn so far, in one file that belongs to one problem, method and seed."""

    def __init__(self, path: str | os.PathLike[str] | None, fingerprint: str) -> None:
        self._path = None if path is None else Path(path)
        self._fingerprint = fingerprint
        self._images: dict[str, NDArray[np.inexact]] = {}
        if self._path is not None and self._path.exists():
            try:
                arrays = read_archive(self._path)
            except InputError as error:
                raise InputError(f"{error} It should hold finished samples; remove it to start anew.") from error
            if str(arrays.pop("fingerprint", None)) == fingerprint:
                self._images = arrays

    def get(self, case: int, index: int) -> NDArray[np.inexact] | None:
        return self._images.get(f"{case}-{index}")

    def add(self, case: int, index: int, image: NDArray[np.inexact]) -> None:
        self._images[f"{case}-{index}"] = image
        if self._path is not None:
            with atomic(self._path) as temporary, temporary.open("wb") as file:
                arrays: dict[str, Any] = {"fingerprint": np.array(self._fingerprint), **self._images}
                np.savez(file, **arrays)


def _fingerprint(problems: Sequence[Problem], sampler: Sampler, prior: Prior, seed: int) -> str:
    digest = hashlib.sha256(f"{version('invdiff')} {sampler!r} {seed}".encode())
    for problem in problems:
        digest.update(f"{problem.operator!r} {problem.noise_std} {problem.scale}".encode())
        initial = () if problem.initial is None else (problem.initial,)
        for data in (problem.y, problem.zero_filled, *initial):  # the second tells masks and maps apart
            digest.update(np.ascontiguousarray(data.cpu().numpy()).data)
    for tensor in prior.tensors():
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
    return digest.hexdigest()
