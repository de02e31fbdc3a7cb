"""Volumes that a prior of images sees along each axis in turn."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import (
    VE,
    AlternatingPlanes,
    Converged,
    HalfQuadratic,
    Karras,
    NoiseStream,
    Problem,
    Proximal,
    RealImage,
    Renoise,
    Sampler,
    Signal,
    Soss,
    SplitComplex,
    SplittingWeight,
    Turned,
    TwoChannel,
    WienerStart,
)
from invdiff.diffusion.sampler import scale_of
from invdiff.errors import InputError
from invdiff.operators import Fourier, fourier, lift, sense
from invdiff.priors import GaussianPrior, Intensity, Prior

SIGNALS: list[Signal] = [RealImage(), SplitComplex(), TwoChannel()]


def normal(shape: tuple[int, ...], kind: torch.dtype, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if kind.is_complex:
        return torch.view_as_complex(torch.randn(*shape, 2, dtype=kind.to_real(), generator=generator))
    return torch.randn(shape, dtype=kind, generator=generator)


def at(signal: Signal, iteration: int, shape: torch.Size) -> Signal:
    noise = NoiseStream(0, 0, range(shape[0]), torch.device("cpu"))
    noise.rewind(iteration)
    return signal.drawn(noise, shape)


# What the network is shown


def check_shows_slices(make: Callable[..., Signal], inner: Signal, shape: tuple[int, ...], iteration: int) -> None:
    """What is shown are the slices across the axis whose turn it is, each as an image; and they come back."""
    kind = torch.complex128 if inner.is_complex else torch.float64
    x = normal(shape, kind)
    drawn = at(make(inner), iteration, x.shape)
    axis = (-3, -3, -3, -2, -3, -3, -3, -1)[iteration % 8]
    expected = torch.cat([inner.encode(image) for volume in x for image in volume.unbind(axis)])
    assert torch.equal(drawn.encode(x), expected)
    torch.testing.assert_close(drawn.decode(drawn.encode(x), x.shape), x)


@given(
    inner=st.sampled_from(SIGNALS),
    shape=st.tuples(*[st.integers(1, 4) for _ in range(4)]),
    iteration=st.integers(0, 10),
)
def test_slices_across_each_axis_are_shown_in_turn(inner: Signal, shape: tuple[int, ...], iteration: int) -> None:
    check_shows_slices(AlternatingPlanes, inner, shape, iteration)


class Standing(AlternatingPlanes):
    """The same axis in every iteration."""

    def drawn(self, noise: NoiseStream, shape: torch.Size) -> Signal:
        noise.rewind(0)
        return super().drawn(noise, shape)


class Mixed(AlternatingPlanes):
    """Axes out of order, so that numbers lie elsewhere in the images."""

    def drawn(self, noise: NoiseStream, shape: torch.Size) -> Signal:
        return self.signal


@pytest.mark.parametrize("broken", [Standing, Mixed])
def test_other_slices_are_noticed(broken: type[AlternatingPlanes]) -> None:
    with pytest.raises(AssertionError):
        check_shows_slices(broken, TwoChannel(), (2, 3, 4, 2), 3)


# A prior across each axis


@dataclass
class SmoothRows(Prior):
    """Images whose pixels are alike along both axes: filtered, the more the noisier."""

    channels = (1, 2)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        bent = sum(2 * x - x.roll(1, axis) - x.roll(-1, axis) for axis in (-2, -1))
        return x - sigma**2 / (0.1 + sigma**2) / 8 * bent


SIDE, NOISE_STD = 8, 0.5
ALIKE = torch.exp(-((torch.arange(SIDE).double()[:, None] - torch.arange(SIDE).double()) ** 2) / 8)


def smooth_images() -> GaussianPrior:
    """What each plane of a volume is that is as smooth along all axes."""
    covariance = torch.kron(torch.eye(2, dtype=torch.float64), torch.kron(ALIKE, ALIKE))
    return GaussianPrior(torch.zeros(2, SIDE, SIDE, dtype=torch.float64), covariance)


def measured() -> tuple[Problem, Tensor]:
    """All of a volume's k-space, with noise that is another in each slice."""
    root = torch.linalg.cholesky(ALIKE + 1e-9 * torch.eye(SIDE))
    root = root.to(torch.complex128)
    truth = torch.einsum("ia,jb,kc,abc->ijk", root, root, root, normal((SIDE, SIDE, SIDE), torch.complex128))
    operator = Fourier((SIDE, SIDE, SIDE), axes=(-2, -1))
    y = operator(truth)
    return Problem(operator, y + NOISE_STD * normal(tuple(y.shape), y.dtype, 1), NOISE_STD), truth


def roughness(image: Tensor, axis: int) -> float:
    return float(image.diff(dim=axis).abs().square().mean())


