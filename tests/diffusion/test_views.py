"""What the state is: an image, all coil images, or the k-space that was not sampled."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from invdiff.diffusion import (
    DDIM,
    VE,
    Geometric,
    GradientConsistency,
    Lagging,
    Langevin,
    NoiseStream,
    Problem,
    Proximal,
    ReverseDiffusion,
    Sampler,
    Sense,
    Soss,
    SplitComplex,
    Step,
    TwoChannel,
    UnsampledKspace,
    View,
)
from invdiff.errors import InputError
from invdiff.methods import chung2022_soss, mc_ddpm
from invdiff.operators import Fourier, RealPart, Subsample, sense
from invdiff.priors import EDM, ConditionalPrior, Prior, ScorePrior


class Convolution(nn.Module):
    """A small network in double precision that mixes pixels and channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(channels)
        self.weight = nn.Parameter(
            0.3 * torch.randn(channels, channels, 3, 3, generator=generator, dtype=torch.float64)
        )

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(x, self.weight, padding=1).tanh()


def network(channels: int, **options: int) -> ScorePrior:
    return ScorePrior(Convolution(channels), EDM(0.5), channels=(channels,), sigma_range=(0.01, 10.0), **options)


def sampled(problem: Problem) -> Tensor:
    """The mask of P(Λ), for each coil where it has one for each."""
    subsample = problem.operator.factors[0]
    return getattr(subsample, "operator", subsample).mask


def without_maps(problem: Problem) -> Problem:
    """The same measurement of coil images of which nothing is known."""
    shape = (3, 4, 4)
    operator = Subsample(sampled(problem).expand(shape)) @ Fourier(shape, axes=(-2, -1))
    return Problem(operator, problem.y.flatten(), problem.noise_std)


# Every coil by itself


@dataclass
class OneCoil:
    """The numbers that a run of all coils gives to one of them."""

    every: NoiseStream
    coil: int

    @property
    def samples(self) -> object:
        return self.every.samples

    def rewind(self, iteration: int) -> None:
        self.every.rewind(iteration)

    def like(self, x: Tensor) -> Tensor:
        return self.every.like(x.expand(-1, 3, -1, -1))[:, self.coil : self.coil + 1]


def soss(*correctors: Step) -> Sampler:
    return Sampler(VE(0.1, 4), Geometric(5), [ReverseDiffusion(), *correctors], SplitComplex(), view=Soss())


def last_state(sampler: Sampler, problem: Problem, prior: Prior, coil: int | None = None) -> Tensor:
    context = sampler.bind(problem, prior).run([0, 2], seed=3)
    if coil is not None:
        context = replace(context, noise=OneCoil(context.noise, coil))
    *_, state = context.states()
    return state.x


def alone(problem: Problem, coil: int) -> Problem:
    maps = problem.operator.factors[-1].maps
    return Problem(sense(sampled(problem), maps[coil : coil + 1]), problem.y[coil : coil + 1], problem.noise_std)


CORRECTORS = {
    "predictor": (),
    "consistency": (GradientConsistency(0.9, noised=True),),
    "image": (GradientConsistency(), Langevin(0.2, over="image"), Lagging(Langevin(0.2, over="image"))),
    "part": (Langevin(0.2, over="part"),),
}


@pytest.mark.parametrize("coil", [0, 2])
@pytest.mark.parametrize("name", CORRECTORS)
def test_a_coil_alone_has_the_same_image_bit_for_bit(small, name: str, coil: int) -> None:
    problem, sampler = small.problem("sense"), soss(*CORRECTORS[name])
    together = last_state(sampler, problem, network(1))
    assert torch.equal(last_state(sampler, alone(problem, coil), network(1), coil), together[:, coil : coil + 1])


def test_the_method_keeps_coils_apart(small) -> None:
    problem, sampler = small.problem("sense"), chung2022_soss(steps=4, sigma_max=4.0)
    together = last_state(sampler, problem, network(1))
    assert torch.equal(last_state(sampler, alone(problem, 1), network(1), 1), together[:, 1:2])


