"""Slices as one problem: what it measures, and the phases of its slices."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff import Problem
from invdiff.errors import InputError
from invdiff.operators import (
    Diagonal,
    Fourier,
    Sensitivities,
    denoising,
    fourier,
    inpainting,
    non_cartesian_sense,
    sense,
)
from invdiff.operators.gram import Gram
from invdiff.operators.sense_gram import SenseGram
from invdiff.reconstruction import StackedSlices, stacked_slices
from invdiff.reconstruction.audit import HeldBack

Make = Callable[[Tensor, Tensor], Any]
MASK = torch.tensor([True, True, False, True, False, True]).expand(4, 6).contiguous()
POINTS = torch.rand(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 0.5

THROUGH_MAPS: dict[str, Callable[[Tensor], Any]] = {
    "sense": lambda maps: sense(MASK, maps),
    "two map sets": lambda maps: sense(MASK, torch.stack([maps, maps.roll(1, 0)])),
    "non-cartesian": lambda maps: non_cartesian_sense(POINTS, maps),
    "scaled": lambda maps: 2.0 * sense(MASK, maps),
}
OF_ONE: dict[str, Callable[[Tensor], Any]] = {
    "fourier": lambda maps: fourier(MASK),
    "inpainting": lambda maps: inpainting(MASK),
    "denoise": lambda maps: denoising((4, 6)),
}
KINDS = {**THROUGH_MAPS, **OF_ONE}


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.view_as_complex(torch.randn(*shape, 2, dtype=torch.float64, generator=generator))


def measured(kind: str, maps: Tensor, seed: int) -> tuple[list[Problem], Tensor]:
    """A problem of each slice, of maps ``(D, coils, H, W)``, and the images that were measured."""
    operators = [KINDS[kind](one) for one in maps]
    images = torch.stack([normal(*a.domain_shape, seed=seed + k) for k, a in enumerate(operators)])
    pairs = zip(operators, images, strict=True)
    return [Problem(a, a(image), 0.1, initial=image) for a, image in pairs], images


def check_measures_the_slices(slices: Sequence[Problem], images: Tensor) -> None:
    """The slices, turned, are measured as they are one by one, and the image to start from is theirs."""
    made = StackedSlices.of(slices)
    stacked = images.movedim(0, -3)
    turned = stacked if made.turns is None else made.turns * stacked
    torch.testing.assert_close(made.problem.operator(turned), made.problem.y)
    assert made.problem.noise_std == slices[0].noise_std
    assert made.problem.y.numel() == sum(each.y.numel() for each in slices)


@given(kind=st.sampled_from([*KINDS]), count=st.integers(1, 4), coils=st.integers(1, 3), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_a_volume_measures_its_slices(kind: str, count: int, coils: int, seed: int) -> None:
    slices, images = measured(kind, normal(count, coils, 4, 6, seed=seed), seed)
    if kind == "two map sets":  # whose image to start from nobody has
        slices = [replace(each, initial=None) for each in slices]
    check_measures_the_slices(slices, images)


def test_the_image_to_start_from_is_turned_as_the_slices_are() -> None:
    slices, images = measured("sense", normal(3, 2, 4, 6), 0)
    made = StackedSlices.of(slices)
    assert made.turns is not None
    assert made.problem.initial is not None
    torch.testing.assert_close(made.problem.initial, made.turns * images)


def check_slices_are_in_phase(phases: Sequence[float]) -> None:
    """However the maps of each slice are turned as a whole, the volume is the same."""
    alike = normal(2, 4, 6)
    maps = torch.stack([alike + 0.1 * normal(2, 4, 6, seed=1 + k) for k in range(len(phases))])
    turns = torch.polar(torch.ones(len(phases), dtype=torch.float64), torch.tensor(phases, dtype=torch.float64))
    turns[0] = 1
    plain, turned = (
        StackedSlices.of(measured("sense", one, 0)[0]) for one in (maps, maps * turns[:, None, None, None])
    )
    image = normal(len(phases), 4, 6, seed=7)
    torch.testing.assert_close(turned.problem.operator(image), plain.problem.operator(image))
    assert plain.turns is not None
    assert turned.turns is not None
    torch.testing.assert_close(turned.turns, plain.turns * turns.reshape(-1, 1, 1))


@given(phases=st.lists(st.floats(-math.pi, math.pi), min_size=1, max_size=5))
@settings(max_examples=25)
def test_the_phases_that_chance_gave_maps_are_gone(phases: list[float]) -> None:
    check_slices_are_in_phase(phases)


def as_they_are(maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    return torch.stack([*maps], -3), torch.ones(len(maps), 1, 1, dtype=maps[0].dtype)


def turned_twice(maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    found, turns = in_phase(maps)
    return found, turns**2


in_phase = stacked_slices._in_phase


def test_other_phases_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacked_slices, "_in_phase", as_they_are)
    with pytest.raises(AssertionError):
        check_slices_are_in_phase([0.0, 1.0, 2.0])
    monkeypatch.setattr(stacked_slices, "_in_phase", turned_twice)
    with pytest.raises(AssertionError):
        check_measures_the_slices(*measured("sense", normal(3, 2, 4, 6), 0))


def test_a_slice_without_maps_is_not_turned() -> None:
    maps = normal(3, 2, 4, 6)
    maps[1] = 0
    slices = [Problem(sense(MASK, one), torch.ones(2, int(MASK.sum()), dtype=torch.complex128), 0.1) for one in maps]
    turns = StackedSlices.of(slices).turns
    assert turns is not None
    assert torch.equal(turns.abs(), torch.ones(3, 1, 1, dtype=torch.float64))


@pytest.mark.parametrize("kind", ["sense", "non-cartesian"])
def test_its_gram_is_a_sense_gram_as_that_of_a_slice(kind: str) -> None:
    operator = StackedSlices.of(measured(kind, normal(3, 2, 4, 6), 0)[0]).problem.operator
    assert isinstance(operator.gram, Gram)
    assert [type(factor) for factor in operator.gram.factors] == [SenseGram]
    image = normal(3, 4, 6, seed=5)
    torch.testing.assert_close(operator.gram(image), operator.H(operator(image)))
    assert operator.gram.nearest_circulant() is not None


def test_samples_can_be_held_back_of_it() -> None:
    slices, images = measured("sense", normal(3, 2, 4, 6), 0)
    held = torch.zeros_like(MASK)
    held[:, 3] = True
    check_measures_the_slices([replace(HeldBack.of(each, held).shown, initial=None) for each in slices], images)


def along_points_of_their_own(maps: Tensor, seed: int) -> tuple[list[Problem], Tensor]:
    """Problems of slices that were sampled at other points each, and the images that were measured."""
    images, turned = normal(len(maps), 4, 6, seed=seed), [POINTS.roll(k, 1) * (1 - 0.1 * k) for k in range(len(maps))]
    operators = [non_cartesian_sense(points, one) for points, one in zip(turned, maps, strict=True)]
    return [Problem(a, a(image), 0.1) for a, image in zip(operators, images, strict=True)], images


@given(count=st.integers(1, 4), coils=st.integers(1, 3), held=st.integers(0, 20), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_slices_are_sampled_at_their_own_points(count: int, coils: int, held: int, seed: int) -> None:
    slices, images = along_points_of_their_own(normal(count, coils, 4, 6, seed=seed), seed)
    if held:
        slices = [HeldBack.of(each, torch.arange(len(POINTS)) < held).shown for each in slices]
    check_measures_the_slices(slices, images)
    operator = StackedSlices.of(slices).problem.operator
    torch.testing.assert_close(operator.gram(images), operator.H(operator(images)))


def test_slices_that_differ_in_more_are_refused() -> None:
    masks = MASK, MASK.roll(1, 1)
    problems = [Problem(fourier(mask), torch.ones(int(mask.sum()), dtype=torch.complex128), 0.1) for mask in masks]
    with pytest.raises(InputError, match="by others of that kind; leave alternating-planes out"):
        StackedSlices.of(problems)


def test_coils_that_differ_in_more_than_maps_are_refused() -> None:
    of_coils = Diagonal(normal(2, 4, 6)) @ Fourier((2, 4, 6), axes=(-2, -1)) @ Sensitivities(normal(2, 4, 6))
    problem = Problem(of_coils, torch.ones(2, 4, 6, dtype=torch.complex128), 0.1)
    with pytest.raises(InputError, match="differs in its coils by more than their maps"):
        StackedSlices.of([problem, problem])
