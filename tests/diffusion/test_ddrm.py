"""DDRM along the singular vectors of a dense decomposition; RED-diff's Adam against torch's."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from invdiff.diffusion import (
    DAPS,
    DDRM,
    VE,
    VP,
    Context,
    FromPseudoInverse,
    Geometric,
    Problem,
    RealImage,
    REDDiff,
    Sampler,
    Signal,
    Soss,
    State,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.operators import Diagonal
from invdiff.testing import dense

NOISE_STD = 0.4
SETTINGS: list[tuple[str, Signal]] = [
    ("fourier", TwoChannel()),
    ("fourier", RealImage()),
    ("inpainting", TwoChannel()),
    ("inpainting", RealImage()),
    ("denoising", TwoChannel()),
    ("diagonal", TwoChannel()),
]


def problem_of(small, name: str) -> Problem:
    """Also one of many singular values, above and below each level's."""
    if name != "diagonal":
        return replace(small.problem(name), noise_std=NOISE_STD)
    values = torch.linspace(0, 1, 16, dtype=torch.float64).reshape(4, 4)
    return Problem(Diagonal(values), small.normal((4, 4), torch.complex128, 9), NOISE_STD)


def numbers(x: Tensor) -> Tensor:
    return (torch.view_as_real(x) if x.is_complex() else x).reshape(len(x), -1)


def along_singular_vectors(context: Context, x: Tensor, k: int, z: Tensor, eta: float, eta_b: float) -> Tensor:
    """Eq. (8), coordinate by coordinate."""
    levels = context.levels
    A = dense(context.operator, x.dtype)
    U, values, Vh = torch.linalg.svd(A)
    sigma, after = levels.sigma(k), levels.sigma(k + 1)
    clean, state, noise = (numbers(each) @ Vh.T for each in (context.denoise(x, k), x / levels.alpha[k], z))
    made = torch.empty_like(clean)
    for i in range(A.shape[1]):
        s = float(values[i]) if i < len(values) else 0.0
        if s < 1e-9:
            mean = clean[:, i] + math.sqrt(1 - eta**2) * after * (state[:, i] - clean[:, i]) / sigma
            made[:, i] = mean + eta * after * noise[:, i]
            continue
        q, y = NOISE_STD / s, (numbers(context.y[None]) @ U)[:, i] / s
        if after < q:
            mean = clean[:, i] + math.sqrt(1 - eta**2) * after * (y - clean[:, i]) / q
            made[:, i] = mean + eta * after * noise[:, i]
        else:
            made[:, i] = (1 - eta_b) * clean[:, i] + eta_b * y
            made[:, i] += math.sqrt(after**2 - (q * eta_b) ** 2) * noise[:, i]
    return levels.alpha[k + 1] * made @ Vh


@pytest.mark.parametrize("sde", [VE(0.1, 4), VP()], ids=["VE", "VP"])
@pytest.mark.parametrize(("name", "signal"), SETTINGS, ids=str)
def test_every_singular_vector_has_its_rule(small, name: str, signal: Signal, sde) -> None:
    eta, eta_b = 0.7, 0.9
    sampler = Sampler(sde, Geometric(4, 4.0, 0.1), [DDRM(eta, eta_b)], signal)
    context = sampler.bind(problem_of(small, name), small.prior(signal.channels)).run(range(2))
    x = small.normal((2, 4, 4), torch.complex128 if signal.is_complex else torch.float64, 4)
    for k in range(4):
        context.noise.rewind(k + 1)
        z = context.noise.like(x)
        context.noise.rewind(k + 1)
        made = numbers(sampler.steps[0](State(x, k), context).x)
        torch.testing.assert_close(made, along_singular_vectors(context, x, k, z, eta, eta_b), rtol=1e-9, atol=1e-9)
        if k < 3:
            wrong = [along_singular_vectors(context, x, k, -z, eta, eta_b)]
            if name != "denoising":  # where all is seen, and better than the level says
                wrong.append(along_singular_vectors(context, x, k, z, 0.5, eta_b))
            assert not any(torch.allclose(made, other, rtol=1e-3, atol=1e-3) for other in wrong)


def test_singular_values_that_are_not_known_are_refused(small) -> None:
    sampler = Sampler(VE(), Geometric(3), [DDRM()], TwoChannel())
    with pytest.raises(InputError, match=r"DDRM needs an operator whose singular values are known, such as .* use"):
        sampler.bind(small.problem("sense"), small.prior(2))
    assert replace(sampler, view=Soss())(small.problem("sense"), small.prior(2)).samples.isfinite().all()


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_shares_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="eta is the share of fresh noise, from 0 to 1"):
        DDRM(value)
    with pytest.raises(InputError, match=r"eta_b is the share of the data .*, from 0 to 1"):
        DDRM(eta_b=value)
    with pytest.raises(InputError, match=r"above zero|zero or more"):
        REDDiff(value) if not value > 0 else REDDiff(1.0, -value)


# RED-diff


@pytest.mark.parametrize("signal", [TwoChannel(), RealImage()], ids=repr)
def test_adam_is_torch_s(small, signal: Signal) -> None:
    """Given the gradients of the run, step by step."""
    sampler = Sampler(VP(), Geometric(5, 4.0, 0.1), [REDDiff(0.05, 0.3)], signal, start=FromPseudoInverse())
    context = sampler.bind(problem_of(small, "fourier"), small.prior(signal.channels)).run(range(2))
    states = list(context.states())
    levels = context.levels
    mu = torch.nn.Parameter(numbers(states[0].x / levels.alpha[0]))
    adam = torch.optim.Adam([mu], lr=0.05, betas=(0.9, 0.99))
    for k, (before, after) in enumerate(pairwise(states)):
        context.noise.rewind(k + 1)
        image = before.x / levels.alpha[k]
        z = context.noise.like(image)
        seen = levels.alpha[k] * image + levels.beta[k] * z
        eps = (seen - levels.alpha[k] * context.denoise(seen, k)) / levels.beta[k]
        misfit = context.operator.H(context.operator(image) - context.y)
        mu.grad = numbers(misfit + 0.3 * levels.sigma(k) * (eps - z))
        adam.step()
        torch.testing.assert_close(numbers(after.x / levels.alpha[k + 1]), mu.data, rtol=1e-9, atol=1e-9)
        assert not torch.allclose(numbers(image), mu.data, rtol=1e-3)


def test_the_pseudo_inverse_begins_without_noise(small) -> None:
    sampler = Sampler(VP(), Geometric(3, 4.0, 0.1), [REDDiff()], TwoChannel(), start=FromPseudoInverse())
    context = sampler.bind(small.problem("sense"), small.prior(2)).run(range(2))
    first = next(iter(context.states())).x / context.levels.alpha[0]
    torch.testing.assert_close(first, context.operator.pinv(context.y).expand(2, 4, 4), rtol=1e-6, atol=1e-6)
    assert torch.equal(first[0], first[1])


# DAPS


def test_noise_is_added_anew_from_level_to_level(small) -> None:
    """The image is drawn at the level of the state, and noised at the next."""
    sampler = Sampler(VP(), Geometric(4, 4.0, 0.1), [DAPS()], TwoChannel())
    bound = sampler.bind(problem_of(small, "fourier"), small.prior(2))
    states = [state.x for state in bound.run(range(400)).states()]
    spread = torch.view_as_real(states[2] / bound.levels.alpha[2]).std(0).square().mean()
    assert float(spread) > bound.levels.sigma(2) ** 2
    assert sampler.nfe == 20