@pytest.mark.parametrize("over", ["sample", "batch"])
def test_a_step_size_of_all_coils_together_ties_them(small, over: str) -> None:
    problem, sampler = small.problem("sense"), soss(Langevin(0.2, over=over))
    together = last_state(sampler, problem, network(1))
    assert not torch.allclose(last_state(sampler, alone(problem, 1), network(1), 1), together[:, 1:2], rtol=1e-3)


@pytest.mark.parametrize("micro_batch", [1, 2, 5, 12])
def test_micro_batches_make_no_difference(small, micro_batch: int) -> None:
    problem, sampler = small.problem("sense"), chung2022_soss(steps=4, sigma_max=4.0)
    expected = last_state(sampler, problem, network(1))
    torch.testing.assert_close(
        last_state(sampler, problem, network(1, micro_batch=micro_batch)), expected, rtol=1e-9, atol=1e-9
    )


class Gossip(Prior):
    """A network that looks at the other images of its batch."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return 0.5 * x + 0.1 * x.mean(0)


def test_a_network_that_ties_the_images_of_a_batch_is_noticed(small) -> None:
    problem, sampler = small.problem("sense"), soss()
    together = last_state(sampler, problem, Gossip())
    assert not torch.allclose(last_state(sampler, alone(problem, 1), Gossip(), 1), together[:, 1:2], rtol=1e-3)


@given(seed=st.integers(0, 99))
@settings(max_examples=20)
def test_the_image_is_the_root_of_the_sum_of_squared_moduli(small, seed: int) -> None:
    x = small.normal((2, 3, 4, 4), torch.complex128, seed)
    image = Soss().image(x, small.problem("sense"))
    expected = (x.real**2 + x.imag**2).sum(1).sqrt()
    assert image.shape == (2, 4, 4)
    torch.testing.assert_close(image, expected)
    phases = torch.exp(1j * small.normal(tuple(x.shape), torch.float64, seed + 1))
    torch.testing.assert_close(Soss().image(x * phases, small.problem("sense")), expected)
    assert not torch.allclose((x**2).sum(1).sqrt().abs(), expected, rtol=1e-2)  # squares without moduli


def test_a_run_gives_real_images_of_no_sign(small) -> None:
    images = soss(GradientConsistency())(small.problem("sense"), network(1), samples=2).samples
    assert (images.shape, images.dtype) == ((2, 4, 4), torch.float64)
    assert torch.all(images > 0)


def test_maps_are_taken_off_and_not_used(small) -> None:
    problem, sampler = small.problem("sense"), soss(GradientConsistency())
    context = sampler.bind(problem, network(1)).run()
    assert repr(context.operator) == "P(Λ) F"
    assert context.operator.domain_shape == (3, 4, 4)
    other = replace(problem, operator=sense(sampled(problem), small.normal((3, 4, 4), torch.complex128, 9)))
    expected = last_state(sampler, problem, network(1))
    for changed in (other, without_maps(problem)):
        torch.testing.assert_close(last_state(sampler, changed, network(1)), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["fourier", "inpainting", "denoising"])
def test_one_coil_is_refused(small, name: str) -> None:
    with pytest.raises(InputError, match=r"image of every coil, \(coils, H, W\), but .* of shape \(4, 4\)"):
        soss().bind(small.problem(name), network(1))


# The unsampled k-space


UNSAMPLED: dict[str, Sampler] = {
    "ddpm": mc_ddpm(steps=5),
    "ddim": mc_ddpm(steps=5, predictor=DDIM(0.5)),
    "corrected": Sampler(
        VE(0.1, 4), Geometric(4), [Langevin(0.2), ReverseDiffusion()], TwoChannel(), view=UnsampledKspace()
    ),
}
every_unsampled = pytest.mark.parametrize("name", UNSAMPLED)


def conditional() -> ConditionalPrior:
    return ConditionalPrior(network(4))


@pytest.mark.parametrize("kind", ["fourier", "sense", "no maps"])
@every_unsampled
def test_nothing_is_ever_where_samples_are(small, name: str, kind: str) -> None:
    problem = without_maps(small.problem("sense")) if kind == "no maps" else small.problem(kind)
    sampler = UNSAMPLED[name]
    states = [state.x for state in sampler.bind(problem, conditional()).run([0, 1]).states()]
    mask = sampled(problem)
    assert len(states) == sampler.grid.steps + 1
    for x in states:
        assert torch.all(x[..., mask] == 0)
        assert torch.all(x[..., ~mask] != 0)


def test_noise_on_the_samples_is_noticed(small) -> None:
    problem, sampler = small.problem("fourier"), UNSAMPLED["ddpm"]
    context = sampler.bind(problem, conditional()).run()
    everywhere = replace(context, noise=replace(context.noise, support=None))
    first, *_ = everywhere.states()
    assert not torch.all(first.x[..., sampled(problem)] == 0)


@every_unsampled
def test_the_image_keeps_what_was_measured(small, name: str) -> None:
    problem = small.problem("fourier")
    images = UNSAMPLED[name](problem, conditional(), samples=2).samples
    for image in images:
        torch.testing.assert_close(problem.operator(image), problem.y, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(images[0], images[1], rtol=1e-2)
    assert not torch.allclose(images[0], problem.zero_filled, rtol=1e-2)


def test_coil_images_keep_what_was_measured(small) -> None:
    """With maps, each coil's image does so before they are combined; without, the root of the sum of squares is."""
    problem, view = small.problem("sense"), UnsampledKspace()
    x = small.normal((2, 3, 4, 4), torch.complex128, 8) * ~sampled(problem)
    F, mask = Fourier((3, 4, 4), axes=(-2, -1)), sampled(problem)
    kspace = x.clone()
    kspace[..., mask] += problem.y
    coils, maps = F.H(kspace), problem.operator.factors[-1].maps
    combined = (maps.conj() * coils).sum(1) / maps.abs().square().sum(0)
    torch.testing.assert_close(view.image(x, problem), combined)
    squares = coils.abs().square().sum(1).sqrt()
    torch.testing.assert_close(view.image(x, without_maps(problem)), squares)
    assert not torch.allclose(combined.abs(), squares, rtol=1e-2)


