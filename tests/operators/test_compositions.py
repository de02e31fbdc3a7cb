"""Random operators, composed at random: every promise of the contract, and simplified against unsimplified."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.operators import (
    Circulant,
    Crop,
    Diagonal,
    Fourier,
    Identity,
    Lift,
    LinearOperator,
    Mask,
    Pad,
    RealPart,
    Scaled,
    Sensitivities,
    Shape,
    Stack,
    Subsample,
    without_structure,
)
from invdiff.operators.lift import lift
from invdiff.testing import OperatorContract, dense

Draw = Callable[[st.SearchStrategy[Any]], Any]

ROOM = 36
"""Largest number of elements of an array that is mapped."""
CHECKS = [name for name in dir(OperatorContract) if name.startswith("test_")]
NEED_PINV = {"test_pinv", "test_project", "test_input_is_not_changed", "test_real_arrays", "test_numpy_arrays"}
"""Checks whose conjugate gradients need a well-conditioned operator."""


@dataclass(frozen=True)
class Pair:
    """An operator, and the same map made of parts without structure."""

    simple: LinearOperator
    plain: LinearOperator

    @staticmethod
    def of(operator: LinearOperator) -> "Pair":
        return Pair(operator, without_structure(operator))

    def __matmul__(self, other: "Pair") -> "Pair":
        return Pair(self.simple @ other.simple, self.plain @ other.plain)

    def __add__(self, other: "Pair") -> "Pair":
        return Pair(self.simple + other.simple, self.plain + other.plain)

    def __rmul__(self, scale: complex) -> "Pair":
        return Pair(scale * self.simple, scale * self.plain)

    @property
    def H(self) -> "Pair":
        return Pair(self.simple.H, self.plain.H)

    @property
    def gram(self) -> "Pair":
        return Pair(self.simple.gram, self.plain.H @ self.plain)

    @property
    def real_domain(self) -> bool:
        """Of the plain map: ``Re Reᴴ`` simplifies to an identity, which takes any array."""
        return self.plain.real_domain

    @property
    def real_codomain(self) -> bool:
        return self.plain.real_codomain


class Composed(OperatorContract):
    """The contract of an operator that was drawn."""

    def __init__(self, operator: LinearOperator, single: bool = False) -> None:
        self._operator = operator
        if single:  # numbers of the operator's own in single precision
            self.tolerance, self.solver_tolerance = 1e-4, 1e-3

    def operator(self) -> LinearOperator:
        return self._operator


# Numbers: magnitudes near one, so that compositions stay well-conditioned, with some exact zeros


def numbers(draw: Draw, shape: Shape, *, complex_: bool, zeros: bool = True, single: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    magnitude = 0.5 + torch.rand(shape, dtype=torch.float64, generator=generator)
    if zeros and draw(st.booleans()):
        magnitude = magnitude * (torch.rand(shape, generator=generator) > 0.25)
    if complex_:
        values = torch.polar(magnitude, 6.3 * torch.rand(shape, dtype=torch.float64, generator=generator))
    else:
        values = magnitude * torch.where(torch.rand(shape, generator=generator) > 0.5, 1.0, -1.0)
    return values.to(torch.complex64 if complex_ else torch.float32) if single else values


def masks(draw: Draw, shape: Shape) -> Tensor:
    """Random, constant along an axis, or full; never empty."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    axis = draw(st.sampled_from([None, *range(len(shape))]))
    varied = tuple(1 if i == axis else n for i, n in enumerate(shape))
    mask = torch.rand(varied, generator=generator) < draw(st.sampled_from([0.4, 0.7, 1.0]))
    mask.view(-1)[0] |= not mask.any()
    return mask.expand(shape).contiguous()


def maps(
    draw: Draw, image: Shape, sets: int | None = None, coils: int | None = None, *, single: bool = False
) -> Tensor:
    """Coil maps, normalised or not, zero outside a support or not."""
    coils = draw(st.integers(1, 3)) if coils is None else coils
    found = numbers(draw, (coils, *image) if sets is None else (sets, coils, *image), complex_=True, zeros=False)
    if draw(st.booleans()):
        found = found / found.abs().square().sum(-len(image) - 1, keepdim=True).sqrt()
    if draw(st.booleans()):
        found = found * masks(draw, image)
    return found.to(torch.complex64) if single else found


