import pytest
import torch
from pydantic import ValidationError

from invdiff.errors import InputError
from invdiff.priors import UNet
from invdiff.priors.networks.unet import Norm, ResidualBlock

NORMS: tuple[Norm, ...] = ("none", "group")


def random_unet(norm: Norm = "none") -> UNet:
    network = UNet(2, widths=(8, 16), blocks=1, embedding=16, patch=2, norm=norm)
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator)
    return network.requires_grad_(False)


@pytest.mark.parametrize("norm", NORMS)
def test_any_size_and_one_or_two_channels(norm: Norm) -> None:
    network, generator = random_unet(norm), torch.Generator().manual_seed(1)
    for shape in [(1, 2, 8, 8), (2, 2, 5, 7), (1, 1, 9, 1), (3, 1, 4, 4)]:
        result = network(torch.randn(shape, generator=generator), torch.zeros(shape[0]))
        assert result.shape == shape
        assert result.isfinite().all()


def test_a_missing_channel_is_zero() -> None:
    network = random_unet()
    x = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    padded = torch.cat([x, torch.zeros_like(x)], dim=1)
    assert torch.equal(network(x, torch.zeros(1)), network(padded, torch.zeros(1))[:, :1])


def test_the_label_matters_and_a_fresh_network_gives_zero() -> None:
    network, x = random_unet(), torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(network(x, torch.tensor([0.0])), network(x, torch.tensor([0.5])))
    for norm in NORMS:
        assert UNet(2, widths=(8,), blocks=1, embedding=16, norm=norm)(x, torch.zeros(1)).abs().max() == 0


def test_a_block_with_norms_sees_no_scale_of_its_input() -> None:
    x, embedding = torch.randn(1, 8, 16, 16, generator=torch.Generator().manual_seed(1)), torch.ones(1, 4)
    for norm in NORMS:
        block = ResidualBlock(8, 4, norm).requires_grad_(False)
        torch.nn.init.normal_(block.conv_out.weight, generator=torch.Generator().manual_seed(0))
        added, added_to_large = block(x, embedding) - x, block(100 * x, embedding) - 100 * x
        assert torch.allclose(added, added_to_large, atol=1e-3 * float(added.abs().max())) == (norm == "group")


def test_widths_that_have_no_groups_are_refused() -> None:
    with pytest.raises(InputError, match="can't divide 3"):
        UNet(2, widths=(8, 3), blocks=1, embedding=16, norm="group")


@pytest.mark.parametrize("norm", NORMS)
def test_its_configuration_builds_it_again(norm: Norm) -> None:
    network = random_unet(norm)
    again = network.config.build()
    again.load_state_dict(network.state_dict())
    x = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(again(x, torch.zeros(1)), network(x, torch.zeros(1)))


@pytest.mark.parametrize("wrong", [{"channels": 0}, {"widths": ()}, {"embedding": 15}, {"patch": 0}, {"norm": "batch"}])
def test_arguments_are_validated(wrong) -> None:
    with pytest.raises(ValidationError):
        UNet(**wrong)