@pytest.mark.parametrize("name", ["inpainting", "denoising"])
def test_other_operators_are_refused(small, name: str) -> None:
    with pytest.raises(InputError, match=r"needs Cartesian k-space, P\(Λ\) F or P\(Λ\) F S, but the operator is"):
        UNSAMPLED["ddpm"].bind(small.problem(name), conditional())


def test_whole_k_space_without_a_mask_is_refused(small) -> None:
    problem = Problem(Fourier((4, 4)), small.normal((4, 4), torch.complex128))
    with pytest.raises(InputError, match="needs Cartesian k-space"):
        UNSAMPLED["ddpm"].bind(problem, conditional())


def test_a_view_and_a_prior_of_other_things_are_refused(small) -> None:
    problem = small.problem("fourier")
    with pytest.raises(InputError, match=r"UnsampledKspace needs a prior that knows the unsampled k-space"):
        UNSAMPLED["ddpm"].bind(problem, small.prior(2))
    for view, name in [(Sense(), "fourier"), (Soss(), "sense")]:
        sampler = Sampler(VE(), Geometric(3), [DDIM()], TwoChannel(), view=view)
        with pytest.raises(InputError, match=rf"{type(view).__name__} needs a prior that knows the image"):
            sampler.bind(small.problem(name), conditional())


@pytest.mark.parametrize(
    "changed",
    [{"steps": [DDIM(), GradientConsistency()]}, {"guidance": Proximal()}],
    ids=lambda changed: next(iter(changed)),
)
def test_parts_that_want_samples_in_the_state_are_refused(small, changed: dict[str, object]) -> None:
    with pytest.raises(InputError, match="needs a state that the measured samples constrain; UnsampledKspace's holds"):
        replace(UNSAMPLED["ddpm"], **changed).bind(small.problem("fourier"), conditional())


# The same measurement, scaled


scales = st.sampled_from([2.0, -0.3, 1e3, 0.6 - 0.8j, 3j])


