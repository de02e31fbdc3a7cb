"""Every method with a transform off the grid: at the points of the grid it gives the images that it gives there."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from invdiff.diffusion import LateStart, Problem, Sampler
from invdiff.errors import InputError
from invdiff.methods import METHODS, ccdf
from invdiff.operators import LinearOperator, NonUniformFourier, Sensitivities, non_cartesian_sense, pipe
from invdiff.operators.lift import lift

SIDE = 4
REFUSED = {"mc_ddpm": "UnsampledKspace needs Cartesian k-space", "ddrm": "an operator whose singular values are known"}


def method(name: str) -> Sampler:
    run = METHODS[name].build(steps=20 if name == "score_sde" else 3)
    return replace(run, signal=run.signal.suiting(is_complex=run.signal.is_complex, channels=(run.signal.channels,)))


def points_of(mask: Tensor) -> Tensor:
    return (mask.nonzero() - SIDE // 2) / SIDE


def off_the_grid(problem: Problem) -> Problem:
    """The same measurement, by a transform that knows no grid."""
    cartesian, maps = problem.operator.peel(Sensitivities)
    mask = cartesian.factors[0].operator.mask
    return replace(problem, operator=non_cartesian_sense(points_of(mask), maps.maps))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_does_what_it_does_on_the_grid(small, name: str) -> None:
    run, problem = method(name), small.problem("sense")
    prior, other = small.prior(run.signal.channels, run.view.domain), off_the_grid(problem)
    if name in REFUSED:
        with pytest.raises(InputError, match=REFUSED[name]):
            run(other, prior)
        return
    made, expected = run(other, prior).samples, run(problem, prior).samples
    assert (made - expected).norm() <= 1e-6 * expected.norm()
    elsewhere = replace(other, operator=0.99 * other.operator)
    assert (run(elsewhere, prior).samples - expected).norm() > 1e-6 * expected.norm()


def test_a_gridded_image_is_one_to_begin_from(small) -> None:
    problem = off_the_grid(small.problem("sense"))
    (lifted,) = problem.operator.peel(Sensitivities)[0].factors
    assert isinstance(lifted.operator, NonUniformFourier)
    begun = replace(problem, initial=problem.gridded(pipe(lifted.operator)))
    sampler = ccdf(steps=5, image="initial")
    assert isinstance(sampler.start, LateStart)
    samples = sampler(begun, small.prior(sampler.signal.channels)).samples
    assert samples.isfinite().all()


# Frames


def frames() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(3, 2, 7, 2, dtype=torch.float64, generator=generator) - 0.5
    return points, torch.randn(2, 4, SIDE, 5, dtype=torch.complex128, generator=generator)


def check_frames(operator: LinearOperator, points: Tensor, maps: Tensor) -> None:
    """Of each frame what it is alone, coils before frames."""
    x = torch.randn(5, *operator.domain_shape, dtype=torch.complex128)
    made, back = operator(x), operator.gram(x)
    for i in range(3):
        for j in range(2):
            alone = non_cartesian_sense(points[i, j], maps)
            torch.testing.assert_close(made[..., i, j, :], alone(x[..., i, j, :, :]))
            torch.testing.assert_close(back[..., i, j, :, :], alone.gram(x[..., i, j, :, :]))


@pytest.mark.parametrize("sets", [False, True])
def test_frames_are_seen_by_the_same_coils(sets: bool) -> None:
    points, maps = frames()
    maps = maps if sets else maps[0]
    check_frames(non_cartesian_sense(points, maps), points, maps)
    with pytest.raises(AssertionError):
        check_frames(non_cartesian_sense(points.flip(0), maps), points, maps)


def test_alike_frames_are_a_lift() -> None:
    points, maps = frames()
    alike = points[:1, :1].expand(3, 2, 7, 2)
    lifted = lift((3, 2), non_cartesian_sense(points[0, 0], maps[0]))
    x = torch.randn(3, 2, SIDE, 5, dtype=torch.complex128)
    torch.testing.assert_close(non_cartesian_sense(alike, maps[0])(x), lifted(x).movedim(2, 0))


def test_maps_of_other_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match=r"points of 2 dimensions have the shape \(coils, \*image\)"):
        non_cartesian_sense(torch.zeros(5, 2), torch.ones(4, 4))
