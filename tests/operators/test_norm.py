"""Norms and their bounds in closed form; for random compositions see test_compositions."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.operators import LinearOperator, Sensitivities, sense
from invdiff.testing import dense

SHAPE = (3, 4)


def random_maps(coils: int, seed: int) -> Tensor:
    return torch.randn(coils, *SHAPE, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


def check_bound_is_the_norm(A: LinearOperator) -> None:
    assert A.norm_bound() == pytest.approx(float(torch.linalg.matrix_norm(dense(A), ord=2)), rel=1e-9)


@given(seed=st.integers(0, 1000), coils=st.integers(1, 4), scale=st.floats(1e-12, 1e12))
def test_the_bound_of_one_map_set_is_its_norm(seed: int, coils: int, scale: float) -> None:
    maps = random_maps(coils, seed)
    check_bound_is_the_norm(scale * Sensitivities(maps))
    check_bound_is_the_norm(scale * sense(torch.ones(SHAPE, dtype=torch.bool), maps))
    check_bound_is_the_norm(scale * Sensitivities(torch.stack([maps, maps])))  # two images that are seen alike


def test_of_two_map_sets_that_differ_it_is_above_the_norm() -> None:
    with pytest.raises(AssertionError):
        check_bound_is_the_norm(Sensitivities(torch.stack([random_maps(3, 0), random_maps(3, 1)])))