# Operators on arrays of a given shape, real ones or complex ones


def square(draw: Draw, shape: Shape, real: bool, single: bool, depth: int = 1) -> Pair:
    """A map of arrays of this shape to such arrays."""
    kinds = ["identity", "scaled identity", "diagonal", "mask"] + ["sum", "product", "gram"] * (depth > 0)
    kinds += ["real circulant"] if real else ["complex diagonal", "complex scale", "fourier", "circulant"]
    match draw(st.sampled_from(kinds)):
        case "identity":
            return Pair.of(Identity(shape))
        case "scaled identity":
            return draw(st.sampled_from([-1.0, 0.5, 2.0])) * Pair.of(Identity(shape))
        case "diagonal":
            return Pair.of(Diagonal(numbers(draw, shape, complex_=False, single=single)))
        case "mask":
            return Pair.of(Mask(masks(draw, shape)))
        case "complex diagonal":
            return Pair.of(Diagonal(numbers(draw, shape, complex_=True, single=single)))
        case "complex scale":
            return draw(st.sampled_from([1j, 0.6 - 0.8j, 1 + 1j])) * Pair.of(Identity(shape))
        case "fourier":
            return Pair.of(fourier(draw, shape))
        case "circulant":
            axes = tuple(sorted(draw(st.sets(st.integers(-len(shape), -1)))))
            return Pair.of(
                Circulant(shape, numbers(draw, shape, complex_=draw(st.booleans()), single=single), axes)
                if axes
                else Identity(shape)
            )
        case "real circulant":
            image = Subsample(masks(draw, shape)) @ Fourier(shape) @ RealPart(shape).H
            return Pair.of(image.gram)
        case "sum":
            return square(draw, shape, real, single, depth - 1) + square(draw, shape, real, single, depth - 1)
        case "product":
            return square(draw, shape, real, single, depth - 1) @ square(draw, shape, real, single, depth - 1)
        case "gram":
            return leaf(draw, shape, real, single, depth - 1).gram
    raise AssertionError


def fourier(draw: Draw, shape: Shape) -> Fourier:
    axes = draw(
        st.sets(st.integers(-len(shape), len(shape) - 1), min_size=1).filter(
            lambda a: len({i % len(shape) for i in a}) == len(a)
        )
    )
    return Fourier(shape, draw(st.sampled_from([None, tuple(axes)])))


def leaf(draw: Draw, shape: Shape, real: bool, single: bool, depth: int = 1) -> Pair:
    """A map of arrays of this shape to others."""
    small = 2 * math.prod(shape) <= ROOM
    kinds = ["square", "subsample", "crop"] + ["stack"] * (depth > 0 and small) + ["pad"] * small
    kinds += ["unsubsample"] * (len(shape) == 1)
    if real:
        kinds += ["as complex"] * 2
    else:
        kinds += ["real part"] + ["sensitivities"] * small + ["soft", "combine"] * (len(shape) > 1 and small)
    match draw(st.sampled_from(kinds)):
        case "square":
            return square(draw, shape, real, single, depth)
        case "subsample":
            return Pair.of(Subsample(masks(draw, shape)))
        case "unsubsample":
            full = torch.randperm(shape[0] + draw(st.integers(0, 3)), generator=torch.Generator().manual_seed(0))
            return Pair.of(Subsample(full < shape[0]).H)
        case "crop":
            return Pair.of(Crop(shape, tuple(draw(st.integers(1, n)) for n in shape)))
        case "pad":
            axis, more = draw(st.integers(0, len(shape) - 1)), draw(st.integers(0, 2))
            larger = tuple(min(2 * n, n + more) if i == axis else n for i, n in enumerate(shape))
            return Pair.of(Pad(shape, larger))
        case "stack":
            parts = [leaf(draw, shape, real, single, 0) for _ in range(2)]
            if len({(p.simple.real_domain, p.plain.real_domain) for p in parts}) > 1:
                return parts[0]
            return Pair(Stack(tuple(p.simple for p in parts)), Stack(tuple(p.plain for p in parts)))
        case "sensitivities":
            return Pair.of(Sensitivities(maps(draw, shape, single=single), image_dims=len(shape)))
        case "soft":
            found = maps(draw, shape[1:], sets=shape[0], single=single)
            return Pair.of(Sensitivities(found, image_dims=len(shape) - 1))
        case "combine":
            found = maps(draw, shape[1:], coils=shape[0], single=single)
            return Pair.of(Sensitivities(found, image_dims=len(shape) - 1).H)
        case "real part":
            return Pair.of(RealPart(shape))
        case "as complex":
            return Pair.of(RealPart(shape).H)
    raise AssertionError