SAMPLER = Sampler(
    VE(),
    Karras(12, 1.0, 0.3),
    [HalfQuadratic()],
    TwoChannel(),
    guidance=Proximal(SplittingWeight(), Converged(1e-9), "estimate"),
    start=WienerStart(),
)


def test_slices_seen_along_every_axis_are_smooth_along_every_axis() -> None:
    problem, truth = measured()
    alone, alternating = (
        replace(SAMPLER, signal=signal)(problem, smooth_images()).samples[0]
        for signal in (TwoChannel(), AlternatingPlanes(TwoChannel()))
    )
    true = roughness(truth, 0)
    assert abs(roughness(alternating, 0) - true) < 0.5 * abs(roughness(alone, 0) - true)
    assert (alternating - truth).abs().square().mean() < 0.9 * (alone - truth).abs().square().mean()


def test_across_the_first_axis_alone_it_is_the_signal_itself() -> None:
    problem, _ = measured()
    plain, planes = (
        replace(SAMPLER, steps=[Renoise(0.7)], signal=signal)(problem, SmoothRows(), samples=2)
        for signal in (TwoChannel(), AlternatingPlanes(TwoChannel(), (-3,)))
    )
    assert torch.equal(plain.samples, planes.samples)
    assert plain.nfe == planes.nfe == 12


def test_turns_go_with_it_and_a_sample_depends_on_its_index_alone() -> None:
    problem, _ = measured()
    sampler = replace(SAMPLER, steps=[Renoise(0.7)], signal=AlternatingPlanes(Turned(SplitComplex())))
    whole = sampler(problem, SmoothRows(), samples=3, together=3).samples
    alone = sampler(problem, SmoothRows(), first=2).samples[0]
    torch.testing.assert_close(alone, whole[2], rtol=1e-9, atol=1e-9)
    assert not torch.allclose(whole[0], whole[1])


def test_lines_are_solved_for_the_volume_as_one() -> None:
    """Data that couple slices are met: some of three-dimensional k-space."""
    shape = (6, 8, 8)
    points = torch.rand(shape, generator=torch.Generator().manual_seed(1)) < 0.6
    points[3, 4, 4] = True
    truth = normal(shape, torch.complex128)
    operator = fourier(points)
    problem = Problem(operator, operator(truth), 1e-4)
    image = replace(SAMPLER, signal=AlternatingPlanes(TwoChannel()))(problem, SmoothRows()).samples[0]
    assert torch.linalg.vector_norm(operator(image) - problem.y) < 0.05 * torch.linalg.vector_norm(problem.y)


# The intensity


def test_a_volume_has_the_intensity_of_its_slices_and_not_of_their_sum() -> None:
    prior = SmoothRows()
    prior.intensity = Intensity(percentile=100.0, value=1.0)
    points = torch.ones(8, 8, dtype=torch.bool)
    image = normal((8, 8), torch.complex128).expand(5, 8, 8).contiguous()
    operator = lift((5,), fourier(points))
    problem = Problem(operator, operator(image), 0.1)
    one = Problem(fourier(points), fourier(points)(image[0]), 0.1)
    planes = AlternatingPlanes(TwoChannel())
    assert scale_of(problem, prior, planes) == pytest.approx(scale_of(one, prior), rel=1e-3)
    assert scale_of(problem, prior) == pytest.approx(math.sqrt(5) * scale_of(one, prior), rel=1e-3)
    assert scale_of(problem, prior, Turned(planes)) == scale_of(problem, prior, planes)
    bound = replace(SAMPLER, signal=planes, start=WienerStart()).bind(problem, prior)
    assert bound.scale == scale_of(problem, prior, planes)


# What is refused


def two_sets() -> Problem:
    operator = sense(torch.ones(4, 4, dtype=torch.bool), normal((2, 3, 4, 4), torch.complex128))
    return Problem(operator, torch.ones(operator.codomain_shape, dtype=torch.complex128), 0.1)


def test_images_that_are_no_volumes_are_refused() -> None:
    planes = replace(SAMPLER, signal=AlternatingPlanes(TwoChannel()))
    flat = fourier(torch.ones(4, 4, dtype=torch.bool))
    coils = lift((3,), flat)
    ones = {op: torch.ones(op.codomain_shape, dtype=torch.complex128) for op in (flat, coils)}
    for sampler, problem in (
        (planes, Problem(flat, ones[flat], 0.1)),
        (planes, two_sets()),
        (replace(planes, view=Soss()), Problem(coils, ones[coils], 0.1)),
    ):
        with pytest.raises(InputError, match=r"AlternatingPlanes needs an image \(D, H, W\) of one map set"):
            sampler.bind(problem, SmoothRows())


@pytest.mark.parametrize("axes", [(), (0,), (-3, -4)])
def test_other_axes_are_refused(axes: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="across the axes -3, -2 and -1, not across"):
        AlternatingPlanes(TwoChannel(), axes)
