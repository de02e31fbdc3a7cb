import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.priors import (
    EDM,
    Clean,
    GaussianPrior,
    LogSigma,
    Noise,
    Parameterisation,
    Score,
    ScorePrior,
    SigmaLabel,
    StepNumber,
    SubVPScaling,
    SubVPTime,
    UnitScaling,
    Velocity,
    VPScaling,
    VPTime,
)

SHAPE = (1, 3, 4)
GENERATOR = torch.Generator().manual_seed(3)
MEAN = torch.randn(SHAPE, generator=GENERATOR, dtype=torch.float64)
VARIANCES = torch.rand(SHAPE, generator=GENERATOR, dtype=torch.float64) + 0.1
EXACT = GaussianPrior(MEAN, VARIANCES)
RANGE = (1e-3, 1e3)


def vp_sigma(time: float, b0: float = 0.1, b1: float = 20.0) -> float:
    """Forward: the level of VP time, sqrt(1 - a^2) / a with ln a = -t^2 (b1 - b0) / 4 - t b0 / 2."""
    mean = math.exp(-(time**2) * (b1 - b0) / 4 - time * b0 / 2)
    return math.sqrt(1 - mean**2) / mean


class ExactNetwork(nn.Module):
    """What an ideally trained network gives, worked out in its own variables from the Gaussian alone.

    VP networks see u = a x_0 + b z, so u ~ N(a m, a^2 v + b^2): E[z | u] = b (u - a m) / (a^2 v + b^2).
    """

    def noise(self, u: Tensor, a: float, b: float) -> Tensor:
        return b * (u.double() - a * MEAN) / (a**2 * VARIANCES + b**2)

    def signal(self, u: Tensor, a: float, b: float) -> Tensor:
        return MEAN + a * VARIANCES * (u.double() - a * MEAN) / (a**2 * VARIANCES + b**2)


class ScoreNetwork(ExactNetwork):
    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return -self.noise(x, 1.0, label.item()) / label.item()


class NoiseNetwork(ExactNetwork):
    def forward(self, u: Tensor, label: Tensor) -> Tensor:
        sigma = vp_sigma(label.item() / 999)
        a = 1 / math.sqrt(1 + sigma**2)
        return self.noise(u, a, sigma * a)


class SubVPNoiseNetwork(ExactNetwork):
    def forward(self, u: Tensor, label: Tensor) -> Tensor:
        time = label.item() / 999
        a = math.exp(-(time**2) * 19.9 / 4 - time * 0.05)
        return self.noise(u, a, 1 - a**2)


class CleanNetwork(ExactNetwork):
    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.signal(x, 1.0, label.item())


class VPCleanNetwork(ExactNetwork):
    def forward(self, u: Tensor, label: Tensor) -> Tensor:
        sigma = math.exp(label.item())
        a = 1 / math.sqrt(1 + sigma**2)
        return self.signal(u, a, sigma * a)


class VelocityNetwork(ExactNetwork):
    def forward(self, u: Tensor, label: Tensor) -> Tensor:
        sigma = math.exp(label.item())
        a = 1 / math.sqrt(1 + sigma**2)
        return a * self.noise(u, a, sigma * a) - sigma * a * self.signal(u, a, sigma * a)


class EDMNetwork(ExactNetwork):
    """F that minimises Karras' loss: (E[x_0 | x] - c_skip x) / c_out with x = u / c_in."""

    def __init__(self, sigma_data: float) -> None:
        super().__init__()
        self.sigma_data = sigma_data

    def forward(self, u: Tensor, label: Tensor) -> Tensor:
        sigma = math.exp(4 * label.item())
        total = sigma**2 + self.sigma_data**2
        x = u.double() * math.sqrt(total)
        signal = self.signal(x, 1.0, sigma)
        return (signal - self.sigma_data**2 / total * x) * math.sqrt(total) / (sigma * self.sigma_data)


