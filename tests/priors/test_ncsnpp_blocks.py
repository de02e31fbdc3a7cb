import numpy as np
import pytest
import torch
from torch import nn

from invdiff.errors import InputError
from invdiff.priors.networks.fir import FIRDown, FIRUp
from invdiff.priors.networks.group_norm import group_norm
from invdiff.priors.networks.ncsnpp_blocks import (
    Attention,
    DDPMBlock,
    GaussianFourierProjection,
    GrowConv,
    InputSkip,
    PositionalEmbedding,
    ResidualBlock,
    ShrinkConv,
)

ROOT_2 = 2**0.5


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize(
    ("channels", "resample", "kind"),
    [
        ((8, 8), nn.Identity(), ""),
        ((8, 12), nn.Identity(), ""),
        ((8, 8), FIRUp(), "up"),
        ((8, 12), FIRDown(), "down"),
        ((8, 8), nn.Upsample(scale_factor=2), "repeat"),
        ((8, 12), nn.AvgPool2d(2), "mean"),
    ],
)
def test_residual_block(plain, randomised, channels, resample, kind) -> None:
    block = randomised(ResidualBlock(*channels, 10, resample, 0.1, ROOT_2))
    x, embedding = noise(2, channels[0], 6, 4), noise(2, 10)
    expected = [plain.of(block).block("", a.numpy(), e.numpy(), kind) for a, e in zip(x, embedding, strict=True)]
    np.testing.assert_allclose(block(x, embedding).numpy(), np.stack(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("part", ["Conv_0.weight", "Dense_0.bias", "GroupNorm_1.weight", "Conv_2.bias"])
def test_the_block_comparison_rejects_a_changed_weight(plain, randomised, part) -> None:
    block = randomised(ResidualBlock(8, 12, 10, FIRDown(), 0.0, ROOT_2))
    reference = plain.of(block)
    reference.state[part] = 1.001 * reference.state[part]
    x, embedding = noise(1, 8, 6, 4), noise(1, 10)
    difference = block(x, embedding).numpy()[0] - reference.block("", x[0].numpy(), embedding[0].numpy(), "down")
    assert np.abs(difference).max() > 1e-7


def test_attention(plain, randomised) -> None:
    attention = randomised(Attention(8, ROOT_2))
    x = noise(2, 8, 3, 4)
    expected = np.stack([plain.of(attention).attention("", one.numpy()) for one in x])
    np.testing.assert_allclose(attention(x).numpy(), expected, rtol=1e-9, atol=1e-9)
    exchanged = plain.of(attention)
    exchanged.state["NIN_0.W"], exchanged.state["NIN_1.W"] = exchanged.state["NIN_1.W"], exchanged.state["NIN_0.W"]
    assert np.abs(attention(x).numpy()[0] - exchanged.attention("", x[0].numpy())).max() > 1e-4


@pytest.mark.parametrize("channels", [(8, 8), (8, 12)])
def test_the_block_of_ddpm(plain, randomised, channels) -> None:
    block = randomised(DDPMBlock(*channels, 10, 0.1, ROOT_2))
    assert ("NIN_0.W" in block.state_dict()) == (channels == (8, 12))
    assert "Conv_2.weight" not in block.state_dict()
    x, embedding = noise(2, channels[0], 6, 4), noise(2, 10)
    expected = [plain.of(block).block("", a.numpy(), e.numpy()) for a, e in zip(x, embedding, strict=True)]
    np.testing.assert_allclose(block(x, embedding).numpy(), np.stack(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("concatenates", [False, True])
@pytest.mark.parametrize(("shrink", "kind"), [(FIRDown(), "down"), (nn.AvgPool2d(2), "mean")])
def test_the_shrunken_image_joins_the_features(plain, randomised, shrink, kind, concatenates) -> None:
    image, h = noise(1, 2, 8, 6), noise(1, 8, 4, 3)
    skip = randomised(InputSkip(2, 8, shrink, concatenates=concatenates))
    reference = plain.of(skip)
    pyramid, merged = skip(image, h)
    small = getattr(reference, kind)(image[0].numpy())
    np.testing.assert_allclose(pyramid[0].numpy(), small, rtol=1e-6, atol=1e-6)
    fed, features = reference.conv("Conv_0", small), h[0].numpy()
    expected = np.concatenate([fed, features]) if concatenates else fed + features
    np.testing.assert_allclose(merged[0].numpy(), expected, rtol=1e-6, atol=1e-6)


def test_convolutions_that_resample(plain, randomised) -> None:
    image = noise(1, 2, 8, 6)
    filtered = randomised(ShrinkConv(2, 8, (1, 3, 3, 1)))
    reference = plain.of(filtered)
    expected = reference.conv("Conv2d_0", reference.blur(image[0].numpy()), stride=2, padding=0)
    np.testing.assert_allclose(filtered(image)[0].numpy(), expected, rtol=1e-6, atol=1e-6)

    strided = randomised(ShrinkConv(2, 8, None))
    expected = plain.of(strided).strided("Conv_0", image[0].numpy())
    np.testing.assert_allclose(strided(image)[0].numpy(), expected, rtol=1e-9, atol=1e-9)

    growing = randomised(GrowConv(2))
    reference = plain.of(growing)
    expected = reference.conv("Conv_0", reference.repeat(image[0].numpy()))
    np.testing.assert_allclose(growing(image)[0].numpy(), expected, rtol=1e-9, atol=1e-9)


def test_positions() -> None:
    embedding = PositionalEmbedding(6).double()
    assert embedding.state_dict() == {}
    for time in (0.0, 3.7, 999.0):
        expected = [wave(time * 100.0**-k) for wave in (np.sin, np.cos) for k in range(3)]
        np.testing.assert_allclose(embedding(torch.tensor([time]).double())[0], expected, rtol=1e-4, atol=1e-4)


def test_frequencies_are_not_trained() -> None:
    projection = GaussianFourierProjection(4096, 16.0)
    assert list(projection.parameters()) == []
    assert list(projection.state_dict()) == ["W"]
    assert projection.W.std().item() == pytest.approx(16, rel=0.05)


@pytest.mark.parametrize(("channels", "groups"), [(6, 1), (8, 2), (96, 24), (128, 32), (384, 32)])
def test_groups(channels: int, groups: int) -> None:
    assert group_norm(channels).num_groups == groups


@pytest.mark.parametrize("channels", [3, 132])
def test_channels_that_make_no_groups_are_refused(channels: int) -> None:
    with pytest.raises(InputError, match=f"divide {channels}"):
        group_norm(channels)
