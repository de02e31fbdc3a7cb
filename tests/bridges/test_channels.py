"""Complex arrays as channels, and back."""

import pytest
import torch

from invdiff.bridges import Channels
from invdiff.operators import Identity, LinearOperator, fourier
from invdiff.testing import OperatorContract

MASK = torch.rand(3, 4, generator=torch.Generator().manual_seed(0)) > 0.4


class TestChannels(OperatorContract):
    def operator(self) -> LinearOperator:
        return Channels((2, 3))


class TestBetween(OperatorContract):
    """An operator of complex arrays between two of real ones."""

    def operator(self) -> LinearOperator:
        A = fourier(MASK)
        return Channels(A.codomain_shape) @ A @ Channels(A.domain_shape).H


@pytest.mark.parametrize("batch", [(), (5,), (5, 2)])
def test_real_and_imaginary_part(batch: tuple[int, ...]) -> None:
    x = torch.randn(*batch, 3, 4, dtype=torch.complex128)
    channels = Channels((3, 4))(x)
    assert torch.equal(channels, torch.stack([x.real, x.imag], -3))
    assert torch.equal(Channels((3, 4)).H(channels), x)


def test_it_cancels() -> None:
    assert isinstance(Channels((3,)).H @ Channels((3,)), Identity)
    assert isinstance(Channels((3,)) @ Channels((3,)).H, Identity)
    A = fourier(MASK)
    between = Channels(A.codomain_shape) @ A @ Channels(A.domain_shape).H
    assert repr(between.gram) == f"Channels {A.gram!r} Channelsᴴ"  # nothing is left of the measurement's
