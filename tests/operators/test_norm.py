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
def test_the_bound_of_coil_maps_is_their_norm(seed: int, coils: int, scale: float) -> None:
    maps = random_maps(coils, seed)
    check_bound_is_the_norm(scale * Sensitivities(maps))
    check_bound_is_the_norm(scale * sense(torch.ones(SHAPE, dtype=torch.bool), maps))
    check_bound_is_the_norm(scale * Sensitivities(torch.stack([maps, maps])))  # two images that are seen alike
    check_bound_is_the_norm(scale * Sensitivities(torch.stack([maps, random_maps(coils, seed + 1)])))


def test_two_map_sets_that_are_orthogonal_have_the_norm_of_one() -> None:
    """As those of ESPIRiT, which are eigenvectors at every pixel."""
    sets = torch.linalg.qr(torch.randn(12, 4, 2, dtype=torch.complex128, generator=torch.Generator().manual_seed(0)))[0]
    assert Sensitivities(sets.permute(2, 1, 0).reshape(2, 4, *SHAPE)).norm_bound() == pytest.approx(1)


class Loose(Sensitivities):
    """As if all sets were seen alike."""

    def norm_bound(self) -> float:
        return float(self.maps.abs().square().sum((0, 1)).max().sqrt())


def test_a_looser_bound_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check_bound_is_the_norm(Loose(torch.stack([random_maps(3, 0), random_maps(3, 1)])))
