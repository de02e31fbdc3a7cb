"""Off-resonance, against the sum over every pixel and every readout time."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import (
    Diagonal,
    Fourier,
    LinearOperator,
    NonUniformFourier,
    OffResonance,
    RealPart,
    Sensitivities,
    Subsample,
    off_resonance,
)
from invdiff.testing import OperatorContract

SHAPE = (3, 4)
GENERATOR = torch.Generator().manual_seed(1)
CHECKS = [name for name in dir(OperatorContract) if name.startswith("test_")]


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=GENERATOR)


POINTS = torch.rand(SHAPE, generator=GENERATOR) < 0.7
FIELD = 80 * torch.randn(SHAPE, dtype=torch.float64, generator=GENERATOR)
TIMES = torch.tensor([0.001, 0.004, 0.009, 0.010], dtype=torch.float64)
F, MAPS = Fourier(SHAPE), normal(2, *SHAPE)
SPIRAL = 3 * torch.rand(7, 2, dtype=torch.float64, generator=GENERATOR) - 1.5


class Anywhere(LinearOperator):
    """k-space at any places, by direct summation: an operator of one's own."""

    domain_shape, codomain_shape = SHAPE, (7,)

    @property
    def waves(self) -> Tensor:
        y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) - n // 2 for n in SHAPE), indexing="ij")
        turns = SPIRAL[:, 0, None, None] * y / 3 + SPIRAL[:, 1, None, None] * x / 4
        return torch.polar(torch.full_like(turns, 0.3), -2 * math.pi * turns)

    def forward(self, x: Tensor) -> Tensor:
        kind = x.dtype.to_complex()
        return torch.einsum("khw,...hw->...k", self.waves.to(kind), x.to(kind))

    def adjoint(self, y: Tensor) -> Tensor:
        kind = y.dtype.to_complex()
        return torch.einsum("khw,...k->...hw", self.waves.conj().to(kind), y.to(kind))


OPERATORS: dict[str, LinearOperator] = {
    "Cartesian": off_resonance(F, FIELD, TIMES),
    "each sample at its own time": off_resonance(F, FIELD, 0.02 * torch.rand(SHAPE, dtype=torch.float64)),
    "measured samples": off_resonance(Subsample(POINTS) @ F, FIELD, torch.linspace(0, 0.01, int(POINTS.sum()))),
    "anywhere": off_resonance(Anywhere(), FIELD, torch.linspace(0, 0.02, 7)),
    "coils": Subsample(POINTS) @ off_resonance(F, FIELD, TIMES) @ Sensitivities(MAPS),
    "real images": off_resonance(F, FIELD, TIMES) @ RealPart(SHAPE).H,
    "no off-resonance": off_resonance(F, 0 * FIELD, TIMES),
}


class Of(OperatorContract):
    def __init__(self, operator: LinearOperator) -> None:
        self._operator = operator

    def operator(self) -> LinearOperator:
        return self._operator


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("check", CHECKS)
def test_keeps_the_contract(check: str, name: str) -> None:
    getattr(Of(OPERATORS[name]), check)()


def matrix(A: LinearOperator) -> Tensor:
    """Complex ``(samples, pixels)``."""
    units = torch.eye(math.prod(A.domain_shape), dtype=torch.complex128).reshape(-1, *A.domain_shape)
    return A(units).flatten(1).T


def summed(operator: LinearOperator, field_map: Tensor, times: Tensor) -> Tensor:
    """The matrix, entry by entry."""
    each = times.double().expand(operator.codomain_shape).flatten()
    return matrix(operator) * torch.exp(-2j * math.pi * each[:, None] * field_map.double().flatten())


def check_error(made: LinearOperator, operator: LinearOperator, field_map: Tensor, times: Tensor, error: float) -> None:
    """Each entry is off by no more than the error of a phasor."""
    exact = summed(operator, field_map, times)
    assert bool(((matrix(made) - exact).abs() <= error * matrix(operator).abs() + 1e-12).all())


