"""Steps whose algebra is in no other test: those between levels, behind them, between coils, and the last denoising."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.diffusion import (
    DDIM,
    SDE,
    VE,
    VP,
    AnnealedLangevin,
    AnnealedLikelihood,
    Context,
    DiscreteVP,
    Every,
    Geometric,
    GradientConsistency,
    Grid,
    Lagging,
    Langevin,
    NextLevel,
    Problem,
    ProjectionConsistency,
    RealImage,
    ReverseDiffusion,
    Sampler,
    SenseStep,
    Signal,
    Soss,
    SplitComplex,
    State,
    Step,
    Tweedie,
    TwoChannel,
)
from invdiff.errors import InputError
from invdiff.operators import Fourier, Subsample, sense

PROCESSES: dict[str, tuple[SDE, Grid]] = {"VE": (VE(0.1, 4), Geometric(5)), "VP": (VP(), DiscreteVP(5))}
every_process = pytest.mark.parametrize("process", PROCESSES)


def bound(small, steps: list[Step], process: str = "VP", signal: Signal | None = None, **parts: object) -> Context:
    signal = signal or TwoChannel()
    sampler = Sampler(*PROCESSES[process], steps, signal, **parts)
    return sampler.bind(small.problem("sense"), small.prior(signal.channels)).run(range(2))


# To the next level


@every_process
def test_next_level_relabels_the_state(small, process: str) -> None:
    context = bound(small, [NextLevel()], process)
    x = small.normal((2, 4, 4), torch.complex128)
    for k in range(5):
        before = State(x, k, {"kept": x})
        after = NextLevel()(before, context)
        assert after.k == k + 1
        assert after.memory == before.memory
        torch.testing.assert_close(after.x, context.levels.alpha[k + 1] / context.levels.alpha[k] * x)
    assert context.denoiser.calls == 0
    assert Sampler(*PROCESSES[process], [NextLevel()], TwoChannel()).nfe == 0


def test_next_level_keeps_the_image_and_not_the_noise_to_signal_ratio(small) -> None:
    """Under VP the image has alpha' of the next level; so the noise that is left is more than its beta'."""
    context = bound(small, [NextLevel()], "VP")
    levels = context.levels
    image, z = torch.ones(2, 4, 4, dtype=torch.complex128), small.normal((2, 4, 4), torch.complex128)
    made = NextLevel()(State(levels.alpha[1] * image + levels.beta[1] * z, 1), context).x
    noise = (made - levels.alpha[2] * image) / z
    assert noise.real.min() > levels.beta[2]
    torch.testing.assert_close(noise, torch.full_like(noise, levels.sigma(1) * levels.alpha[2]))


# Behind it


class Noting(Step):
    """Keeps the levels it sees and marks the state."""

    def __init__(self) -> None:
        self.levels: list[int] = []

    def __call__(self, state: State, context: Context) -> State:
        self.levels.append(state.k)
        return state.at(state.x, mark=torch.tensor(len(self.levels)))


def levels_seen(small, around: Callable[[Step], Step]) -> tuple[list[int], list[int]]:
    noting = Noting()
    sampler = Sampler(VE(0.1, 4), Geometric(7), [DDIM(), around(noting)], TwoChannel())
    ks = [state.k for state in sampler.bind(small.problem("fourier"), small.prior(2)).run().states()]
    return noting.levels, ks


def test_a_lagging_step_sees_the_level_that_the_iteration_began_with(small) -> None:
    seen, ks = levels_seen(small, Lagging)
    assert seen == [0, 1, 2, 3, 4, 5, 6]
    assert ks == [0, 1, 2, 3, 4, 5, 6, 7]
    assert levels_seen(small, lambda step: step)[0] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("m", [1, 2, 3, 50])
def test_a_lagging_step_now_and_then_counts_from_zero(small, m: int) -> None:
    assert levels_seen(small, lambda step: Lagging(Every(m, step)))[0] == [k for k in range(7) if k % m == 0]
    assert levels_seen(small, lambda step: Every(m, Lagging(step)))[0] == [k - 1 for k in range(1, 8) if k % m == 0]
    assert levels_seen(small, lambda step: Every(m, step))[0] == [k for k in range(1, 8) if k % m == 0]


def test_a_lagging_step_changes_the_state_as_the_step_does(small) -> None:
    context = bound(small, [DDIM(), Lagging(Langevin())])
    state = State(small.normal((2, 4, 4), torch.complex128), 3, {"before": torch.ones(1)})
    after = Lagging(Noting())(state, context)
    assert (after.k, {*after.memory}) == (3, {"before", "mark"})
    context.noise.rewind(1)
    lagging = Lagging(GradientConsistency(0.5, noised=True))(state, context)
    context.noise.rewind(1)
    expected = GradientConsistency(0.5, noised=True)(replace(state, k=2), context)
    assert torch.equal(lagging.x, expected.x)
    context.noise.rewind(1)
    assert not torch.allclose(lagging.x, GradientConsistency(0.5, noised=True)(state, context).x, rtol=1e-3)


@pytest.mark.parametrize("iterations", [1, 4, 5])
@pytest.mark.parametrize("corrector", [Langevin(0.1, 2), Every(2, Langevin(0.1, 3))], ids=repr)
def test_a_lagging_corrector_calls_the_network_in_the_last_iteration_too(
    small, corrector: Step, iterations: int
) -> None:
    calls = {}
    for step in (corrector, Lagging(corrector)):
        sampler = Sampler(VE(0.1, 4), Geometric(iterations), [ReverseDiffusion(), step], TwoChannel())
        calls[step] = sampler(small.problem("fourier"), small.prior(2)).nfe
        assert calls[step] == sampler.nfe
    assert calls[Lagging(corrector)] > calls[corrector]


# Between coils


def of_coils(small, step: Step, process: str = "VP") -> tuple[Context, Tensor]:
    context = bound(small, [DDIM(), Lagging(step)], process, SplitComplex(), view=Soss())
    return context, small.normal((2, 3, 4, 4), torch.complex128, 6)


def centred(transform, x: NDArray) -> NDArray:
    moved = transform(np.fft.ifftshift(x, axes=(-2, -1)), norm="ortho")
    return np.fft.fftshift(moved, axes=(-2, -1))


def published_sense_step(
    x: Tensor, context: Context, lam: float, alpha: float, broadcast: bool = False, conjugated: bool = True
) -> NDArray:
    """x_c + lam S_c sum_d conj(S_d) F^-1 m (alpha y_d - m F S_d x_comb), x_comb = sum_c conj(S_c) x_c.

    ``broadcast`` gives every coil the same correction, without S_c, as public code does.
    """
    mask, maps = (np.asarray(v) for v in (context.problem.operator.factors[0].operator.mask, maps_of(context)))
    y = np.zeros(maps.shape, complex)
    y[:, mask] = context.problem.y
    conj = maps.conj() if conjugated else maps
    combined = (conj * x.numpy()).sum(1)
    residual = alpha * y - mask * centred(np.fft.fft2, maps * combined[:, None])
    correction = (conj * centred(np.fft.ifft2, mask * residual)).sum(1)[:, None]
    return x.numpy() + lam * (correction if broadcast else maps * correction)


def maps_of(context: Context) -> Tensor:
    return context.problem.operator.factors[-1].maps


@pytest.mark.parametrize("k", range(6))
@every_process
def test_the_sense_step_is_that_of_the_sense_operator(small, process: str, k: int) -> None:
    step = SenseStep(0.9, 0.3)
    context, x = of_coils(small, step, process)
    alpha, lam = context.levels.alpha[k], 0.9 + (0.3 - 0.9) * k / 5
    made = step(State(x, k), context).x.numpy()
    np.testing.assert_allclose(made, published_sense_step(x, context, lam, alpha), rtol=1e-9, atol=1e-12)
    wrong = [{"lam": 0.9 + (0.3 - 0.9) * (k + 1) / 5}, {"broadcast": True}, {"conjugated": False}]
    wrong += [{"alpha": 1.0}] if alpha < 0.99 else []
    for changed in wrong:
        right = {"lam": lam, "alpha": alpha}
        assert not np.allclose(made, published_sense_step(x, context, **{**right, **changed}), rtol=1e-3, atol=1e-6)


def test_coil_images_that_explain_the_data_are_left_as_they_are(small) -> None:
    step = SenseStep()
    context, _ = of_coils(small, step)
    image = small.normal((2, 4, 4), torch.complex128)
    operator = context.problem.operator
    explained = small.rebound(context, problem=Problem(operator, operator(image[0])))
    x = context.levels.alpha[2] * operator.factors[-1](image[:1])
    torch.testing.assert_close(step(State(x, 2), explained).x, x)
    assert not torch.allclose(step(State(2 * x, 2), explained).x, 2 * x, rtol=1e-2)


@pytest.mark.parametrize("scale", [2.0, -0.3, 0.6 - 0.8j, 3j], ids=repr)
def test_a_sense_step_of_scaled_measurements_is_the_same(small, scale: complex) -> None:
    context, x = of_coils(small, SenseStep())
    problem = context.problem
    scaled = small.rebound(context, problem=Problem(scale * problem.operator, scale * problem.y))
    expected = SenseStep()(State(x, 2), context).x
    torch.testing.assert_close(SenseStep()(State(x, 2), scaled).x, expected)
    longer = small.rebound(context, problem=Problem(problem.operator, scale * problem.y))
    assert not torch.allclose(SenseStep()(State(x, 2), longer).x, expected, rtol=1e-2)


@pytest.mark.parametrize("coils", [4, 8])
@pytest.mark.parametrize("lam", [1.0, 0.2])
def test_coil_images_keep_their_noise(small, coils: int, lam: float) -> None:
    """Its standard deviation stays near sigma, (1 - lam (2 - lam) / coils)^(1/2) of it at the least; in images that are
    replaced by S_c times their combination it falls to abs(S_c) sigma, while the network is told sigma."""
    maps = torch.exp(1j * small.normal((coils, 4, 4), torch.float64)) / coils**0.5
    operator = sense(torch.ones(4, 4, dtype=torch.bool), maps)
    image = small.normal((4, 4), torch.complex128)
    sampler = Sampler(VE(0.1, 4), Geometric(3), [DDIM(), SenseStep(lam, lam)], SplitComplex(), view=Soss())
    context = sampler.bind(Problem(operator, operator(image)), small.prior(1)).run(range(200))
    sigma = context.levels.beta[1]
    noise = sigma * small.normal((200, coils, 4, 4), torch.complex128, 7)
    clean = maps * image
    moved = SenseStep(lam, lam)(State(clean + noise, 1), context).x - clean

    def deviation(x: Tensor) -> float:
        return float(torch.view_as_real(x).square().mean().sqrt()) / sigma

    assert deviation(moved) == pytest.approx(math.sqrt(1 - lam * (2 - lam) / coils), abs=0.01)
    replaced = maps * ((maps.conj() * (clean + noise)).sum(1, keepdim=True)) - clean
    assert deviation(replaced) == pytest.approx(1 / math.sqrt(coils), abs=0.02)
    assert deviation(replaced) < 0.6 * deviation(moved)


def test_undersampled_coil_images_lose_less_noise(small) -> None:
    context, x = of_coils(small, SenseStep())
    noise = small.normal((2, 3, 4, 4), torch.complex128, 11)
    first, second = (SenseStep(1.0, 1.0)(State(v, 1), context).x for v in (x, x + noise))
    kept = torch.view_as_real(second - first).square().mean() / torch.view_as_real(noise).square().mean()
    assert math.sqrt(1 - 1 / 3) - 0.1 < kept.sqrt() <= 1


@pytest.mark.parametrize(
    ("signal", "view", "kind", "words"),
    [
        (SplitComplex(), None, "sense", "SenseStep needs a state of coil images: use the view Soss"),
        (SplitComplex(), Soss(), "no maps", "SenseStep needs coil maps"),
        (RealImage(), Soss(), "sense", "SenseStep needs a complex signal"),
    ],
)
def test_a_sense_step_without_what_it_needs_is_refused(
    small, signal: Signal, view: Soss | None, kind: str, words: str
) -> None:
    problem = small.problem("sense")
    if kind == "no maps":
        mask = problem.operator.factors[0].operator.mask.expand(3, 4, 4)
        problem = Problem(Subsample(mask) @ Fourier((3, 4, 4), axes=(-2, -1)), problem.y.flatten())
    parts = {} if view is None else {"view": view}
    sampler = Sampler(VE(0.1, 4), Geometric(3), [DDIM(), SenseStep()], signal, **parts)
    with pytest.raises(InputError, match=words):
        sampler.bind(problem, small.prior(1))


# The last denoising


@every_process
def test_the_last_denoising_is_guided_or_the_prior_s_alone(small, process: str) -> None:
    """At the smallest level, whatever the state's label, by one network call."""
    context = bound(small, [AnnealedLangevin(), NextLevel()], process, guidance=AnnealedLikelihood())
    x, k = small.normal((2, 4, 4), torch.complex128), 4
    prior = context.denoise(x, k)
    guided = context.estimate(x, k).mean
    calls = context.denoiser.calls
    for step, expected in [(Tweedie(guided=False), prior), (Tweedie(), guided)]:
        after = step(State(x, 5), context)
        assert torch.equal(after.x, expected)
        assert after.k == 5
    assert context.denoiser.calls - calls == 2 * len(x)
    assert not torch.allclose(prior, guided, rtol=1e-2)
    alone = small.rebound(context, guidance=None)
    assert torch.equal(Tweedie()(State(x, 5), alone).x, prior)


# Least squares whatever the prior says


@pytest.mark.parametrize(("name", "lam", "said"), [("sense", 1.0, 1), ("sense", 0.9, 0), ("fourier", 1.0, 0)])
def test_a_projection_that_leaves_nothing_to_the_prior_warns(
    small, recwarn: pytest.WarningsRecorder, name: str, lam: float, said: int
) -> None:
    """The three coils see half of the columns; one coil doesn't see what was not sampled."""
    sampler = Sampler(VE(0.1, 4), Geometric(3), [DDIM(), ProjectionConsistency(lam)], TwoChannel())
    sampler.bind(small.problem(name), small.prior(2))
    assert ["least squares whatever the prior says" in str(warning.message) for warning in recwarn] == [True] * said
