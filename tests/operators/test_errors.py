"""What a user can get wrong: each is refused in a sentence that names the shapes or the numbers."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

from invdiff.errors import InputError
from invdiff.operators import (
    Circulant,
    Crop,
    Diagonal,
    Fourier,
    FromFunctions,
    Identity,
    Mask,
    Pad,
    RealPart,
    Sensitivities,
    Stack,
    Subsample,
    fourier,
    sense,
)

SHAPE = (4, 6)
F, RE = Fourier(SHAPE), RealPart(SHAPE)
MASK = torch.arange(24).reshape(SHAPE) % 3 == 0
MAPS = torch.randn(2, *SHAPE, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
A = sense(MASK, MAPS)
X = torch.zeros(SHAPE, dtype=torch.complex128)
NAN_MAPS = MAPS.clone()
NAN_MAPS[0, 1, 2] = torch.nan


def noise(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.complex128)


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "shape": (lambda: F(torch.zeros(4, 5)), "F takes arrays of shape (..., 4, 6) but got (4, 5)"),
    "too few dimensions": (lambda: F(torch.zeros(6)), "(..., 4, 6) but got (6,)"),
    "adjoint's shape": (lambda: A.H(torch.zeros(3, 8)), "(..., 2, 8) but got (3, 8)"),
    "integers": (lambda: F(torch.zeros(SHAPE, dtype=torch.uint8)), "torch.uint8; convert them first"),
    "half precision": (
        lambda: A(torch.zeros(SHAPE).half()),
        "double precision but got torch.float16; convert it",
    ),
    "half precision solve": (lambda: A.gram.solve(torch.zeros(SHAPE).bfloat16()), "but got torch.bfloat16; convert it"),
    "maps of half precision": (lambda: Sensitivities(MAPS.real.half()), "S takes single or double precision but got"),
    "list": (lambda: F([[0.0] * 6] * 4), "F takes torch tensors or NumPy arrays but got a list"),
    "list of maps": (lambda: sense(MASK, MAPS.tolist()), "sense takes torch tensors or NumPy arrays but got a list"),
    "NumPy array of objects": (lambda: F(np.full(SHAPE, None)), "F can't take NumPy arrays of object"),
    "NumPy array of integers": (lambda: F(np.zeros(SHAPE, int)), "torch.int64; convert them first"),
    "NumPy mask of numbers": (lambda: fourier(MASK.numpy().astype(float)), "boolean array but got torch.float64"),
    "initial's shape": (lambda: (Identity(SHAPE) + A.gram).solve(X, initial=X[0]), "starts from arrays of shape"),
    "composition": (lambda: F @ Fourier((4, 5)), "takes arrays of shape (4, 6) but F makes (4, 5)"),
    "complex into real": (lambda: RE.H(X), "real arrays of shape (..., 4, 6) but got torch.complex128"),
    "complex into real pinv": (lambda: RE.pinv(X), "real arrays of shape (..., 4, 6) but got torch.complex128"),
    "complex into real solve": (lambda: (fourier(MASK) @ RE.H).gram.solve(X), "but got torch.complex128"),
    "complex after real": (
        lambda: RE.H @ F,
        "Reᴴ takes real arrays of shape (4, 6) but F makes complex ones of shape (4, 6)",
    ),
    "real after complex": (
        lambda: F @ RE,
        "Re makes real arrays of shape (4, 6) but F takes complex ones of shape (4, 6)",
    ),
    "sum of shapes": (lambda: F + fourier(MASK), "F maps (4, 6) to (4, 6) but P(Λ) F maps (4, 6) to (8,)"),
    "sum of kinds": (lambda: F + RE.H, "map (4, 6) to (4, 6) but differ in whether these arrays are real"),
    "complex scale": (lambda: 1j * RE, "Re makes real arrays of shape (4, 6), so it can't be scaled by the complex 1j"),
    "infinite scale": (lambda: float("inf") * F, "can't be scaled by inf"),
    "pullback": (lambda: F.pullback(Identity((4, 5))), "shape (4, 6), but I maps (4, 5) to (4, 5)"),
    "not positive": (lambda: F.solve(X), "F is not known to be positive, so it can't be solved"),
    "solve's shape": (lambda: A.gram.solve(torch.zeros(3)), "solves for arrays of shape (..., 4, 6) but got (3,)"),
    "pinv's shape": (lambda: A.pinv(torch.zeros(3)), "takes arrays of shape (..., 2, 8) but got (3,)"),
    "project's shape": (lambda: A.project(X, torch.zeros(1)), "makes arrays of shape (..., 2, 8) but got (1,)"),
    "no square root": (lambda: A.gram.sample(noise), "No square root of Sᴴ Fᴴ D F S is known"),
    "singular": (lambda: Mask(MASK).sample(noise), "Λ is not positive definite"),
    "singular sum": (lambda: (0 * Identity(SHAPE) + A.gram).sample(noise), "is not positive definite"),
    "negative": (lambda: (-1 * (Identity(SHAPE) + A.gram)).sample(noise), "is not positive definite"),
    "indefinite": (lambda: (-1 * Identity(SHAPE) + A.gram).solve(X), "is not known to be positive"),
    "mask of numbers": (lambda: Subsample(MASK.float()), "boolean array but got torch.float32"),
    "diagonal mask of numbers": (lambda: Mask(MASK.long()), "boolean array but got torch.int64"),
    "empty mask": (lambda: fourier(torch.zeros(SHAPE, dtype=torch.bool)), "keeps no sample at all"),
    "NaN maps": (lambda: Sensitivities(NAN_MAPS), "hold NaN or infinity"),
    "flat maps": (lambda: Sensitivities(MAPS[0]), "(coils, *image) or (sets, coils, *image), but these have (4, 6)"),
    "mask and maps": (lambda: sense(MASK[:, :5], MAPS), "mask has shape (4, 5) but the coil maps have (2, 4, 6)"),
    "axes": (lambda: Fourier(SHAPE, axes=(0, -2)), "axes (0, -2) of arrays of shape (4, 6)"),
    "axis": (lambda: Fourier(SHAPE, axes=(2,)), "axes (2,) of arrays of shape (4, 6)"),
    "crop": (lambda: Crop((4, 6), (5, 6)), "(5, 6) don't fit inside (4, 6)"),
    "pad": (lambda: Pad((4, 6), (6,)), "(4, 6) don't fit inside (6,)"),
    "stack of domains": (lambda: Stack((F, Fourier((4, 5)))), "all take the same arrays"),
    "empty stack": (lambda: Stack(()), "all take the same arrays"),
    "join": (lambda: Stack((F, F)).join(X), "joins 2 measurements but got 1"),
    "peel": (lambda: A.peel(Fourier), "P(Λ) F S doesn't end in Fourier"),
    "multiplier": (lambda: Circulant(SHAPE, torch.ones(5), (-1,)), "shape (5,) does not broadcast to (4, 6)"),
    "circulant's axes": (lambda: Circulant(SHAPE, torch.ones(6), (1,)), "axes (1,) of (4, 6); count them from the end"),
}


@pytest.mark.parametrize("name", WRONG)
def test_is_refused(name: str) -> None:
    call, says = WRONG[name]
    with pytest.raises(InputError, match=re.escape(says)) as refusal:
        call()
    assert str(refusal.value).endswith(".")


def test_what_is_right_is_not_refused() -> None:
    real = FromFunctions(lambda x: x, lambda y: y, SHAPE, SHAPE, preserves_reals=True)
    assert (RE.H @ real).real_domain
    assert (real @ RE).real_codomain
    assert not (RE.H @ RE).real_domain
    assert (1j * RE.H)(X.real).is_complex()
    assert Diagonal(torch.arange(3)).pinv(torch.ones(3)).tolist() == [0, 1, 0.5]
    assert (2 * Identity(SHAPE) + A.gram).sample(noise).shape == SHAPE


def test_operators_are_not_numbers() -> None:
    with pytest.raises(TypeError):
        F @ X
    with pytest.raises(TypeError):
        F + 1
    with pytest.raises(TypeError):
        "2" * F
