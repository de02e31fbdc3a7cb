"""The noise of a scan, known well enough to stand on."""

from dataclasses import asdict, replace

import numpy as np
from torch import Tensor

from invdiff.diffusion.sampler import scale_of
from invdiff.methods import estimate
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.cases import Cases, ScanCases
from invdiff.reconstruction.cases.base import digest_of
from invdiff.reconstruction.draw import Progress
from invdiff.reconstruction.preparation import ResidualNoise
from invdiff.reconstruction.residual_noise import with_residual_noise
from invdiff.reconstruction.store import MemoryStore, Store
from invdiff.reconstruction.units import Arrays

_CALLS = 20


def known_noise(cases: Cases, prior: Prior, *, store: Store | None = None, progress: Progress | None = None) -> Cases:
    """The cases with a noise level that is known well enough: where k-space alone does not tell it, as with a small
    centre, or maps misfit, the residual of a reconstruction does (see `residual_noise`), for 40 to 120 network calls.

    Args:
        cases: of a scan, else they are handed back as they are.
        prior: of the reconstruction, which is a coarse `estimate`.
        store: remembers what was found.
        progress: called with (iterations done, iterations in all) of each of them.
    """
    preparation = cases.preparation
    if preparation is None or preparation.is_settled or not isinstance(cases, ScanCases):
        return cases
    default = estimate(_CALLS)
    sampler = replace(default, signal=default.signal.suiting(is_complex=cases.is_complex, channels=prior.channels))

    def coarse(problem: Problem) -> Tensor:
        there = problem.to(prior.device)
        there = there.with_scale(scale_of(there, prior))
        return sampler(there, prior, progress=progress).samples[0].to(problem.y.device)

    def find() -> Arrays:
        found = with_residual_noise(cases, coarse).preparation
        assert found is not None
        return {} if found.residual is None else {name: np.array(v) for name, v in asdict(found.residual).items()}

    key = digest_of(repr(sampler), prior.fingerprint(), cases.fingerprint(cases.brightest))[:32]
    residual = (store or MemoryStore()).recall("noise", key, find)
    if not residual:
        return cases
    found = ResidualNoise(**{name: float(value) for name, value in residual.items()})
    return replace(cases, preparation=replace(preparation, residual=found))
