"""Reconstruct every case of a file."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.masks import achieved_acceleration
from invdiff.diffusion import Sampler
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.pictures.progress_bar import shown_in_notebooks
from invdiff.priors import Prior
from invdiff.reconstruction.audit.correction import Correction
from invdiff.reconstruction.cases import Cases
from invdiff.reconstruction.course import Course
from invdiff.reconstruction.draw import HERE, Progress, draw, provenance
from invdiff.reconstruction.executors import Executor
from invdiff.reconstruction.kinds import find_kind
from invdiff.reconstruction.result import Complex, Reconstruction, SliceResult
from invdiff.reconstruction.stage import Stage, stage_of
from invdiff.reconstruction.store import Finished, FolderStore, MemoryStore, Store
from invdiff.reconstruction.uncertainty import sampling_of
from invdiff.reconstruction.units import Drawing


def reconstruct(
    cases: Cases,
    sampler: Sampler,
    prior: Prior,
    *,
    samples: int = 8,
    seed: int = 0,
    keep: str | os.PathLike[str] | None = None,
    executor: Executor = HERE,
    progress: Progress | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Reconstruction:
    """Samples of every slice, computed where the prior is: ``load_prior("builtin").to("cuda")`` for a GPU.

    A sample depends on the seed, its slice and its own index alone, and is the same in whatever order they are drawn,
    and by whom.

    Args:
        cases: what to reconstruct.
        sampler: the method.
        prior: what images look like.
        samples: how many for each slice.
        seed: of the random numbers.
        keep: a folder for finished samples. A later run of the same problems, method, prior and seed takes them from
            there; remove it when the result is safe.
        executor: where to compute.
        progress: called with (iterations done, iterations in all); in a notebook a bar is shown where nothing is
            called.
        attributes: more to record.

    Raises:
        InputError: ``samples`` is not positive, every slice is empty, parts do not fit, a run diverges (the others are
            drawn first), or ``keep`` can't be written.
    """
    store = MemoryStore() if keep is None else FolderStore(keep)
    stage = stage_of(cases, sampler, prior, samples, seed=seed)
    with shown_in_notebooks(progress, cases.name) as report:
        failures = draw(stage.drawing, store, samples, executor=executor, progress=report)
    for number, failure in failures.items():
        raise InputError(failure if cases.count == 1 else f"slice {number}: {failure}")
    found = gather(cases, store, posterior=stage)
    said = {**described(cases, stage.drawing), **(attributes or {})}
    return Reconstruction.of(found, said, cases.geometry)


def gather(
    cases: Cases,
    store: Store,
    *,
    image: Stage | None = None,
    posterior: Stage | None = None,
    correction: Correction | None = None,
) -> Iterator[SliceResult]:
    """Slice by slice what a store holds; zero where it holds nothing, as of slices that are empty or failed.

    Args:
        cases: what was reconstructed.
        store: of finished samples.
        image: of a method that makes one image, its only sample.
        posterior: of the samples.
        correction: of their spread.

    Raises:
        InputError: what is in the store is damaged.
    """
    for number in cases.slices:
        drawn = _of(store, posterior, number)
        estimate = _of(store, image, number)
        there = drawn or estimate
        beside = cases.beside_nothing if there is None else there.beside
        nothing: NDArray[Any] = np.zeros(cases.sampled.shape)
        no_samples = np.stack([nothing] * posterior.samples) if posterior is not None else nothing[None][:0]
        found = SliceResult(
            samples=_complex(no_samples if drawn is None else drawn.images),
            zero_filled=_complex(beside["zero_filled"]),
            ground_truth=_complex(beside["ground_truth"]) if "ground_truth" in beside else None,
            estimate=None if image is None else _complex(nothing if estimate is None else estimate.images[0]),
            numbers={"slice": number, **{name: float(beside.get(name, np.nan)) for name in ("scale", "noise_std")}},
            courses={
                name: _course(stage, made)
                for name, stage, made in (("estimate", image, estimate), ("samples", posterior, drawn))
                if stage is not None
            },
        )
        if correction is None:
            yield found
        else:  # samples that failed stay zero, by which they are known
            widened = found.samples if drawn is None else correction.widened(found.samples, found.image)
            yield replace(found, corrected=widened)


def _of(store: Store, stage: Stage | None, number: int) -> Finished | None:
    return None if stage is None or not stage.is_there(store, number) else stage.found(store, number)


def _course(stage: Stage, made: Finished | None) -> Course:
    if made is None or made.course is None:
        return Course.unknown(stage.samples, stage.drawing.iterations)
    return made.course


def _complex(array: NDArray[Any]) -> Complex:
    return array.astype(np.complex64)


def described(cases: Cases, drawing: Drawing) -> dict[str, Any]:
    """What to record with a result: of the measurement, and of how samples were drawn."""
    return {
        "operator": find_kind(cases.operator).mathematics,
        "acceleration": achieved_acceleration(cases.sampled),
        "sampling": sampling_of(cases.sampled),
        **({"target": cases.target} if cases.has_ground_truth else {}),
        "prior_weights": digest_of(*(tensor.cpu().numpy() for tensor in drawing.prior.tensors())),
        **provenance(drawing.sampler, drawing.prior, drawing.seed),
        **({} if cases.preparation is None else cases.preparation.attributes),
    }
