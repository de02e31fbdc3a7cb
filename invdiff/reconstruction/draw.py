"""Draw every sample once: what is finished is kept, so that an interrupted run goes on where it was."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.diffusion import Problem, Sampler
from invdiff.diffusion.bound import side_by_side
from invdiff.errors import InputError
from invdiff.files.archive import read_archive
from invdiff.files.atomic import atomic
from invdiff.priors import Prior

Progress = Callable[[int, int], None]


def draw(
    problems: Mapping[int, Problem],
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
    drawn: one by one on the CPU, where that is fastest, and side by side on other devices.

    Args:
        problems: each under the number of its slice, with a scale, and all with images of one shape.
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
    for problem in problems.values():
        sampler.bind(problem, prior)  # refuse before the first network call
    finished = _Finished(keep, _fingerprint(problems, sampler, prior, seed))
    drawn = []
    for number, (case, problem) in enumerate(problems.items()):
        images = [finished.get(case, index) for index in range(samples)]
        missing = [index for index, image in enumerate(images) if image is None]
        for chunk in runs(missing, side_by_side(problem, samples)):

            def report(k: int, of: int, done: int = number * samples + chunk.start, count: int = len(chunk)) -> None:
                if progress is not None:
                    progress(done * of + k * count, len(problems) * samples * of)

            posterior = sampler(
                problem,
                prior,
                samples=len(chunk),
                seed=seed,
                case=case,
                first=chunk.start,
                together=len(chunk),
                progress=report,
            )
            for index, image in zip(chunk, posterior.samples.cpu().numpy(), strict=True):
                images[index] = image
                finished.add(case, index, image)
        drawn.append(images)
    return np.array(drawn)


def runs(indices: Sequence[int], most: int) -> list[range]:
    """Ascending numbers as ranges without gaps, of ``most`` numbers each at most."""
    found: list[range] = []
    for index in indices:
        if found and found[-1].stop == index and len(found[-1]) < most:
            found[-1] = range(found[-1].start, index + 1)
        else:
            found.append(range(index, index + 1))
    return found


def provenance(sampler: Sampler, prior: Prior, seed: int) -> dict[str, Any]:
    """How samples were drawn, to record with them."""
    versions = {f"{name}_version": version(name) for name in ("invdiff", "torch", "numpy")}
    return {"seed": seed, "sampler": repr(sampler), "nfe": sampler.nfe, "precision": prior.precision, **versions}


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


def _fingerprint(problems: Mapping[int, Problem], sampler: Sampler, prior: Prior, seed: int) -> str:
    digest = hashlib.sha256(f"{version('invdiff')} {sampler!r} {prior.precision} {seed}".encode())
    for case, problem in problems.items():
        digest.update(f"{case} {problem.operator!r} {problem.noise_std} {problem.scale}".encode())
        initial = () if problem.initial is None else (problem.initial,)
        for data in (problem.y, problem.zero_filled, *initial):  # the second tells masks and maps apart
            digest.update(np.ascontiguousarray(data.cpu().numpy()).data)
    digest.update(prior.fingerprint().encode())
    return digest.hexdigest()
