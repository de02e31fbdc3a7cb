"""The nearest circulant, by its definition with dense matrices; and what it preconditions."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.operators import (
    Circulant,
    Diagonal,
    Fourier,
    Identity,
    LinearOperator,
    Mask,
    RealPart,
    Sensitivities,
    Stack,
    Subsample,
    denoising,
    fourier,
    inpainting,
    sense,
)
from invdiff.operators.lift import lift

SHAPE = (3, 4)
GENERATOR = torch.Generator().manual_seed(2)
LINES = torch.tensor([True, False, True, True]).expand(SHAPE)
SAMPLED = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 0]]) > 0


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=GENERATOR)


MAPS, TWO_SETS, KERNEL = normal(3, *SHAPE), normal(2, 3, *SHAPE), normal(*SHAPE)
BLUR = Circulant(SHAPE, 1.5 + KERNEL.abs(), (-2, -1))
KNOWN: dict[str, LinearOperator] = {
    "identity": Identity(SHAPE),
    "a I": 0.3 * Identity(SHAPE),
    "diagonal": Diagonal(KERNEL),
    "diagonal, broadcast": Diagonal(KERNEL[:, :1].expand(SHAPE)),
    "mask": Mask(SAMPLED),
    "circulant": Circulant(SHAPE, KERNEL, (-2, -1)),
    "a circulant": (2 - 1j) * Circulant(SHAPE, KERNEL, (-2, -1)),
    "Fourier": fourier(SAMPLED).gram,
    "Fourier, real images": (fourier(SAMPLED) @ RealPart(SHAPE).H).gram,
    "inpainting": inpainting(SAMPLED).gram,
    "denoising": denoising(SHAPE).gram,
    "coil by coil": lift((3,), fourier(SAMPLED)).gram,
    "SENSE": sense(SAMPLED, MAPS).gram,
    "SENSE along lines": sense(LINES, MAPS).gram,
    "SENSE, one axis transformed": (Subsample(SAMPLED) @ Fourier(SHAPE, (-1,)) @ Sensitivities(MAPS)).gram,
    "SENSE, every sample": sense(SAMPLED | True, MAPS).gram,
    "SENSE, two map sets": sense(SAMPLED, TWO_SETS).gram,
    "SENSE, blurred": Sensitivities(MAPS).pullback(lift((3,), BLUR)),
    "SENSE, turned": Sensitivities(MAPS).pullback(lift((3,), Circulant(SHAPE, KERNEL, (-2, -1)))),
    "SENSE, turned down": Sensitivities(MAPS).pullback(lift((3,), Circulant(SHAPE, -KERNEL.abs(), (-2, -1)))),
    "a SENSE": (0.2 * sense(SAMPLED, MAPS)).gram,
    "I + SENSE": 0.1 * Identity(SHAPE) + 3.0 * sense(SAMPLED, MAPS).gram,
    "I + SENSE, two map sets": Identity((2, *SHAPE)) + sense(SAMPLED, TWO_SETS).gram,
    "blur + SENSE": BLUR + sense(SAMPLED, MAPS).gram,
    "blur + mask": BLUR + inpainting(SAMPLED).gram,
    "2 (blur + mask)": 2.0 * (BLUR + inpainting(SAMPLED).gram),
    "lifted": lift((2,), BLUR + inpainting(SAMPLED).gram),
}


def modes(A: LinearOperator, dims: int) -> tuple[Tensor, Tensor]:
    """Every Fourier mode f of the last axes, frequency zero first, and A f; of a real map by its complex
    extension."""
    units = torch.eye(math.prod(A.domain_shape), dtype=torch.complex128).reshape(-1, *A.domain_shape)
    found = torch.fft.ifftn(units, dim=tuple(range(-dims, 0)), norm="ortho")
    return found, torch.complex(A(found.real), A(found.imag)) if A.real_domain else A(found)


def check_nearest(A: LinearOperator, nearest: LinearOperator | None, dims: int = 2) -> None:
    """It is diagonal in frequency, and A's value at each."""
    assert nearest is not None
    assert (nearest.domain_shape, nearest.real_domain) == (A.domain_shape, A.real_domain)
    f, seen = modes(A, dims)
    values = (f.conj() * seen).flatten(1).sum(1)
    _, turned = modes(nearest, dims)
    matrix = torch.fft.fftn(turned, dim=tuple(range(-dims, 0)), norm="ortho").flatten(1)
    torch.testing.assert_close(matrix, torch.diag(values), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", KNOWN)
def test_it_has_the_operator_s_value_at_each_frequency(name: str) -> None:
    A = KNOWN[name]
    check_nearest(A, A.nearest_circulant())


def test_of_a_volume() -> None:
    sampled = torch.rand(2, *SHAPE, generator=GENERATOR) > 0.4
    A = sense(sampled, normal(3, 2, *SHAPE)).gram
    check_nearest(A, A.nearest_circulant(), dims=3)


def test_a_circulant_along_an_axis_is_its_own() -> None:
    along = Circulant(SHAPE, KERNEL, (-1,))
    assert along.nearest_circulant() is along


@pytest.mark.parametrize(
    "broken",
    [
        sense(SAMPLED, MAPS.conj()).gram.nearest_circulant(),
        1.01 * sense(SAMPLED, MAPS).gram.nearest_circulant(),
        Diagonal(sense(SAMPLED, MAPS).gram(torch.ones(SHAPE, dtype=torch.complex128))),
        sense(SAMPLED, MAPS).gram,
        None,
    ],
)
def test_another_operator_is_noticed(broken: LinearOperator | None) -> None:
    with pytest.raises(AssertionError):
        check_nearest(sense(SAMPLED, MAPS).gram, broken)


@pytest.mark.parametrize("A", [Fourier(SHAPE), Stack((Identity(SHAPE), Identity(SHAPE))), Subsample(SAMPLED)], ids=repr)
def test_it_is_unknown_where_it_takes_more_than_the_operator_s_numbers(A: LinearOperator) -> None:
    assert A.nearest_circulant() is None
    assert A.preconditioner is None


def check_preconditioner(A: LinearOperator) -> None:
    """Positive, and the inverse of the nearest circulant."""
    known = None if A.preconditioner is None else A.preconditioner.spectral_part
    nearest = A.nearest_circulant()
    assert known is not None
    assert nearest is not None
    assert not known.spectrum.is_complex()
    assert bool((known.spectrum > 0).all())
    x = normal(*A.domain_shape).real if A.real_domain else normal(*A.domain_shape)
    torch.testing.assert_close(nearest(A.preconditioner(x)), x)


@given(data=st.data(), shift=st.floats(1e-6, 1e3), weight=st.floats(1e-6, 1e3), seed=st.integers(0, 1000))
@settings(max_examples=40)
def test_a_preconditioner_is_positive(data: st.DataObject, shift: float, weight: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(SHAPE, generator=generator) < 0.5
    mask[0, 0] = True
    maps = torch.randn(2, *SHAPE, dtype=torch.complex128, generator=generator)
    maps = maps * (torch.rand(SHAPE, generator=generator) < data.draw(st.sampled_from([0.3, 1.0])))
    G = data.draw(st.sampled_from([sense(mask, maps).gram, inpainting(mask).gram]))
    check_preconditioner(shift * Identity(SHAPE) + weight * G)
    check_preconditioner(Circulant(SHAPE, shift + torch.rand(SHAPE, generator=generator), (-2, -1)) + weight * G)


@pytest.mark.parametrize(
    "A", [sense(SAMPLED, MAPS).gram, Mask(SAMPLED), Identity(SHAPE) - 2.0 * Mask(SAMPLED)], ids=repr
)
def test_what_is_not_known_to_be_positive_definite_has_none(A: LinearOperator) -> None:
    assert A.preconditioner is None
    with pytest.raises(AssertionError):
        check_preconditioner(A)
