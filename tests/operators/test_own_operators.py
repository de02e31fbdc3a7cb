"""Operators as people write them: plain classes, whatever their attributes are, keep the contract as dataclasses do."""

from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from invdiff.operators import Diagonal, FromFunctions, Identity, LinearOperator, Shape, Structure
from invdiff.operators.base import same
from invdiff.testing import OperatorContract

CHECKS = [name for name in dir(OperatorContract) if name.startswith("test_")]
GENERATOR = torch.Generator().manual_seed(0)
WEIGHTS = torch.randn(2, 5, dtype=torch.complex128, generator=GENERATOR)


class Blur(LinearOperator):
    """Without attributes of its own."""

    domain_shape = codomain_shape = (5,)

    def forward(self, x: Tensor) -> Tensor:
        return (x + x.roll(1, -1) + x.roll(-1, -1)) / 3

    adjoint = forward


class Weighted(LinearOperator):
    """Plain, with tensors in attributes of every kind."""

    domain_shape: Shape = (5,)
    codomain_shape: Shape = (5,)

    def __init__(self, first: Tensor, second: Tensor, keep: Any = list) -> None:
        self.weights = keep([first, (second,)]) if keep is not dict else {"first": first, "second": (second,)}

    @property
    def product(self) -> Tensor:
        first, (second,) = self.weights.values() if isinstance(self.weights, dict) else self.weights
        return first * second

    def forward(self, x: Tensor) -> Tensor:
        return self.product.to(x.dtype.to_complex()) * x

    def adjoint(self, y: Tensor) -> Tensor:
        return self.product.conj().to(y.dtype.to_complex()) * y


class InSlots(LinearOperator):
    """Plain, with a tensor in a slot."""

    __slots__ = ("weights",)
    domain_shape: Shape = (5,)
    codomain_shape: Shape = (5,)

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights

    def forward(self, x: Tensor) -> Tensor:
        return self.weights.to(x.dtype.to_complex()) * x

    def adjoint(self, y: Tensor) -> Tensor:
        return self.weights.conj().to(y.dtype.to_complex()) * y


@dataclass(frozen=True)
class Around(LinearOperator):
    """A dataclass around a plain one."""

    operator: LinearOperator
    structure = Structure.NONE

    @property
    def domain_shape(self) -> Shape:
        return self.operator.domain_shape

    @property
    def codomain_shape(self) -> Shape:
        return self.operator.codomain_shape

    def forward(self, x: Tensor) -> Tensor:
        return self.operator.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.operator.adjoint(y)


class Named(Diagonal):
    """Plain, of a kind that is there already, with an attribute of its own."""

    def __init__(self, values: Tensor, name: str) -> None:
        super().__init__(values)
        self.name = name


@dataclass(frozen=True, eq=False, repr=False)
class Labelled(Diagonal):
    """A dataclass of a kind that is there already, with a field of its own."""

    label: str