PAIRS = [
    (ScoreNetwork(), Score()),
    (NoiseNetwork(), Noise()),
    (VelocityNetwork(), Velocity(LogSigma())),
    (EDMNetwork(0.5), EDM(0.5)),
    (SubVPNoiseNetwork(), Noise(SubVPTime(), SubVPScaling())),
    (CleanNetwork(), Clean()),
    (VPCleanNetwork(), Clean(LogSigma(), VPScaling())),
]


def wrap(network: nn.Module, parameterisation: Parameterisation) -> ScorePrior:
    return ScorePrior(network, parameterisation, channels=(1,), sigma_range=RANGE)


@pytest.mark.parametrize(("network", "parameterisation"), PAIRS)
@settings(max_examples=30)
@given(st.floats(0.01, 100), st.integers(0, 2**16))
def test_each_parameterisation_of_the_exact_network_is_the_exact_prior(network, parameterisation, sigma, seed) -> None:
    x = MEAN + (1 + sigma) * torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    prior = wrap(network, parameterisation)
    torch.testing.assert_close(prior.denoise(x, sigma), EXACT.denoise(x, sigma), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(prior.score(x, sigma), EXACT.score(x, sigma), rtol=1e-6, atol=1e-6 / sigma)


@pytest.mark.parametrize("taken_for", range(4))
def test_a_network_taken_for_another_kind_is_caught(taken_for) -> None:
    x = MEAN + torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    network, right = PAIRS[taken_for]
    for _, other in PAIRS[:4]:
        label = right.label  # the same label, so that the formula alone differs
        wrong = EDM(0.5, label) if isinstance(other, EDM) else type(other)(label)
        same = torch.allclose(wrap(network, wrong).denoise(x, 0.6), EXACT.denoise(x, 0.6), atol=1e-3)
        assert same == (type(other) is type(right))


def test_a_native_score_is_used_as_it_is() -> None:
    network = ScoreNetwork()
    x = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(0))
    native = network(x, torch.tensor([0.01])).float()
    assert torch.equal(wrap(network, Score()).score(x, torch.tensor(0.01).item()), native)


@pytest.mark.parametrize("scaling", [UnitScaling(), VPScaling(), SubVPScaling()])
@pytest.mark.parametrize(("network", "right"), [PAIRS[1], *PAIRS[4:]])
def test_a_network_shown_another_scale_is_caught(network, right, scaling) -> None:
    x = MEAN + torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = wrap(network, type(right)(right.label, scaling)).denoise(x, 0.6)
    assert torch.allclose(found, EXACT.denoise(x, 0.6), atol=1e-3) == (scaling == right.scaling)