@given(
    seed=st.integers(0, 2**20),
    spread=st.floats(0, 3000),
    middle=st.floats(-1e4, 1e4),
    first=st.floats(-0.1, 0.1),
    length=st.floats(0, 0.02),
    error=st.sampled_from([0.3, 1e-2, 1e-3, 1e-6, 1e-8]),
)
@settings(max_examples=60)
def test_it_keeps_to_the_error(
    seed: int, spread: float, middle: float, first: float, length: float, error: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    field_map = middle + spread * (torch.rand(SHAPE, dtype=torch.float64, generator=generator) - 0.5)
    times = first + length * torch.rand(SHAPE, dtype=torch.float64, generator=generator)
    check_error(off_resonance(F, field_map, times, error=error), F, field_map, times, error)


@pytest.mark.parametrize(
    "operator", [F, Subsample(POINTS) @ F, NonUniformFourier(SPIRAL / 3, SHAPE), Anywhere()], ids=repr
)
def test_any_transform(operator: LinearOperator) -> None:
    count = math.prod(operator.codomain_shape)
    times = torch.linspace(0, 0.015, count, dtype=torch.float64).reshape(operator.codomain_shape)
    check_error(off_resonance(operator, FIELD, times), operator, FIELD, times, 1e-3)


def test_coils_see_what_each_would() -> None:
    made = off_resonance(F, FIELD, TIMES) @ Sensitivities(MAPS)
    for coil, seen in zip(MAPS, matrix(made).unflatten(0, (2, -1)), strict=True):
        torch.testing.assert_close(seen, matrix(off_resonance(F, FIELD, TIMES) @ Diagonal(coil)))


@pytest.mark.parametrize(
    "broken",
    [
        lambda: off_resonance(F, -FIELD, TIMES),
        lambda: off_resonance(F, FIELD, TIMES.flip(0)),
        lambda: off_resonance(F, FIELD, TIMES[:3, None]),
        lambda: off_resonance(F, FIELD / (2 * math.pi), TIMES),
        lambda: off_resonance(F, FIELD, TIMES, error=0.1),
        lambda: F,
    ],
)
def test_another_model_is_noticed(broken: Callable[[], LinearOperator]) -> None:
    with pytest.raises(AssertionError):
        check_error(broken(), F, FIELD, TIMES, 1e-3)


def segments(turns: float, error: float) -> int:
    field_map = torch.linspace(-0.5, 0.5, 12, dtype=torch.float64).reshape(SHAPE) * 1000
    return len(off_resonance(F, field_map, TIMES * turns / (1000 * 0.009), error=error).weights)


def test_segments_are_few() -> None:
    """One where nothing is to be corrected, and as many as phases turn, and a few."""
    assert segments(0, 1e-6) == 1
    assert segments(1e-6, 1e-3) == 1
    assert [segments(turns, 1e-3) <= 1.2 * turns + 6 for turns in (1, 10, 90)] == [True] * 3
    assert segments(10, 1e-2) < segments(10, 1e-3) < segments(10, 1e-6) < segments(20, 1e-6)


def test_single_precision_of_the_map_is_that_of_the_operator() -> None:
    made = off_resonance(F, FIELD.float(), TIMES)
    assert isinstance(made, OffResonance)
    assert made.phases.dtype == made.weights.dtype == torch.complex64
    check_error(made, F, FIELD, TIMES, 1.01e-3)


def test_it_prints_what_it_corrects() -> None:
    assert repr(Subsample(POINTS) @ off_resonance(F, FIELD, TIMES) @ Sensitivities(MAPS)) == "P(Λ) F(Δf) S"
    assert repr(off_resonance(Subsample(POINTS) @ F, FIELD, torch.zeros(1))) == "(P(Λ) F)(Δf)"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: off_resonance(F, FIELD[:2], TIMES), "field map has shape (2, 4)"),
        (lambda: off_resonance(F, FIELD, TIMES[:3]), "does not broadcast to (3, 4)"),
        (lambda: off_resonance(F, FIELD, torch.zeros(1, 1, 4)), "does not broadcast to (3, 4)"),
        (lambda: off_resonance(F, FIELD / 0, TIMES), "finite numbers in the field map"),
        (lambda: off_resonance(F, FIELD + 0j, TIMES), "real, finite numbers in the field map"),
        (lambda: off_resonance(F, FIELD, TIMES * math.nan), "finite numbers in the readout times"),
        (lambda: off_resonance(F, FIELD, torch.arange(4)), "numbers in the readout times"),
        (lambda: off_resonance(F, FIELD, 1000 * TIMES), "give Hz and seconds"),
        (lambda: off_resonance(F, 1e300 * FIELD, TIMES), "give Hz and seconds"),
        (lambda: off_resonance(F, FIELD, TIMES, error=0.0), "from 1e-08 to below 1"),
        (lambda: off_resonance(F, FIELD, TIMES, error=math.nan), "from 1e-08 to below 1"),
        (lambda: off_resonance(F @ RealPart(SHAPE).H, FIELD, TIMES), "takes real images"),
        (lambda: off_resonance(F, [1.0], TIMES), "off_resonance takes torch tensors"),
    ],
)
def test_what_is_wrong_is_refused(made: Callable[[], LinearOperator], words: str) -> None:
    with pytest.raises(InputError) as caught:
        made()
    assert words in str(caught.value)
