"""Convolution that does not wrap around, against its definition with zeros around the image, and as a gram."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import (
    Circulant,
    Crop,
    Diagonal,
    Gram,
    Identity,
    LinearOperator,
    NonUniformFourier,
    Pad,
    SenseGram,
    Sensitivities,
    Shape,
    Structure,
    Toeplitz,
    without_structure,
)
from invdiff.operators.lift import lift
from invdiff.testing import OperatorContract, dense

SHAPE = (3, 4)
GENERATOR = torch.Generator().manual_seed(6)
CLOSE = 1e-13
"""So small an error of a transform that what is computed in other ways agrees to rounding."""


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=GENERATOR)


MULTIPLIER = normal(6, 8)
OPERATORS: dict[str, LinearOperator] = {
    "complex": Toeplitz(SHAPE, MULTIPLIER),
    "real": Toeplitz(SHAPE, MULTIPLIER.real.contiguous(), Structure.SELF_ADJOINT),
    "positive": Toeplitz(SHAPE, MULTIPLIER.abs(), Structure.POSITIVE),
    "frames": Toeplitz((3,), normal(2, 6)),
    "volume": Toeplitz((2, 1, 3), normal(4, 2, 6)),
    "coils": Sensitivities(normal(2, *SHAPE)).pullback(lift((2,), Toeplitz(SHAPE, MULTIPLIER))),
}


class Of(OperatorContract):
    solver_tolerance = 1e-5

    def __init__(self, operator: LinearOperator) -> None:
        self._operator = operator

    def operator(self) -> LinearOperator:
        return self._operator


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("check", [name for name in dir(OperatorContract) if name.startswith("test_")])
def test_keeps_the_contract(check: str, name: str) -> None:
    getattr(Of(OPERATORS[name]), check)()


def check_definition(operator: Toeplitz) -> None:
    """It is the circular convolution of the image in zeros, for each frame."""
    frames, double = operator.domain_shape[: -len(operator.shape)], tuple(2 * n for n in operator.shape)
    around = lift(frames, Pad(operator.shape, double))
    circular = Circulant((*frames, *double), operator.multiplier, tuple(range(-len(double), 0)))
    expected = lift(frames, Crop(double, operator.shape)) @ circular @ around
    torch.testing.assert_close(dense(operator), dense(expected), rtol=0, atol=1e-12)


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    frames=st.lists(st.integers(1, 2), max_size=1),
    seed=st.integers(0, 2**20),
)
@settings(max_examples=40)
def test_is_a_convolution_within_zeros(shape: list[int], frames: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    multiplier = torch.randn(*frames, *(2 * n for n in shape), dtype=torch.complex128, generator=generator)
    check_definition(Toeplitz(tuple(shape), multiplier))


def test_another_convolution_is_noticed() -> None:
    class Wrapping(Toeplitz):
        def forward(self, x: Tensor) -> Tensor:
            return self.terms[0][1].forward(4 * x)

    with pytest.raises(AssertionError):
        check_definition(Wrapping(SHAPE, MULTIPLIER))


def test_a_multiplier_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match=r"ends in the lengths \(6, 8\), but this one has the shape \(6, 7\)"):
        Toeplitz(SHAPE, torch.ones(6, 7))


# As the gram of a trajectory


@st.composite
def trajectories(draw: st.DrawFn) -> NonUniformFourier:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    frames = tuple(draw(st.lists(st.integers(1, 2), max_size=1)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    points = torch.rand(*frames, draw(st.integers(1, 9)), len(shape), dtype=torch.float64, generator=generator) - 0.5
    return NonUniformFourier(points, shape, eps=CLOSE)


def drawn(shape: Shape) -> Tensor:
    return torch.randn(shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


def check_pullback(operator: LinearOperator, middle: LinearOperator, found: LinearOperator) -> None:
    plain = without_structure(operator)
    expected = dense(plain.H @ middle @ plain)
    torch.testing.assert_close(dense(found), expected, rtol=0, atol=1e-10 * (1 + float(expected.abs().max())))


@given(transform=trajectories(), kind=st.sampled_from(["none", "positive", "real", "complex"]))
@settings(max_examples=60)
def test_weights_of_samples_are_a_convolution(transform: NonUniformFourier, kind: str) -> None:
    weights = drawn(transform.codomain_shape)
    match kind:
        case "none":
            weights = torch.ones(transform.codomain_shape, dtype=torch.float64)
        case "positive":
            weights = weights.abs()
        case "real":
            weights = weights.real.contiguous()
    middle = Diagonal(weights)
    found = transform.gram.fast if kind == "none" else transform.pullback(middle)
    assert isinstance(found, Toeplitz)
    assert found.multiplier.is_complex() == (kind == "complex")
    assert found.is_self_adjoint == (kind != "complex")
    check_pullback(transform, middle, found)
    with pytest.raises(AssertionError):
        check_pullback(transform, middle, (1 + 1e-8) * found)


def coil_maps(transform: NonUniformFourier, sets: Shape, coils: int) -> Sensitivities:
    maps = drawn((*sets, coils, *transform.domain_shape))
    return Sensitivities(maps, image_dims=len(transform.domain_shape))


@given(transform=trajectories(), coils=st.integers(1, 3), sets=st.sampled_from([(), (2,)]))
@settings(max_examples=40)
def test_a_gram_of_coils_is_one_of_convolutions(transform: NonUniformFourier, coils: int, sets: Shape) -> None:
    operator = transform @ coil_maps(transform, sets, coils)
    assert isinstance(operator.gram, Gram)
    assert isinstance(operator.gram.fast, SenseGram)
    assert operator.gram.fast.is_positive
    check_pullback(operator, lift((coils,), Diagonal(torch.ones(transform.codomain_shape))), operator.gram)


def test_a_gram_makes_no_array_of_twice_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    operator = NonUniformFourier(torch.rand(9, 2) - 0.5, SHAPE) @ Sensitivities(normal(2, *SHAPE))
    x, transform, seen = normal(*SHAPE), torch.fft.fftn, []
    expected = operator.gram(x)
    monkeypatch.setattr(
        torch.fft, "fftn", lambda x, dim, **options: seen.append(x.shape) or transform(x, dim=dim, **options)
    )
    assert torch.equal(operator.gram(x), expected)
    assert seen == [(2, *SHAPE)] * 4


# What preconditions


def check_value_at_frequencies(A: LinearOperator, nearest: LinearOperator | None, dims: int) -> None:
    assert nearest is not None
    axes = tuple(range(-dims, 0))
    units = torch.eye(math.prod(A.domain_shape), dtype=torch.complex128).reshape(-1, *A.domain_shape)
    modes = torch.fft.ifftn(units, dim=axes, norm="ortho")
    values = (modes.conj() * A(modes)).flatten(1).sum(1)
    matrix = torch.fft.fftn(nearest(modes), dim=axes, norm="ortho").flatten(1)
    torch.testing.assert_close(matrix, torch.diag(values), rtol=0, atol=1e-10)


RADIAL = NonUniformFourier(torch.rand(30, 2, generator=GENERATOR) - 0.5, (4, 5), CLOSE)
NEAREST: dict[str, tuple[LinearOperator, int]] = {
    "complex": (OPERATORS["complex"], 2),
    "positive": (RADIAL.gram, 2),
    "frames": (OPERATORS["frames"], 1),
    "coils": ((RADIAL @ Sensitivities(normal(3, 4, 5))).gram, 2),
    "sets": ((RADIAL @ Sensitivities(normal(2, 3, 4, 5))).gram, 2),
    "complex, coils": (OPERATORS["coils"], 2),
}


@pytest.mark.parametrize("name", NEAREST)
def test_the_nearest_circulant_has_its_value_at_each_frequency(name: str) -> None:
    A, dims = NEAREST[name]
    check_value_at_frequencies(A, A.nearest_circulant(), dims)
    with pytest.raises(AssertionError):
        check_value_at_frequencies(A, 1.01 * A.nearest_circulant(), dims)


def test_it_makes_conjugate_gradients_shorter() -> None:
    generator = torch.Generator().manual_seed(0)
    turns = torch.arange(12, dtype=torch.float64)[:, None] * math.pi / 12
    along = (torch.arange(24, dtype=torch.float64) - 12) / 24
    spokes = torch.stack([along * turns.cos(), along * turns.sin()], dim=-1).flatten(0, 1)
    maps = torch.ones(1, 12, 12) + 0.1 * torch.randn(3, 12, 12, dtype=torch.complex128, generator=generator)
    system = 1e-2 * Identity((12, 12)) + (NonUniformFourier(spokes, (12, 12)) @ Sensitivities(maps)).gram
    b, counts = torch.randn(12, 12, dtype=torch.complex128, generator=generator), []
    for preconditioner in (None, system.preconditioner):
        system.solve(b, preconditioner=preconditioner, report=lambda solution: counts.append(solution.iterations))
    assert counts[1] < 0.8 * counts[0]
