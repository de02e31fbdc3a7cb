"""The noise of a scan, known well enough to stand on."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypeGuard

import numpy as np
from torch import Tensor

from invdiff.diffusion import Sampler
from invdiff.diffusion.sampler import scale_of
from invdiff.files.digest import digest_of
from invdiff.methods import estimate
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.cases import Cases, ScanCases
from invdiff.reconstruction.draw import Progress
from invdiff.reconstruction.forecast import Forecast, forecast
from invdiff.reconstruction.preparation import ResidualNoise
from invdiff.reconstruction.residual_noise import with_residual_noise
from invdiff.reconstruction.store import MemoryStore, Store
from invdiff.reconstruction.trial import Measure
from invdiff.reconstruction.units import Arrays, Drawing

_CALLS = 20
_RECONSTRUCTIONS = 4  # of the two to six that it takes: two a round, and most often two rounds


def known_noise(cases: Cases, prior: Prior, *, store: Store | None = None, progress: Progress | None = None) -> Cases:
    """The cases with a noise level that is known well enough: where k-space alone does not tell it, as with a small
    centre, or maps misfit, the residual of a reconstruction does (see `residual_noise`), for 40 to 120 network calls.

    Args:
        cases: of a scan, else they are handed back as they are.
        prior: of the reconstruction, which is a coarse `estimate`.
        store: remembers what was found.
        progress: called with (iterations done, iterations in all) of each of them.
    """
    if not _is_in_doubt(cases):
        return cases
    sampler = coarse_estimate(cases, prior)

    def coarse(problem: Problem) -> Tensor:
        there = problem.to(prior.device)
        there = there.with_scale(scale_of(there, prior))
        return sampler(there, prior, progress=progress).samples[0].to(problem.y.device)

    def find() -> Arrays:
        found = with_residual_noise(cases, coarse).preparation
        assert found is not None
        return {} if found.residual is None else {name: np.array(v) for name, v in asdict(found.residual).items()}

    return _remembered(cases, prior, store or MemoryStore(), find)


def noise_forecast(cases: Cases, prior: Prior, store: Store, measure: Measure) -> tuple[Cases, Forecast]:
    """The cases as `known_noise` would give them where it has looked before, and what it will take where it has not.

    Args:
        cases: of a scan, else they are handed back as they are.
        prior: of the reconstruction.
        store: of what was found.
        measure: tries what a reconstruction costs.

    Raises:
        InputError: parts do not fit.
    """
    if not _is_in_doubt(cases):
        return cases, Forecast()
    try:
        return _remembered(cases, prior, store, not_yet), Forecast()
    except LookupError:
        drawing = Drawing(cases.of([cases.brightest]), coarse_estimate(cases, prior), prior)
        one = forecast(drawing, 1, measure=measure)
        calls, seconds = _RECONSTRUCTIONS * one.network_calls, _RECONSTRUCTIONS * one.seconds
        return cases, Forecast(network_calls=calls, seconds=seconds, peak_bytes=one.peak_bytes)


def not_yet() -> Arrays:
    """Nothing was found so far: a `LookupError`."""
    raise LookupError


def _is_in_doubt(cases: Cases) -> TypeGuard[ScanCases]:
    preparation = cases.preparation
    return isinstance(cases, ScanCases) and preparation is not None and not preparation.is_settled


def coarse_estimate(cases: Cases, prior: Prior) -> Sampler:
    """The method of 20 network calls by which scans are looked at."""
    default = estimate(_CALLS)
    return replace(default, signal=default.signal.suiting(is_complex=cases.is_complex, channels=prior.channels))


def _remembered(cases: ScanCases, prior: Prior, store: Store, find: Callable[[], Arrays]) -> Cases:
    decided = repr(coarse_estimate(cases, prior)), prior.fingerprint(), cases.fingerprint(cases.brightest)
    residual = store.recall("noise", digest_of(*decided)[:32], find)
    if not residual:
        return cases
    assert cases.preparation is not None
    found = ResidualNoise(**{name: float(value) for name, value in residual.items()})
    return replace(cases, preparation=replace(cases.preparation, residual=found))
