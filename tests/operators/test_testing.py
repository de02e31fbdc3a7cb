"""What `invdiff.testing` finds: each promise of the contract, broken on purpose, is noticed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from invdiff.operators import (
    Array,
    Diagonal,
    Fourier,
    FromFunctions,
    Identity,
    LinearOperator,
    RealPart,
    Shape,
    Structure,
    Subsample,
)
from invdiff.testing import OperatorContract, dense, dot_test

SHAPE = (3, 4)
D = torch.polar(torch.linspace(0.5, 1.5, 12), torch.arange(12.0)).to(torch.complex128).reshape(SHAPE)
GOOD = FromFunctions(lambda x: D * x, lambda y: D.conj() * y, SHAPE, SHAPE)


class Of(OperatorContract):
    def __init__(self, operator: LinearOperator) -> None:
        self._operator = operator

    def operator(self) -> LinearOperator:
        return self._operator


class TestFourier(OperatorContract):
    """As a user would write it."""

    def operator(self) -> LinearOperator:
        return Subsample(torch.arange(12).reshape(SHAPE) % 5 > 1) @ Fourier(SHAPE)


class TestRealOperator(OperatorContract):
    """Of real arrays."""

    dtype = torch.float64

    def operator(self) -> LinearOperator:
        return Diagonal(D.real)


@dataclass(frozen=True, eq=False, repr=False)
class Flawed(LinearOperator):
    """x -> D x; subclasses get one thing wrong."""

    symbol = "A"

    @property
    def domain_shape(self) -> Shape:
        return SHAPE

    @property
    def codomain_shape(self) -> Shape:
        return SHAPE

    def forward(self, x: Tensor) -> Tensor:
        return D.to(x.dtype.to_complex()) * x

    def adjoint(self, y: Tensor) -> Tensor:
        return D.conj().to(y.dtype.to_complex()) * y


class WrongGram(Flawed):
    @property
    def gram(self) -> LinearOperator:
        return Diagonal(D.abs())


class WrongPinv(Flawed):
    def pinv(self, y: Tensor, **_: object) -> Tensor:
        return self.adjoint(y)


class WrongProjection(Flawed):
    def project(self, x: Tensor, y: Tensor, **_: object) -> Tensor:
        return x + self.adjoint(y - self(x))


class OneSampleFeasible(Flawed):
    """Meets the data, but is not the nearest point: it loses what the operator does not see."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (torch.arange(4) < 2)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.forward(y)

    def project(self, x: Tensor, y: Tensor, **_: object) -> Tensor:
        return self.pinv(y)


class WrongNorm(Flawed):
    def norm(self) -> float:
        return 1.4


class Precision(Diagonal):
    """2 I + 3 Dᴴ D, solved or sampled wrongly."""

    def solve(self, b: Tensor, **_: object) -> Tensor:
        return self.forward(b)

    def sample(self, noise: Callable[[Shape], Tensor]) -> Tensor:
        return noise(SHAPE) / self.values


class WrongPrecision(Of):
    def _precision(self, A: LinearOperator) -> LinearOperator:
        return Precision((2 + 3 * D.abs().square()).contiguous())


class Doubles(Flawed):
    """Forgets the precision of its input."""

    def forward(self, x: Tensor) -> Tensor:
        return D * x


class Writes(Flawed):
    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(D)


class Forgets(Flawed):
    """Another operator once it has been moved."""

    def to(self, device: torch.device | str) -> LinearOperator:
        return Identity(SHAPE)


class Ages(Flawed):
    """Another operator once it has been used and pickled."""

    def __reduce__(self) -> str | tuple[Any, ...]:
        return (Identity, (SHAPE,)) if "gram" in vars(self) else super().__reduce__()


class RefusesNone(Flawed):
    """Makes something of an empty batch."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.numel() else x.new_zeros(SHAPE)


class MinorReal(Flawed):
    """Takes the imaginary part of its numbers for nothing where arrays are real."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.is_complex() else D.real.to(x.dtype) * x


class NoNumpy(Flawed):
    def __call__(self, x: Array) -> Tensor:
        return super().__call__(x if isinstance(x, Tensor) else np.zeros_like(x))


class WrongShape(Flawed):
    def forward(self, x: Tensor) -> Tensor:
        return (D * x).unsqueeze(-1)


class AcceptsAnything(Flawed):
    def __call__(self, x: Tensor) -> Tensor:
        return torch.zeros(SHAPE, dtype=x.dtype)


@dataclass(frozen=True, eq=False, repr=False)
class ClaimsReal(Flawed):
    preserves_reals = True


