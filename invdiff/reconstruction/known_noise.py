"""The noise of a scan, known well enough to stand on."""

from dataclasses import replace

from torch import Tensor

from invdiff.diffusion import Problem
from invdiff.diffusion.sampler import scale_of
from invdiff.methods import estimate
from invdiff.priors import Prior
from invdiff.reconstruction.cases import Cases
from invdiff.reconstruction.draw import Progress
from invdiff.reconstruction.residual_noise import with_residual_noise

_CALLS = 20


def known_noise(cases: Cases, prior: Prior, *, progress: Progress | None = None) -> Cases:
    """The cases with a noise level that is known well enough: where k-space alone does not tell it, as with a small
    centre, or maps misfit, the residual of a reconstruction does (see `residual_noise`), for 40 to 120 network calls.

    Args:
        cases: of a scan, else they are handed back as they are.
        prior: of the reconstruction, which is a coarse `estimate`.
        progress: called with (iterations done, iterations in all) of each of them.
    """
    if cases.preparation is None or cases.preparation.is_settled:
        return cases
    default = estimate(_CALLS)
    sampler = replace(default, signal=default.signal.suiting(is_complex=cases.is_complex, channels=prior.channels))

    def coarse(problem: Problem) -> Tensor:
        there = problem.to(prior.device)
        there = there.with_scale(scale_of(there, prior))
        return sampler(there, prior, progress=progress).samples[0].to(problem.y.device)

    return with_residual_noise(cases, coarse)