@dataclass(frozen=True)
class Composition:
    pair: Pair
    single: bool

    @property
    def contract(self) -> Composed:
        return Composed(self.pair.simple, self.single)


@st.composite
def shapes(draw: Draw) -> Shape:
    sizes: list[int] = []
    for _ in range(draw(st.integers(1, 3))):
        sizes.append(draw(st.integers(1, min(6, ROOM // 2 // math.prod(sizes)))))
    return tuple(sizes)


def extended(draw: Draw, inner: Pair, single: bool) -> Pair:
    """One more operator after the inner one: on its whole arrays, on the last dimensions, or on more than it makes."""
    made = inner.simple.codomain_shape
    keeps_reals = inner.simple.preserves_reals and inner.plain.preserves_reals
    real = inner.real_codomain or (keeps_reals and draw(st.booleans()))
    if 2 * math.prod(made) <= ROOM and draw(st.integers(0, 4)) == 0:
        on = (2, *made)
    else:
        on = made[draw(st.integers(0, len(made) - 1)) :]
    return leaf(draw, on, real, single) @ inner


@st.composite
def compositions(draw: Draw, depth: int = 5, double: bool = False) -> Composition:
    single = not double and draw(st.integers(0, 3)) == 0
    found = leaf(draw, draw(shapes()), draw(st.booleans()), single)
    for _ in range(draw(st.integers(0, depth - 1))):
        found = extended(draw, found, single)
    if draw(st.integers(0, 3)) == 0:
        found = draw(st.sampled_from([-1.0, 0.5, 3])) * found
    elif not found.real_codomain and draw(st.integers(0, 3)) == 0:
        found = draw(st.sampled_from([1j, 0.6 - 0.8j, 1 + 1j])) * found
    return Composition(found.H if draw(st.integers(0, 3)) == 0 else found, single)


def matrix_of(operator: LinearOperator, real: bool = False) -> Tensor:
    """The matrix in real coordinates, on real arrays alone if ``real``."""
    return dense(operator, torch.float64 if real else torch.complex128)


def close(actual: Tensor, expected: Tensor, scale: float, single: bool) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= (1e-4 if single else 1e-10) * (scale + 1)


def is_well_conditioned(matrix: Tensor) -> bool:
    """No singular value between nothing and a hundredth of the largest: what conjugate gradients on Aᴴ A do well."""
    values = torch.linalg.svdvals(matrix)
    return not bool(((values > 1e-9 * values[0]) & (values < 1e-2 * values[0])).any())


@pytest.mark.parametrize("check", CHECKS)
@given(composition=compositions())
@settings(max_examples=20)
def test_every_composition_keeps_the_contract(check: str, composition: Composition) -> None:
    if check in NEED_PINV:
        assume(not composition.single and is_well_conditioned(matrix_of(composition.pair.simple)))
    getattr(composition.contract, check)()


def check_simplified(pair: Pair, single: bool = False) -> None:
    simple, plain = pair.simple, pair.plain
    assert (simple.domain_shape, simple.codomain_shape) == (plain.domain_shape, plain.codomain_shape)
    expected = matrix_of(plain)
    size = float(expected.norm())
    close(matrix_of(simple, pair.real_domain), expected, size, single)
    close(matrix_of(simple.H, pair.real_codomain), expected.T, size, single)


def check_pullback(pair: Pair, middle: LinearOperator, single: bool = False) -> None:
    outer, inner = matrix_of(pair.simple, pair.real_domain), matrix_of(middle, pair.real_codomain)
    scale = float(outer.norm()) ** 2 * float(inner.norm())
    close(matrix_of(pair.simple.pullback(middle), pair.real_domain), outer.T @ inner @ outer, scale, single)


def check_adjoint_of_a_product(left: Pair, right: Pair) -> None:
    product, real = left.simple @ right.simple, (left @ right).real_codomain
    forward = matrix_of(product, right.real_domain)
    for adjoint in (product.H, right.simple.H @ left.simple.H):
        close(matrix_of(adjoint, real), forward.T, float(forward.norm()), single=False)


def check_peel(A: LinearOperator) -> None:
    last = (A.operator if isinstance(A, Scaled) else A).factors[-1]
    rest, part = A.peel(type(last.operator if isinstance(last, Lift) else last))
    close(matrix_of(rest @ part), matrix_of(A), float(matrix_of(A).norm()), single=False)


def check_norm_bound(pair: Pair) -> None:
    bound, matrix = pair.simple.norm_bound(), matrix_of(pair.simple, pair.real_domain)
    assert bound >= float(torch.linalg.matrix_norm(matrix, ord=2)) * (1 - 1e-5)  # what is no closed form has 1e-6


def check_row_projection(pair: Pair) -> None:
    seen, matrix = pair.simple.row_projection, matrix_of(pair.simple, pair.real_domain)
    assert seen.is_projection
    close(matrix_of(seen, pair.real_domain), torch.linalg.pinv(matrix, rtol=1e-9) @ matrix, 1e4, single=False)


@given(composition=compositions())
@settings(max_examples=80)
def test_simplified_is_unsimplified(composition: Composition) -> None:
    check_simplified(composition.pair, composition.single)


@given(composition=compositions(), data=st.data())
@settings(max_examples=60)
def test_pullback_is_the_product(composition: Composition, data: st.DataObject) -> None:
    pair, shape = composition.pair, composition.pair.simple.codomain_shape
    at = data.draw(st.integers(0, len(shape) - 1))
    inner = square(data.draw, shape[at:], pair.real_codomain, composition.single).simple
    check_pullback(pair, lift(shape[:at], inner), composition.single)


@given(right=compositions(depth=3, double=True), data=st.data())
@settings(max_examples=60)
def test_adjoint_of_a_product(right: Composition, data: st.DataObject) -> None:
    pair = right.pair
    check_adjoint_of_a_product(leaf(data.draw, pair.simple.codomain_shape, pair.real_codomain, single=False), pair)


@given(composition=compositions(double=True))
@settings(max_examples=60)
def test_what_is_peeled_off_goes_back_on(composition: Composition) -> None:
    check_peel(composition.pair.simple)


@given(composition=compositions())
@settings(max_examples=80)
def test_no_singular_value_exceeds_the_bound_of_the_norm(composition: Composition) -> None:
    check_norm_bound(composition.pair)


@given(composition=compositions(double=True))
@settings(max_examples=40)
def test_row_projection_is_the_projection_onto_what_is_seen(composition: Composition) -> None:
    pair = composition.pair
    assume(is_well_conditioned(matrix_of(pair.simple, pair.real_domain)))
    check_row_projection(pair)


D = Diagonal(torch.tensor([1.0, 2j]).to(torch.complex128))


class Broken(Diagonal):
    """A diagonal that answers wrongly."""

    @property
    def H(self) -> LinearOperator:
        return Diagonal(self.values)

    @property
    def row_projection(self) -> LinearOperator:
        return Mask(torch.tensor([True, False]))

    def norm_bound(self) -> float:
        return 1.9

    def pullback(self, middle: LinearOperator) -> LinearOperator:
        return self @ middle @ self

    def peel(self, kind: type[LinearOperator]) -> tuple[LinearOperator, LinearOperator]:
        return self, self


BROKEN = Broken(D.values)


@pytest.mark.parametrize(
    "check",
    [
        lambda pair: check_simplified(Pair(pair.simple, without_structure(D.H))),
        lambda pair: check_simplified(pair),
        lambda pair: check_pullback(pair, Identity((2,))),
        lambda pair: check_adjoint_of_a_product(Pair.of(Fourier((2,))), pair),
        lambda pair: check_peel(pair.simple),
        lambda pair: check_norm_bound(pair),
        lambda pair: check_row_projection(pair),
    ],
)
def test_what_is_broken_is_noticed(check: Callable[[Pair], None]) -> None:
    with pytest.raises(AssertionError):
        check(Pair(BROKEN, without_structure(D)))
