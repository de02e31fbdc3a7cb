"""Density compensation, against trajectories whose density is known."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.diffusion import Problem
from invdiff.errors import InputError
from invdiff.operators import NonUniformFourier, Sensitivities, Shape, pipe, voronoi

WEIGHTS = {"pipe": pipe, "voronoi": voronoi}


def grid(shape: Shape) -> Tensor:
    axes = [(torch.arange(n, dtype=torch.float64) - n // 2) / n for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)


def radial(spokes: int, samples: int) -> Tensor:
    turns = torch.arange(spokes, dtype=torch.float64)[:, None] * math.pi / spokes
    along = (torch.arange(samples, dtype=torch.float64) - samples // 2) / samples
    return torch.stack([along * turns.cos(), along * turns.sin()], dim=-1).flatten(0, 1)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("shape", [(4, 6), (5, 3), (3, 4, 3)])
def test_the_points_of_the_grid_weigh_one(name: str, shape: Shape) -> None:
    weights = WEIGHTS[name](NonUniformFourier(grid(shape), shape, eps=1e-12))
    torch.testing.assert_close(weights, torch.ones(math.prod(shape), dtype=torch.float64), rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", WEIGHTS)
def test_points_that_were_measured_twice_share_a_weight(name: str) -> None:
    points = grid((4, 6))
    weights = WEIGHTS[name](NonUniformFourier(torch.cat([points, points[:10]]), (4, 6), eps=1e-12))
    expected = torch.ones(34, dtype=torch.float64)
    expected[:10] = expected[24:] = 0.5
    torch.testing.assert_close(weights, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_frame_has_its_own(name: str) -> None:
    frames = torch.stack([grid((4, 4)), grid((4, 4)) / 2])
    weights = WEIGHTS[name](NonUniformFourier(frames, (4, 4)))
    alone = [WEIGHTS[name](NonUniformFourier(points, (4, 4))) for points in frames]
    torch.testing.assert_close(weights, torch.stack(alone), rtol=1e-6, atol=0)
    assert weights[1].mean() < 0.5 * weights[0].mean()


def test_cells_of_spokes_grow_with_their_distance_from_the_centre() -> None:
    points, spokes = radial(48, 32), 48
    weights = voronoi(NonUniformFourier(points, (16, 16)))
    distance = points.norm(dim=-1)
    inside = (distance > 0.02) & (distance < 0.45)
    expected = distance * math.pi / spokes / 32 * 16**2
    torch.testing.assert_close(weights[inside], expected[inside], rtol=2e-3, atol=0)
    assert float(weights.sum()) == pytest.approx(math.pi / 4 * 16**2, rel=0.1)  # the disc, in pixels


def seen_by(points: Tensor, shape: Shape) -> Tensor:
    """What each sample sees of each: the field of view's response, squared."""
    seen = torch.ones(len(points), len(points), dtype=torch.float64)
    for axis, n in enumerate(shape):
        pixels = torch.arange(n, dtype=torch.float64)
        along = points[:, None, axis] - points[None, :, axis]
        seen *= torch.exp(-2j * math.pi * along[..., None] * pixels).mean(-1).abs().square()
    return seen


@given(seed=st.integers(0, 2**20), shape=st.sampled_from([(5, 4), (8, 8), (3, 4, 3)]))
@settings(max_examples=20)
def test_an_iteration_of_pipe_divides_by_what_is_seen(seed: int, shape: Shape) -> None:
    points = torch.rand(30, len(shape), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 0.5
    A, K, expected = NonUniformFourier(points, shape, eps=1e-12), seen_by(points, shape), torch.ones(30).double()
    for iterations in (1, 2):
        expected = expected / (K @ expected)
        torch.testing.assert_close(pipe(A, iterations), expected, rtol=1e-9, atol=0)


def test_after_pipe_all_of_a_radial_scan_sees_one() -> None:
    points = radial(25, 32)
    A, K = NonUniformFourier(points, (16, 16)), seen_by(points, (16, 16))

    def off(weights: Tensor) -> float:
        return float((K @ weights - 1).abs().mean())

    assert off(pipe(A)) < 0.02
    assert off(voronoi(A)) > 0.02


def spokes_of_a_square(maps: Tensor) -> tuple[Problem, Tensor, NonUniformFourier]:
    truth = torch.zeros(16, 16, dtype=torch.complex128)
    truth[5:11, 4:12] = 3
    transform = NonUniformFourier(radial(40, 32), (16, 16), eps=1e-9)
    operator = transform @ Sensitivities(maps)
    return Problem(operator, operator(truth)), truth, transform


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_gridded_image_is_near_the_truth(name: str) -> None:
    maps = torch.ones(2, 16, 16, dtype=torch.complex128) * torch.tensor([2, 1j])[:, None, None]
    problem, truth, transform = spokes_of_a_square(maps)

    def off(image: Tensor) -> float:
        return float((image - truth).norm() / truth.norm())

    image = problem.gridded(WEIGHTS[name](transform))
    assert off(image) < 0.25
    assert off(problem.gridded(torch.ones(transform.codomain_shape))) > 2 * off(image)
    torch.testing.assert_close(problem.gridded(7 * WEIGHTS[name](transform)), image)


def test_what_can_not_be_weighed_is_refused() -> None:
    line = torch.stack([torch.linspace(-0.5, 0.5, 9), torch.zeros(9)], dim=-1)
    with pytest.raises(InputError, match="enclose no part of k-space"):
        voronoi(NonUniformFourier(line, (4, 4)))
    with pytest.raises(InputError, match="so few"):
        voronoi(NonUniformFourier(torch.tensor([[0, 0], [0.1, 0], [0, 0.1], [0.1, 0.1]]), (4, 4)))
    with pytest.raises(InputError, match="two or three dimensions"):
        voronoi(NonUniformFourier(torch.zeros(3, 1), (4,)))
    with pytest.raises(InputError, match="at least one iteration"):
        pipe(NonUniformFourier(line, (4, 4)), 0)
    problem, _, _ = spokes_of_a_square(torch.ones(1, 16, 16, dtype=torch.complex128))
    with pytest.raises(InputError, match=r"shape \(3,\) but the measurement has \(1, 1280\)"):
        problem.gridded(torch.ones(3))
    for weights in (
        torch.zeros(1280),
        torch.ones(1280) + 0j,
        -torch.ones(1280),
        torch.full((1280,), math.nan),
        torch.ones(1280) / 0,
    ):
        with pytest.raises(InputError, match="finite and not negative"):
            problem.gridded(weights)