BROKEN = {
    "adjoint without conjugate": ("test_adjoint", replace(GOOD, adjoint_function=lambda y: D * y)),
    "adjoint of the wrong sign": ("test_adjoint", replace(GOOD, adjoint_function=lambda y: -D.conj() * y)),
    "affine": ("test_linear", replace(GOOD, function=lambda x: D * x + 1)),
    "only real-linear": ("test_linear", replace(GOOD, function=lambda x: D * x.conj())),
    "magnitude": ("test_linear", replace(GOOD, function=lambda x: D * x.abs(), is_complex_linear=False)),
    "mixes a batch": (
        "test_batches",
        replace(GOOD, function=lambda x: D * (x - x.flatten(0, -3).mean(0) if x.ndim > 2 else x)),
    ),
    "gram": ("test_gram", WrongGram()),
    "pinv": ("test_pinv", WrongPinv()),
    "infeasible projection": ("test_project", WrongProjection()),
    "feasible but far": ("test_project", OneSampleFeasible()),
    "norm": ("test_norm", WrongNorm()),
    "precision": ("test_single_precision", Doubles()),
    "writes": ("test_input_is_not_changed", Writes()),
    "moved": ("test_copies", Forgets()),
    "pickled after use": ("test_copies", Ages()),
    "empty batch": ("test_empty_batches", RefusesNone()),
    "real arrays": ("test_real_arrays", MinorReal()),
    "NumPy arrays": ("test_numpy_arrays", NoNumpy()),
    "half precision": ("test_half_precision_is_refused", AcceptsAnything()),
    "shape": ("test_shapes", WrongShape()),
    "accepts any shape": ("test_shapes", AcceptsAnything()),
    "not real": ("test_kinds_of_number", ClaimsReal()),
    "not real at all": ("test_kinds_of_number", replace(GOOD, real_codomain=True)),
}


@pytest.mark.filterwarnings("ignore::invdiff.operators.ConvergenceWarning")  # of what is no linear map
@pytest.mark.parametrize("name", BROKEN)
def test_the_contract_notices(name: str) -> None:
    check, operator = BROKEN[name]
    with pytest.raises(AssertionError):
        getattr(Of(operator), check)()


@pytest.mark.parametrize("check", sorted({check for check, _ in BROKEN.values()} | {"test_structure"}))
def test_the_contract_notices_nothing_where_nothing_is_wrong(check: str) -> None:
    getattr(Of(Flawed()), check)()


CLAIMS = [claim for name, claim in Structure.__members__.items() if name != "NONE"]


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_contract_notices_a_false_claim(claim: Structure) -> None:
    mixes = torch.arange(1.0, 13).reshape(SHAPE).double() / 12
    false = FromFunctions(lambda x: x.flip(-1) * mixes, lambda y: (y * mixes).flip(-1), SHAPE, SHAPE, structure=claim)
    with pytest.raises(AssertionError, match="claims"):
        Of(false).test_structure()


def test_the_contract_notices_a_claim_that_the_shapes_forbid() -> None:
    claims_square = replace(
        GOOD, codomain=(12,), function=lambda x: (D * x).flatten(-2), structure=Structure.SELF_ADJOINT
    )
    with pytest.raises(AssertionError, match=r"maps \(3, 4\) to \(12,\)"):
        Of(replace(claims_square, adjoint_function=lambda y: D.conj() * y.unflatten(-1, SHAPE))).test_structure()


@pytest.mark.parametrize("check", ["test_solve", "test_sample"])
def test_the_contract_notices_a_wrong_solver(check: str) -> None:
    with pytest.raises(AssertionError):
        getattr(WrongPrecision(Flawed()), check)()


def test_dot_test_says_both_inner_products() -> None:
    with pytest.raises(AssertionError, match=r"<A x, y> is .*j but <x, Aᴴ y> is .*j: the adjoint of A is wrong"):
        dot_test(replace(GOOD, adjoint_function=lambda y: D * y))


def test_dot_test_of_real_linear_operators_compares_real_parts() -> None:
    conjugate = FromFunctions(torch.conj, torch.conj, SHAPE, SHAPE, is_complex_linear=False)
    dot_test(conjugate)
    dot_test(RealPart(SHAPE))
    dot_test(RealPart(SHAPE).H)
    with pytest.raises(AssertionError):
        dot_test(replace(conjugate, is_complex_linear=True))
    with pytest.raises(AssertionError, match="real parts"):
        dot_test(replace(conjugate, adjoint_function=lambda y: y))


def test_dot_test_is_not_fooled_by_nan() -> None:
    with pytest.raises(AssertionError, match="nan"):
        dot_test(replace(GOOD, adjoint_function=lambda y: y * float("nan")))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
def test_dot_test_in_every_dtype(dtype: torch.dtype) -> None:
    dot_test(Fourier(SHAPE), dtype=dtype)


def test_dense_is_in_real_coordinates() -> None:
    rotation = dense(1j * Identity((1,)))
    torch.testing.assert_close(rotation, torch.tensor([[0.0, -1], [1, 0]]).double())
    torch.testing.assert_close(dense(RealPart((1,))), torch.tensor([[1.0, 0]]).double())
    torch.testing.assert_close(dense(RealPart((1,)).H), torch.tensor([[1.0], [0]]).double())
    assert dense(Fourier((3,)), torch.float64).shape == (6, 3)