OPERATORS: dict[str, LinearOperator] = {
    "no attributes": Blur(),
    "list": Weighted(*WEIGHTS),
    "tuple": Weighted(*WEIGHTS, keep=tuple),
    "dictionary": Weighted(*WEIGHTS, keep=dict),
    "slots": InSlots(WEIGHTS[0]),
    "dataclass": Around(Weighted(*WEIGHTS)),
    "of a kind of ours": Named(WEIGHTS[0], "first"),
    "dataclass of a kind of ours": Labelled(WEIGHTS[0], "first"),
    "product": Weighted(*WEIGHTS) @ Blur(),
    "with its adjoint": Blur() @ Blur().H,
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


def changed(name: str) -> LinearOperator:
    """The same kind of operator, made of another number in one place."""
    other = WEIGHTS.clone()
    other[-1, 2] += 1
    return {
        "list": Weighted(*other),
        "tuple": Weighted(*other, keep=tuple),
        "dictionary": Weighted(*other, keep=dict),
        "slots": InSlots(other[1]),
        "dataclass": Around(Weighted(*other)),
    }[name]


@pytest.mark.parametrize("name", ["list", "tuple", "dictionary", "slots", "dataclass"])
def test_equal_attributes_make_the_same_operator_and_others_another(name: str) -> None:
    operator, again = OPERATORS[name], OPERATORS[name].to("cpu")
    assert again is not operator
    operator.gram, operator.row_projection, operator.norm()  # what is computed of it is no part of it
    assert same(operator, again)
    assert same(again, operator)
    assert not same(operator, changed(name))
    assert not same(operator, Blur())
    assert (operator @ again.H).is_positive
    assert not (operator @ changed(name).H).is_positive


@pytest.mark.parametrize("name", ["list", "tuple", "dictionary", "slots", "dataclass"])
def test_every_tensor_is_moved_and_nothing_computed_of_it(name: str) -> None:
    operator = OPERATORS[name]
    operator.gram, operator.row_projection  # noqa: B018
    moved = operator.to("meta")
    inner = moved.operator if isinstance(moved, Around) else moved
    weights = inner.product if isinstance(inner, Weighted) else inner.weights
    assert weights.device.type == "meta"
    assert not {"gram", "row_projection"} & vars(moved).keys()
    assert operator.to("cpu")(torch.ones(5)).device.type == "cpu"


@pytest.mark.parametrize(
    "value", [np.ones(3), [np.ones(3)], {"a": np.ones(3)}, object()], ids=lambda v: type(v).__name__
)
def test_what_can_t_be_compared_is_not_the_same(value: object) -> None:
    one, other = Blur(), Blur()
    one.held, other.held = value, value
    assert same(one, other)
    other.held = (
        [np.ones(3)] if isinstance(value, list) else {"a": np.ones(3)} if isinstance(value, dict) else np.ones(3)
    )
    assert not same(one, other)


def test_an_operator_solves_for_real_arrays_in_the_kind_that_it_makes() -> None:
    """Not declared to keep real arrays real, but it does; and one that does not."""
    b, D = torch.arange(5.0, dtype=torch.float64), WEIGHTS[0].abs()
    for operator, kind in (
        (2.0 * Identity((5,)) + Blur().gram, torch.float64),
        (FromFunctions(lambda x: D * x, lambda y: D * y, (5,), (5,), structure=Structure.POSITIVE), torch.float64),
        (2.0 * Identity((5,)) + Weighted(*WEIGHTS).gram, torch.complex128),
    ):
        solution = operator.solve(b)
        assert solution.dtype == kind
        torch.testing.assert_close(operator(solution), b.to(kind), rtol=1e-9, atol=1e-9)
        assert not torch.allclose(operator(1.01 * solution), b.to(kind))


def test_diagonals_that_hold_equal_numbers_are_the_same() -> None:
    assert same(Diagonal(WEIGHTS), Diagonal(WEIGHTS.clone()))
    assert not same(Diagonal(WEIGHTS), Diagonal(WEIGHTS.to(torch.complex64)))


def test_operators_of_ours_never_change_and_are_equal_to_themselves_alone() -> None:
    for operator, field in (
        (Identity((5,)), "shape"),
        (Diagonal(WEIGHTS), "values"),
        (Blur() + Identity((5,)), "terms"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(operator, field, getattr(operator, field))
        assert operator != operator.to("cpu")
        assert len({operator, operator.to("cpu")}) == 2


def test_a_class_that_inherits_from_one_of_ours_stays_as_it_is_written() -> None:
    plain, decorated = Named(WEIGHTS, "first"), Labelled(WEIGHTS, "first")
    plain.name = "second"
    assert not same(plain, Named(WEIGHTS, "first"))
    with pytest.raises(FrozenInstanceError):
        decorated.label = "second"
    for operator in (plain, decorated):
        with pytest.raises(FrozenInstanceError):
            operator.values = WEIGHTS