@given(scale=scales, seed=st.integers(0, 99), view=st.sampled_from([Sense(), Soss(), UnsampledKspace()]))
@settings(max_examples=30)
def test_a_scaled_measurement_has_the_same_states_and_images(small, scale: complex, seed: int, view: View) -> None:
    problem = small.problem("sense")
    scaled = Problem(scale * problem.operator, scale * problem.y)
    image = small.normal((4, 4), torch.complex128, seed)
    state = view.state(image, problem)
    torch.testing.assert_close(view.state(image, scaled), state)
    torch.testing.assert_close(view.image(state[None], scaled), view.image(state[None], problem))
    assert view.offers(scaled) == view.offers(problem)
    (operator, y), (plain, _) = (view.observe(p.operator, p.y) for p in (scaled, problem))
    torch.testing.assert_close(operator(state), scale * plain(state))
    assert y is scaled.y
    assert (view.support(operator) is None) == (view.support(plain) is None)
    if isinstance(view, UnsampledKspace):
        assert torch.equal(view.support(operator), view.support(plain))
        other = view.image(state[None], Problem(problem.operator, scale * problem.y))
        assert not torch.allclose(other, view.image(state[None], problem), rtol=1e-3)


@pytest.mark.parametrize("kind", ["fourier", "sense", "no maps"])
@pytest.mark.parametrize("scale", [2.0, 3j], ids=repr)
def test_a_scaled_measurement_has_the_same_conditional_samples(small, kind: str, scale: complex) -> None:
    problem = without_maps(small.problem("sense")) if kind == "no maps" else small.problem(kind)
    scaled = Problem(scale * problem.operator, scale * problem.y)
    expected = UNSAMPLED["ddpm"](problem, conditional()).samples
    torch.testing.assert_close(UNSAMPLED["ddpm"](scaled, conditional()).samples, expected)


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("scale", [1.0, 2.0, 3j], ids=repr)
def test_where_no_coil_sees_anything_the_image_is_zero(small, real: bool, scale: complex) -> None:
    body = torch.zeros(4, 4, dtype=torch.bool)
    body[1:3, 1:4] = True
    maps = body * small.normal((3, 4, 4), torch.complex128)
    operator = scale * sense(sampled(small.problem("sense")), maps)
    operator = operator @ RealPart((4, 4)).H if real else operator
    problem = Problem(operator, operator(torch.ones(4, 4, dtype=torch.float64)))
    image = Sense().image(torch.ones(2, 4, 4), problem)
    assert torch.equal(image, body.expand(2, 4, 4).to(image.dtype))


# There and back


def round_trip(view: View, problem: Problem, image: Tensor) -> Tensor:
    return view.image(view.state(image, problem)[None], problem)[0]


@given(seed=st.integers(0, 99))
@settings(max_examples=20)
def test_a_state_is_one_of_its_image(small, seed: int) -> None:
    """The data are those of the image, without noise; coil maps are normalised."""
    image = small.normal((4, 4), torch.complex128, seed)
    for name, view in [
        ("fourier", Sense()),
        ("inpainting", Sense()),
        ("sense", Sense()),
        ("fourier", UnsampledKspace()),
        ("sense", UnsampledKspace()),
    ]:
        operator = small.operators[name]
        torch.testing.assert_close(round_trip(view, Problem(operator, operator(image)), image), image)
    operator = small.operators["sense"]
    problem = Problem(operator, operator(image))
    torch.testing.assert_close(round_trip(Soss(), problem, image), image.abs())  # whose phase is not kept
    louder = Problem(operator, 2 * operator(image))
    assert not torch.allclose(round_trip(UnsampledKspace(), louder, image), image, rtol=1e-2)


@given(seed=st.integers(0, 99))
@settings(max_examples=20)
def test_an_image_of_a_state_has_that_state(small, seed: int) -> None:
    problem, view = small.problem("fourier"), UnsampledKspace()
    x = small.normal((1, 4, 4), torch.complex128, seed) * ~sampled(problem)
    torch.testing.assert_close(view.state(view.image(x, problem)[0], problem), x[0])
    image = small.normal((4, 4), torch.complex128, seed)
    assert torch.equal(Sense().state(Sense().image(image[None], problem)[0], problem), image)


def test_coil_images_begin_as_the_image_seen_by_each_coil(small) -> None:
    problem, image = small.problem("sense"), small.normal((4, 4), torch.complex128)
    torch.testing.assert_close(Soss().state(image, problem), problem.operator.factors[-1].maps * image)
    coils = small.normal((3, 4, 4), torch.complex128)
    assert torch.equal(Soss().state(coils, without_maps(problem)), coils)