@pytest.mark.parametrize(("network", "parameterisation"), PAIRS)
@pytest.mark.parametrize("network_range", [(-1.0, 1.0), (0.0, 255.0), (3.0, 3.5)])
def test_a_network_of_another_range_is_the_prior_of_images_in_0_to_1(network, parameterisation, network_range) -> None:
    """The network knows the Gaussian on its own scale; the answer is the Gaussian shrunk and shifted."""
    black, gain = network_range[0], network_range[1] - network_range[0]
    shrunk = GaussianPrior((MEAN - black) / gain, VARIANCES / gain**2)
    prior = ScorePrior(network, parameterisation, channels=(1,), sigma_range=(1e-6, 1e3), network_range=network_range)
    for level in (0.02, 0.6, 30.0):
        sigma = level / gain
        x = shrunk.mean + sigma * torch.randn(3, *SHAPE, generator=GENERATOR, dtype=torch.float64)
        torch.testing.assert_close(prior.denoise(x, sigma), shrunk.denoise(x, sigma), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(prior.score(x, sigma), shrunk.score(x, sigma), rtol=1e-6, atol=1e-6 / sigma)
        assert not torch.allclose(wrap(network, parameterisation).denoise(x, sigma), shrunk.denoise(x, sigma))


NATIVE = [pair for pair in PAIRS if not isinstance(pair[1], Clean)]


@pytest.mark.parametrize(("network", "parameterisation"), NATIVE)
def test_scores_do_not_cancel_in_float32(network, parameterisation) -> None:
    sigma = 0.01
    x = EXACT.mean + sigma * torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    score = wrap(network, parameterisation).score(x.float(), sigma)
    assert score.dtype == torch.float32
    exact = EXACT.score(x, sigma)
    assert (score - exact).norm() / exact.norm() < 5e-4  # (denoise - x) / sigma^2 would be in error by 5e-3


@given(st.floats(1e-4, 1))
def test_vp_time_undoes_the_vp_process(time) -> None:
    assert VPTime()(vp_sigma(time)) == pytest.approx(999 * time, rel=1e-6)
    assert VPTime(b0=0.2, b1=7, scale=1)(vp_sigma(time, 0.2, 7)) == pytest.approx(time, rel=1e-6)


def test_vp_time_of_a_constant_rate_and_of_a_discrete_schedule() -> None:
    assert VPTime(b0=3, b1=3, scale=1)(vp_sigma(0.4, 3, 3)) == pytest.approx(0.4)
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    kept = (1 - betas).cumprod(0)
    for step in (100, 500, 999):
        assert VPTime()(math.sqrt(1 / kept[step] - 1)) == pytest.approx(step, abs=4)


@given(st.floats(1e-4, 1))
def test_sub_vp_time_undoes_the_sub_vp_process(time) -> None:
    for b0, b1 in ((0.1, 20.0), (3.0, 3.0)):
        a = math.exp(-(time**2) * (b1 - b0) / 4 - time * b0 / 2)
        rest = -math.expm1(-(time**2) * (b1 - b0) / 2 - time * b0)  # beta = 1 - a^2
        assert SubVPTime(b0, b1, scale=1)(rest / a) == pytest.approx(time, rel=1e-6)
        assert SubVPScaling()(rest / a) == pytest.approx(a, rel=1e-6)


@given(st.floats(1e-3, 1e3))
def test_step_numbers_are_exact_at_steps_and_ascend_between(sigma) -> None:
    table = (0.01, 0.02, 0.5, 3.0, 100.0)
    label = StepNumber(table)
    assert [label(level) for level in table] == pytest.approx([0, 1, 2, 3, 4])
    assert label(math.sqrt(0.02 * 0.5)) == pytest.approx(1.5)
    assert 0 <= label(sigma) <= label(1.01 * sigma) <= 4
    step = label(sigma)
    if 0 < step < 4:
        low, high = table[int(step)], table[int(step) + 1]
        assert low * (high / low) ** (step % 1) == pytest.approx(sigma)


def test_labels_and_coefficients_say_what_papers_say() -> None:
    assert SigmaLabel()(3.0) == 3.0
    assert LogSigma(0.25)(3.0) == pytest.approx(math.log(3) / 4)
    assert EDM(0.2).label == LogSigma(0.25)
    assert EDM(0.5).preconditioning(0.0) == (1.0, 0.0, 2.0)
    assert Noise().preconditioning(1.0) == pytest.approx((1.0, -1.0, math.sqrt(0.5)))
    assert Clean().preconditioning(3.0) == (0.0, 1.0, 1.0)
    assert Clean(scaling=VPScaling()).preconditioning(1.0) == pytest.approx((0.0, 1.0, math.sqrt(0.5)))
    assert Velocity().preconditioning(1.0) == pytest.approx((0.5, -math.sqrt(0.5), math.sqrt(0.5)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: EDM(0.0),
        lambda: EDM(math.inf),
        lambda: VPTime(b0=2, b1=1),
        lambda: SubVPTime(b0=0, b1=0),
        lambda: StepNumber((1.0,)),
        lambda: StepNumber((0.0, 1.0)),
        lambda: StepNumber((2.0, 1.0)),
        lambda: StepNumber((1.0, math.inf)),
    ],
)
def test_refusals(make) -> None:
    with pytest.raises(InputError, match=r"it was given|must be"):
        make()
