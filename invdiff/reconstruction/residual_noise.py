"""The noise as the residual of a fit tells it: its power over the degrees of freedom that the fit left.

By a random probe, as Monte Carlo SURE finds the divergence of a denoiser: Ramani, Blu and Unser, IEEE Transactions on
Image Processing 17 (2008), equations 12 to 14. What the coil maps misfit is in the residual too, so that on measured
scans it is the level that residuals and held-back samples are to be judged by, and the scanner's noise may be less.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from invdiff.diffusion import Problem
from invdiff.errors import InputError
from invdiff.reconstruction.cases import Cases, ScanCases
from invdiff.reconstruction.preparation import ResidualNoise

Reconstruct = Callable[[Problem], Tensor]
"""An image of a problem, of shape ``operator.domain_shape``: the same for the same problem, by its noise level."""

_PROBE = 0.3  # of the noise level: small beside what the fit reacts to, large beside rounding
_SMALLEST_PROBE = 1e-4  # of the measurement's root mean square, where there is next to no noise
_SETTLED = 0.05  # a change of the level by less ends the rounds
_MISFIT = 0.03  # relative: what a fit leaves of the image itself made the level 1 to 5 % high on simulated scans
_LEAST_FREEDOM = 0.01  # of the real numbers measured must be left by the fit


def residual_noise(problem: Problem, reconstruct: Reconstruct, *, rounds: int = 3, seed: int = 0) -> ResidualNoise:
    """s² = |y - A x(y)|² / (N - 2 h + q), with a fit that believes the level of the round before.

    N is the count of real numbers in y; h = zᵀ (A x(y + e z) - A x(y)) / e and q = |A x(y + e z) - A x(y)|² / e², of
    one white probe z, are the traces of J and Jᵀ J for the fit's Jacobian J. Of a linear fit that reproduces the
    noise-free measurement the expectation is exact. A round costs two reconstructions.

    Args:
        problem: with the noise level to begin with.
        reconstruct: a deterministic method.
        rounds: at most so many; it ends when a round changes the level by less than a twentieth.
        seed: of the probe.

    Raises:
        InputError: the problem's noise level is not known, there is no round, or the fit follows the data so closely
            that less than one hundredth of its freedom is left.
    """
    if problem.noise_std is None:
        raise InputError("The noise of a residual is found from a level to begin with: give Problem(noise_std=...).")
    if rounds < 1:
        raise InputError(f"The noise of a residual takes one round or more, not {rounds}.")
    count = problem.y.numel() * (2 if problem.y.is_complex() else 1)
    generator = torch.Generator().manual_seed(seed)
    probe = torch.randn(count, generator=generator, dtype=torch.float64).to(problem.y.real.dtype)
    shape = (*problem.y.shape, 2) if problem.y.is_complex() else tuple(problem.y.shape)
    z = probe.reshape(shape).to(problem.y.device)
    z = torch.view_as_complex(z) if problem.y.is_complex() else z
    smallest = _SMALLEST_PROBE * float(_power(problem.y) / count) ** 0.5
    level, change, freedom, explained = problem.noise_std, 0.0, 0.0, 0.0
    for _ in range(rounds):
        e = max(_PROBE * level, smallest)
        believing = problem.with_noise_std(level)
        fit = problem.operator(reconstruct(believing))
        moved = (problem.operator(reconstruct(replace(believing, y=problem.y + e * z))) - fit) / e
        h = float((z.conj() * moved).real.sum(dtype=torch.float64))
        explained = float(_power(moved))
        freedom = count - 2 * h + explained
        if freedom < max(_LEAST_FREEDOM * count, 1):
            raise InputError(
                f"The reconstruction follows {count} measured numbers so closely that {freedom:.3g} degrees of freedom "
                "are left, and its residual tells no noise; take a method that is told the noise level, or give it."
            )
        before, level = level, (float(_power(problem.y - fit)) / freedom) ** 0.5
        change = abs(level - before) / level if level > 0 else 0.0
        if change < _SETTLED:
            break
    chance = 1 / (2 * freedom) + 2 * explained / freedom**2
    settled = change if rounds > 1 else 0.0
    return ResidualNoise(level, (chance + settled**2 + _MISFIT**2) ** 0.5, freedom)


def _power(y: Tensor) -> Tensor:
    return y.abs().to(torch.float64).square().sum()


def with_residual_noise(cases: Cases, reconstruct: Reconstruct) -> Cases:
    """The cases of a scan with the level that the residual of its brightest slice shows, which the data term assumes.

    A level that was given stays. Cases without an estimate of the noise (pictures), or whose fit leaves no freedom, are
    handed back as they are.

    Args:
        cases: of a scan, with the first estimate of its noise.
        reconstruct: a deterministic method.
    """
    preparation = cases.preparation
    if preparation is None or preparation.noise_uncertainty == 0 or not isinstance(cases, ScanCases):
        return cases
    problem = cases.problem(cases.brightest)
    try:
        found = residual_noise(problem, reconstruct)
    except InputError:
        return cases
    return replace(cases, preparation=replace(preparation, residual=found))
