"""The transform off the grid, against the sum that it is."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.operators import Fourier, LinearOperator, NonUniformFourier, RealPart, Sensitivities, Shape
from invdiff.refusal import refusal
from invdiff.testing import OperatorContract, dense, dot_test

GENERATOR = torch.Generator().manual_seed(4)
POINTS = torch.rand(9, 2, dtype=torch.float64, generator=GENERATOR) - 0.5
CLOSE = 1e-13
"""So small an error of a transform that what is computed in other ways agrees to the contract's accuracy."""


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=GENERATOR)


def grid(shape: Shape) -> torch.Tensor:
    """The points of the grid, in row-major order."""
    axes = [(torch.arange(n, dtype=torch.float64) - n // 2) / n for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)


def by_sum(points: torch.Tensor, shape: Shape) -> torch.Tensor:
    """The matrix of one frame as it is defined, complex (samples, pixels)."""
    axes = [torch.arange(n, dtype=torch.float64) - n // 2 for n in shape]
    pixels = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)
    return torch.exp(-2j * math.pi * (points.double() @ pixels.T)) / math.sqrt(math.prod(shape))


@st.composite
def trajectories(draw: st.DrawFn, most_frames: int = 2) -> tuple[torch.Tensor, Shape]:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    frames = tuple(draw(st.lists(st.integers(1, most_frames), max_size=2)))
    samples = draw(st.integers(1, 12))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    points = torch.rand(*frames, samples, len(shape), dtype=torch.float64, generator=generator) - 0.5
    return (points.float() if draw(st.booleans()) else points), shape


def check_is_the_sum(operator: LinearOperator, points: torch.Tensor, shape: Shape, dtype: torch.dtype) -> None:
    frames = points.shape[:-2]
    matrices = by_sum(points.reshape(-1, *points.shape[-2:]), shape)
    x = torch.randn(3, *frames, *shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    expected = torch.einsum("fsp,bfp->bfs", matrices, x.reshape(3, len(matrices), -1).to(torch.complex128))
    found = operator(x)
    assert found.shape == (3, *points.shape[:-1])
    assert found.dtype == dtype.to_complex()
    error = (found - expected.reshape(found.shape)).abs().max()
    assert error <= (1e-6 if torch.finfo(dtype).bits == 32 else 1e-10) * math.sqrt(math.prod(shape))


@given(
    trajectory=trajectories(),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.complex64, torch.complex128]),
)
@settings(max_examples=60)
def test_is_the_sum_that_defines_it(trajectory: tuple[torch.Tensor, Shape], dtype: torch.dtype) -> None:
    check_is_the_sum(NonUniformFourier(*trajectory, eps=CLOSE), *trajectory, dtype)


@given(trajectory=trajectories())
@settings(max_examples=40)
def test_the_adjoint_is_exact_whatever_the_error_of_the_transform(trajectory: tuple[torch.Tensor, Shape]) -> None:
    for eps in (1e-2, 1e-7):
        dot_test(NonUniformFourier(*trajectory, eps=eps))


@pytest.mark.parametrize("shape", [(6,), (4, 5), (5, 3), (4, 3, 2), (1, 4)])
def test_at_the_points_of_the_grid_it_is_the_transform_of_the_grid(shape: Shape) -> None:
    x = normal(2, *shape)
    found = NonUniformFourier(grid(shape), shape, eps=CLOSE)(x)
    torch.testing.assert_close(found, Fourier(shape)(x).flatten(1), rtol=0, atol=1e-11)


def test_a_smaller_error_is_one() -> None:
    x, exact = normal(4, 5), by_sum(POINTS, (4, 5))
    errors = [
        float((NonUniformFourier(POINTS, (4, 5), eps=eps)(x) - exact @ x.flatten()).abs().max())
        for eps in (1e-2, 1e-6, 1e-12)
    ]
    assert errors[0] > 100 * errors[1] > 1e4 * errors[2]


def test_what_transforms_about_another_pixel_is_noticed() -> None:
    off_centre = NonUniformFourier(POINTS, (4, 5), eps=CLOSE) @ Fourier((4, 5)).H @ Fourier((4, 5))
    check_is_the_sum(off_centre, POINTS, (4, 5), torch.complex128)

    class OffCentre(NonUniformFourier):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.roll(1, -1))

    with pytest.raises(AssertionError):
        check_is_the_sum(OffCentre(POINTS, (4, 5), CLOSE), POINTS, (4, 5), torch.complex128)


# The contract

FRAMES = torch.stack([POINTS, POINTS / 2])
CONTRACTS: dict[str, LinearOperator] = {
    "plane": NonUniformFourier(POINTS, (3, 4), eps=CLOSE),
    "more points than pixels": NonUniformFourier(POINTS, (2, 3), eps=CLOSE),
    "volume": NonUniformFourier(torch.rand(6, 3, generator=GENERATOR) - 0.5, (2, 3, 2), eps=CLOSE),
    "frames": NonUniformFourier(FRAMES, (2, 3), eps=CLOSE),
    "SENSE": NonUniformFourier(POINTS, (3, 2), eps=CLOSE) @ Sensitivities(normal(2, 3, 2)),
    "real images": NonUniformFourier(POINTS, (3, 4), eps=CLOSE) @ RealPart((3, 4)).H,
    "adjoint": NonUniformFourier(POINTS, (3, 4), eps=CLOSE).H,
}


