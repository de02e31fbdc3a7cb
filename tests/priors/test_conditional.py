import cmath

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from invdiff.diffusion import Problem
from invdiff.errors import InputError
from invdiff.operators import Diagonal, Fourier, Subsample, denoising, fourier, inpainting, sense
from invdiff.priors import EDM, ConditionalPrior, Intensity, Noise, Prior, ScorePrior, UNet
from invdiff.priors.conditional import to_channels, to_complex, to_image, to_kspace

SIDES = (6, 9)
DATA_STD = 0.3


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_complex(*shape: int, seed: int = 0) -> Tensor:
    return torch.view_as_complex(torch.randn(*shape, 2, generator=generator(seed), dtype=torch.float64))


def random_mask(seed: int = 0, sides: tuple[int, int] = SIDES) -> Tensor:
    mask = torch.rand(sides, generator=generator(seed)) < 0.4
    mask[sides[0] // 2, sides[1] // 2] = True
    mask[0, 0] = False
    return mask


def coil_problem(mask: Tensor, images: Tensor) -> Problem:
    """P(Λ) F of coil images, as the view shows them to a prior."""
    shape = tuple(images.shape)
    operator = Subsample(mask.expand(shape)) @ Fourier(shape, axes=(-2, -1))
    return Problem(operator, operator(images))


class Linear(nn.Module):
    """Channels mixed by a matrix, in float64; what it was asked is kept."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.asked: list[Tensor] = []

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        self.asked.append(x)
        return torch.einsum("oc,bchw->bohw", self.weight, x)


def random_linear(seed: int = 0) -> Linear:
    return Linear(torch.randn(4, 4, generator=generator(seed), dtype=torch.float64))


def prior_of(network: nn.Module, parameterisation: object = None, **options: object) -> ConditionalPrior:
    chosen = parameterisation or EDM(DATA_STD)
    return ConditionalPrior(ScorePrior(network, chosen, channels=(4,), sigma_range=(0.01, 10), **options))


def unet() -> nn.Module:
    network = UNet(4, widths=(8, 16), blocks=1, embedding=16).double()
    for i, parameter in enumerate(network.parameters()):
        parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator(i), dtype=torch.float64)
    return network


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.sampled_from([EDM(DATA_STD), Noise()]), st.floats(0.01, 10))
def test_a_linear_network_by_hand(seed: int, parameterisation: object, sigma: float) -> None:
    """m_c F (skip u + out (W_u scale u + W_z z)), u = F⁻¹ m_c x, with dense Fourier matrices."""
    mask, network = random_mask(seed), random_linear(seed)
    truth, x = random_complex(*SIDES, seed=seed), random_complex(3, *SIDES, seed=seed + 1)
    problem = coil_problem(mask, truth)
    dense = Fourier(SIDES)(torch.eye(54, dtype=torch.complex128).reshape(54, *SIDES)).reshape(54, 54).T
    left_out = (~mask).flatten().to(torch.complex128)
    zero_filled = to_channels((dense.mH @ ((1 - left_out) * (dense @ truth.flatten()))).reshape(SIDES))
    skip, out, scale = parameterisation.preconditioning(sigma)
    answers = prior_of(network, parameterisation).given(problem).denoise(to_channels(x), sigma)
    for one, answer in zip(x, answers, strict=True):
        u = to_channels((dense.mH @ (left_out * one.flatten())).reshape(SIDES))
        mixed = torch.einsum("oc,chw->ohw", network.weight[:2], torch.cat([scale * u, zero_filled]))
        expected = left_out * (dense @ to_complex(skip * u + out * mixed).flatten())
        torch.testing.assert_close(to_complex(answer).flatten(), expected, rtol=1e-9, atol=1e-9)


def test_the_network_is_shown_the_zero_filled_image_unscaled() -> None:
    network, mask = random_linear(), random_mask()
    problem = coil_problem(mask, random_complex(2, *SIDES))
    prior = prior_of(network).given(problem)
    for sigma in (0.01, 1.0, 300.0):
        network.asked.clear()
        prior.denoise(torch.zeros(4, 2, *SIDES, dtype=torch.float64), sigma)
        shown = torch.cat(network.asked)
        expected = to_channels(problem.operator.H(problem.y)).repeat(2, 1, 1, 1)
        torch.testing.assert_close(shown[:, 2:], expected)
        assert not shown[:, :2].any()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.sampled_from([(6, 9), (8, 8), (5, 7)]), st.floats(0.01, 10))
def test_answers_live_on_the_unsampled_set_and_depend_on_it_alone(
    seed: int, sides: tuple[int, int], sigma: float
) -> None:
    mask = random_mask(seed, sides)
    prior = prior_of(unet()).given(coil_problem(mask, random_complex(2, *sides, seed=seed)))
    x = to_channels(random_complex(4, *sides, seed=seed + 1))
    answer = prior.denoise(x, sigma)
    assert (answer * mask == 0).all()
    assert (answer * ~mask != 0).any()
    assert torch.equal(answer, prior.denoise(x * ~mask, sigma))


def test_samples_and_coils_do_not_mix_and_coils_run_fastest() -> None:
    mask, images = random_mask(), random_complex(3, *SIDES)
    prior = prior_of(unet())
    x = to_channels(random_complex(2, 3, *SIDES, seed=1))
    together = prior.given(coil_problem(mask, images)).denoise(x.flatten(0, 1), 0.5).reshape(x.shape)
    for coil in range(3):
        alone = prior.given(coil_problem(mask, images[coil])).denoise(x[:, coil], 0.5)
        torch.testing.assert_close(together[:, coil], alone, rtol=1e-12, atol=1e-12)
    order = torch.tensor([2, 0, 1])
    turned = prior.given(coil_problem(mask, images[order])).denoise(x[:, order].flatten(0, 1), 0.5)
    assert torch.equal(turned.reshape(x.shape), together[:, order])
    assert not torch.equal(together[:, 0], together[:, 1])


def test_the_score_is_tweedies() -> None:
    prior = prior_of(unet()).given(coil_problem(random_mask(), random_complex(*SIDES)))
    x = to_channels(random_complex(2, *SIDES, seed=1))
    torch.testing.assert_close(prior.score(x, 0.5), (prior.denoise(x, 0.5) - x) / 0.25)
    with pytest.raises(InputError, match="above 0"):
        prior.score(x, 0.0)


def test_each_coil_may_have_its_own_mask() -> None:
    masks, images = torch.stack([random_mask(0), random_mask(1)]), random_complex(2, *SIDES)
    prior = prior_of(unet()).given(coil_problem(masks, images))
    answer = prior.denoise(to_channels(random_complex(4, *SIDES, seed=1)), 0.5)
    assert torch.equal((answer != 0).any(1), ~masks.repeat(2, 1, 1))


def test_dtype_of_the_question_is_kept() -> None:
    problem = coil_problem(random_mask(), random_complex(*SIDES))
    x = to_channels(random_complex(1, *SIDES, seed=1))
    double = prior_of(unet()).given(problem).denoise(x, 0.5)
    single = prior_of(unet()).given(problem).denoise(x.float(), 0.5)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-4)


def test_what_it_says_of_itself() -> None:
    intensity = Intensity(99, 2.0)
    prior = prior_of(unet(), intensity=intensity, data_std=0.1)
    given_ = prior.given(coil_problem(random_mask(), random_complex(*SIDES)))
    for one in (prior, given_):
        assert one.domain == "unsampled k-space"
        assert one.domain != Prior.domain
        assert one.channels == (2,)
        assert one.intensity == intensity
        assert one.data_std == 0.1
    assert prior.to("cpu") is prior
    x = to_channels(random_complex(1, *SIDES))
    assert torch.equal(given_.to("cpu").denoise(x, 0.5), given_.denoise(x, 0.5))


def test_without_a_measurement_it_refuses() -> None:
    prior, x = prior_of(unet()), torch.zeros(1, 2, *SIDES)
    for ask in (prior.denoise, prior.score):
        with pytest.raises(InputError, match=r"ask prior\.given\(problem\)"):
            ask(x, 0.5)


@pytest.mark.parametrize(
    "operator",
    [
        inpainting(random_mask()),
        Diagonal(random_complex(*SIDES).abs()) @ Fourier(SIDES),
        sense(random_mask(), random_complex(2, *SIDES)),
        Fourier(SIDES) + denoising(SIDES),
    ],
)
def test_other_problems_are_refused(operator) -> None:
    with pytest.raises(InputError, match="leave out k-space"):
        prior_of(unet()).given(Problem(operator, operator(random_complex(*SIDES))))


@settings(deadline=None, max_examples=10)
@given(st.floats(1e-3, 1e3), st.floats(0, 6))
def test_a_multiple_of_a_measurement_says_the_same(magnitude: float, angle: float) -> None:
    prior, operator, scale = prior_of(unet()), fourier(random_mask()), cmath.rect(magnitude, angle)
    y, x = operator(random_complex(*SIDES)), torch.randn(2, 2, *SIDES, generator=generator(3), dtype=torch.float64)
    expected = prior.given(Problem(operator, y)).denoise(x, 0.5)
    torch.testing.assert_close(prior.given(Problem(scale * operator, scale * y)).denoise(x, 0.5), expected)
    assert not torch.allclose(prior.given(Problem(operator, 2 * y)).denoise(x, 0.5), expected)


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(3, 2, *SIDES),
        torch.zeros(2, 1, *SIDES),
        torch.zeros(2, 2, 5, 5),
        torch.zeros(2, *SIDES),
        torch.zeros(2, 2, *SIDES, dtype=torch.complex64),
    ],
)
def test_states_that_do_not_fit_the_measurement_are_refused(x: Tensor) -> None:
    prior = prior_of(unet()).given(coil_problem(random_mask(), random_complex(2, *SIDES)))
    with pytest.raises(InputError, match=r"2 image\(s\) of 6 x 9"):
        prior.denoise(x, 0.5)


def test_wrong_levels_and_networks_are_refused() -> None:
    prior = prior_of(unet()).given(coil_problem(random_mask(), random_complex(*SIDES)))
    with pytest.raises(InputError, match="at least 0"):
        prior.denoise(torch.zeros(1, 2, *SIDES), -1.0)
    with pytest.raises(InputError, match=r"4 channels.*takes 1 or 2"):
        ConditionalPrior(ScorePrior(UNet(), EDM(0.2), channels=(1, 2), sigma_range=(0.1, 1)))


def test_transforms_are_the_operators() -> None:
    x = random_complex(2, 5, 8)
    torch.testing.assert_close(to_kspace(x), Fourier((5, 8))(x))
    torch.testing.assert_close(to_image(to_kspace(x)), x)
    torch.testing.assert_close(to_complex(to_channels(x)), x)