class Of(OperatorContract):
    def __init__(self, operator: LinearOperator) -> None:
        self._operator = operator

    def operator(self) -> LinearOperator:
        return self._operator


@pytest.mark.parametrize("name", CONTRACTS)
@pytest.mark.parametrize("check", [name for name in dir(OperatorContract) if name.startswith("test_")])
def test_keeps_the_contract(check: str, name: str) -> None:
    getattr(Of(CONTRACTS[name]), check)()


# Derivatives


@pytest.mark.parametrize("operator", [CONTRACTS["frames"], CONTRACTS["plane"].H], ids=["forward", "adjoint"])
def test_derivatives_are_those_of_a_linear_map(operator: LinearOperator) -> None:
    x = normal(2, *operator.domain_shape).requires_grad_()
    assert torch.autograd.gradcheck(operator, x, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda x: operator(x).abs().square(), x)


def test_a_real_image_has_a_real_gradient() -> None:
    operator = NonUniformFourier(POINTS, (3, 4))
    x, weights = torch.randn(3, 4, dtype=torch.float64).requires_grad_(), normal(9)
    (gradient,) = torch.autograd.grad((weights.conj() * operator(x)).sum().real, x)
    torch.testing.assert_close(gradient, operator.H(weights).real)


def test_made_in_inference_mode_it_meets_gradients_later() -> None:
    operator = NonUniformFourier(POINTS, (3, 4))
    with torch.inference_mode():
        operator(torch.ones(3, 4))
    x = torch.ones(3, 4, requires_grad=True)
    operator(x).abs().sum().backward()
    assert x.grad is not None


# What users get wrong


@pytest.mark.parametrize(
    ("points", "shape", "says"),
    [
        (torch.tensor([[0.1, math.nan]]), (3, 4), "NaN"),
        (torch.tensor([[0.1, math.inf]]), (3, 4), "infinity"),
        (torch.tensor([[0.1, -3.14]]), (3, 4), "cycles per pixel, from -0.5 to 0.5, but the largest is 3.14"),
        (torch.zeros(5, 3), (3, 4), r"\(\*frames, samples, 2\)"),
        (torch.zeros(2), (3, 4), r"\(\*frames, samples, 2\)"),
        (torch.zeros(0, 2), (3, 4), r"shape \(0, 2\)"),
        (torch.zeros(2, 2) + 0j, (3, 4), "real arrays"),
        (torch.zeros(2, 4), (3, 4, 5, 6), "1, 2 or 3 dimensions"),
        ([[0.0, 0.0]], (3, 4), "torch tensors or NumPy arrays"),
    ],
)
def test_what_is_no_trajectory_is_refused(points: torch.Tensor, shape: Shape, says: str) -> None:
    with pytest.raises(InputError, match=says):
        NonUniformFourier(points, shape)


@pytest.mark.parametrize("eps", [0.0, 1e-15, -1.0, 0.5, math.nan])
def test_an_error_that_makes_no_sense_is_refused(eps: float) -> None:
    with pytest.raises(InputError, match="eps"):
        NonUniformFourier(POINTS, (3, 4), eps=eps)


def test_the_edge_may_be_rounded() -> None:
    NonUniformFourier(np.array([[0.5 * (1 + 1e-7), -0.5]], dtype=np.float32), (3, 4))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "finufft", None)
    with pytest.raises(InputError, match=r"pip install 'invdiff\[nufft\]'"):
        NonUniformFourier(POINTS, (3, 4))(torch.ones(3, 4))


def test_memory_that_there_is_not_is_said() -> None:
    with pytest.raises(MemoryError) as caught:
        NonUniformFourier(POINTS, (10**6, 10**6)).H(torch.ones(9))
    assert refusal(caught.value) == "There is not enough memory for this; ask for less at once."


def test_the_library_is_imported_when_it_is_used() -> None:
    asked = "import sys, invdiff.operators; print('finufft' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_plans_are_kept_and_are_no_part_of_a_copy() -> None:
    operator = NonUniformFourier(POINTS, (3, 4))
    operator(torch.ones(3, 4)), operator(torch.ones(3, 4))
    (plans,) = operator._plans
    assert len(plans._plans) == 1
    operator(torch.ones(5, 3, 4)), operator.H(torch.ones(5, 9)), operator(torch.ones(5, 3, 4, dtype=torch.float64))
    assert len(plans._plans) == 2
    copied = pickle.loads(pickle.dumps(operator))
    assert not copied._plans[0]._plans
    assert torch.equal(dense(copied), dense(operator))
