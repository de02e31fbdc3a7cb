import numpy as np
import pytest
import torch
from pydantic import ValidationError

from invdiff.errors import InputError
from invdiff.priors import PUBLISHED, NCSNpp, NCSNppConfig
from invdiff.priors.networks.ncsnpp_blocks import Attention, InputSkip, ResidualBlock, ShrinkConv


def tiny(**changes: object) -> NCSNppConfig:
    """Two levels, the coarser with attention."""
    arguments = {"image_size": 8, "nf": 8, "ch_mult": (1, 2), "num_res_blocks": 1, "attn_resolutions": (4,)}
    return NCSNppConfig.model_validate(arguments | {"sigma_max": 50.0} | changes)


@pytest.mark.parametrize(
    ("config", "parameters", "tensors", "layers"),
    [
        (NCSNppConfig.chung2022(), 61_433_473, 520, 54),
        (NCSNppConfig.song2021(), 2_676_037, 472, 57),
        (PUBLISHED["ve/ffhq_256_ncsnpp_continuous"], 65_574_421, 644, 77),
        (PUBLISHED["ve/celebahq_ncsnpp_continuous"], 105_785_880, 552, 70),
        (PUBLISHED["ve/cifar10_ncsnpp_continuous"], 62_758_787, 570, 59),
        (PUBLISHED["ve/cifar10_ncsnpp_deep_continuous"], 107_586_947, 962, 95),
        (PUBLISHED["vp/cifar10_ncsnpp_continuous"], 62_693_251, 570, 58),
        (PUBLISHED["subvp/cifar10_ncsnpp_deep_continuous"], 107_521_411, 962, 94),
        (PUBLISHED["vp/cifar10_ddpmpp_continuous"], 61_804_419, 564, 55),
        (PUBLISHED["subvp/cifar10_ddpmpp_deep_continuous"], 106_632_579, 956, 91),
    ],
)
def test_totals_are_those_of_the_published_networks(config, parameters, tensors, layers) -> None:
    with torch.device("meta"):
        network = NCSNpp(config)
    trained = list(network.parameters())
    assert sum(parameter.numel() for parameter in trained) == parameters
    assert len(trained) == tensors
    assert len(network.all_modules) == layers
    fixed = {"all_modules.0.W"} if config.sde == "vesde" else set()
    assert network.state_dict().keys() - dict(network.named_parameters()).keys() == fixed


def outline(network: NCSNpp) -> dict[int, str]:
    """The blocks and pyramids by number, as ``kind in>out``."""
    result = {}
    for number, layer in enumerate(network.all_modules):
        if isinstance(layer, ResidualBlock):
            result[number] = f"block {layer.Conv_0.in_channels}>{layer.Conv_0.out_channels}"
        elif isinstance(layer, Attention):
            result[number] = f"attention {layer.NIN_0.b.numel()}"
        elif isinstance(layer, InputSkip):
            result[number] = f"skip {layer.Conv_0.in_channels}>{layer.Conv_0.out_channels}"
        elif isinstance(layer, ShrinkConv):
            result[number] = f"residual {layer.Conv2d_0.in_channels}>{layer.Conv2d_0.out_channels}"
    return result


def test_numbers_are_those_of_published_checkpoints() -> None:
    with torch.device("meta"):
        chung, song = NCSNpp(NCSNppConfig.chung2022()), NCSNpp(NCSNppConfig.song2021())
    knee = outline(chung)
    assert {n: knee[n] for n in (9, 15, 21)} == {9: "residual 1>128", 15: "residual 128>256", 21: "residual 256>256"}
    assert [n for n, kind in knee.items() if kind.startswith("attention")] == [27]
    assert {n: knee[n] for n in (8, 10, 45, 47, 51)} == {
        8: "block 128>128",
        10: "block 128>256",
        45: "block 384>256",
        47: "block 384>128",
        51: "block 256>128",
    }
    brain = outline(song)
    assert [n for n, kind in brain.items() if kind.startswith("attention")] == [17, 19, 25, 36]
    assert {n: brain[n] for n in (7, 11, 15, 21)} == {7: "skip 1>32", 11: "skip 1>32", 15: "skip 1>64", 21: "skip 1>64"}
    assert [n for n, layer in enumerate(song.all_modules) if isinstance(layer, torch.nn.GroupNorm)] == [
        30, 37, 43, 49, 55,
    ]  # fmt: skip
    assert song.all_modules[56].weight.shape == (1, 32, 3, 3)
    assert list(chung.all_modules[10].state_dict())[::2] == [
        f"{name}.weight" for name in ("GroupNorm_0", "Conv_0", "Dense_0", "GroupNorm_1", "Conv_1", "Conv_2")
    ]


def residual_network(p, x, sigma):
    """progressive none, progressive_input residual: every layer by its number."""
    n = "all_modules.{}".format
    e, p_in = p.embedding(sigma), 2 * x - 1
    h3 = p.conv(n(3), p_in)
    h4 = p.block(n("4."), h3, e)
    h5 = p.block(n("5."), h4, e, "down")
    h6 = (p.conv(n("6.Conv2d_0"), p.blur(p_in), stride=2, padding=0) + h5) / p.divisor
    h8 = p.attention(n("8."), p.block(n("7."), h6, e))
    h11 = p.block(n("11."), p.attention(n("10."), p.block(n("9."), h8, e)), e)
    h12 = p.block(n("12."), np.concatenate([h11, h8]), e)
    h14 = p.attention(n("14."), p.block(n("13."), np.concatenate([h12, h6]), e))
    h15 = p.block(n("15."), h14, e, "up")
    h16 = p.block(n("16."), np.concatenate([h15, h4]), e)
    h17 = p.block(n("17."), np.concatenate([h16, h3]), e)
    return p.conv(n(19), p.silu(p.norm(n(18), h17))) / sigma


def skip_network(p, x, sigma):
    """progressive output_skip, progressive_input input_skip, without rescaling, centred, unscaled."""
    n = "all_modules.{}".format
    e = p.embedding(sigma)
    h3 = p.conv(n(3), x)
    h4 = p.block(n("4."), h3, e)
    h6 = p.conv(n("6.Conv_0"), p.down(x)) + p.block(n("5."), h4, e, "down")
    h8 = p.attention(n("8."), p.block(n("7."), h6, e))
    h11 = p.block(n("11."), p.attention(n("10."), p.block(n("9."), h8, e)), e)
    h12 = p.block(n("12."), np.concatenate([h11, h8]), e)
    h14 = p.attention(n("14."), p.block(n("13."), np.concatenate([h12, h6]), e))
    coarse = p.conv(n(16), p.silu(p.norm(n(15), h14)))
    h17 = p.block(n("17."), h14, e, "up")
    h18 = p.block(n("18."), np.concatenate([h17, h4]), e)
    h19 = p.block(n("19."), np.concatenate([h18, h3]), e)
    return p.up(coarse) + p.conv(n(21), p.silu(p.norm(n(20), h19)))


def plain_noise_network(p, x, label):
    """As DDPM++: told the time, resampled without a filter, no pyramids."""
    n = "all_modules.{}".format
    e = p.positional(label, 8)
    h2 = p.conv(n(2), x)
    h3 = p.block(n("3."), h2, e)
    h4 = p.block(n("4."), h3, e, "mean")
    h6 = p.attention(n("6."), p.block(n("5."), h4, e))
    h9 = p.block(n("9."), p.attention(n("8."), p.block(n("7."), h6, e)), e)
    h10 = p.block(n("10."), np.concatenate([h9, h6]), e)
    h12 = p.attention(n("12."), p.block(n("11."), np.concatenate([h10, h4]), e))
    h13 = p.block(n("13."), h12, e, "repeat")
    h14 = p.block(n("14."), np.concatenate([h13, h3]), e)
    h15 = p.block(n("15."), np.concatenate([h14, h2]), e)
    return p.conv(n(17), p.silu(p.norm(n(16), h15)))


def ddpm_network(p, x, sigma):
    """Blocks and resampling of DDPM, the image concatenated, the result summed over levels."""
    n = "all_modules.{}".format
    e, p_in = p.embedding(sigma), 2 * x - 1
    h3 = p.conv(n(3), p_in)
    h4 = p.block(n("4."), h3, e)
    h6 = np.concatenate([p.conv(n("6.Conv_0"), p.mean(p_in)), p.strided(n("5.Conv_0"), h4)])
    h8 = p.attention(n("8."), p.block(n("7."), h6, e))
    h11 = p.block(n("11."), p.attention(n("10."), p.block(n("9."), h8, e)), e)
    h12 = p.block(n("12."), np.concatenate([h11, h8]), e)
    h14 = p.attention(n("14."), p.block(n("13."), np.concatenate([h12, h6]), e))
    coarse = p.conv(n(16), p.silu(p.norm(n(15), h14)))
    h17 = p.conv(n("17.Conv_0"), p.repeat(h14))
    h18 = p.block(n("18."), np.concatenate([h17, h4]), e)
    h19 = p.block(n("19."), np.concatenate([h18, h3]), e)
    return (p.repeat(coarse) + p.conv(n(21), p.silu(p.norm(n(20), h19)))) / sigma


RESIDUAL = tiny(progressive="none", progressive_input="residual", dropout=0.1)
SKIP = tiny(skip_rescale=False, centered=True, scale_by_sigma=False)
VP = {"sde": "vpsde", "sigma_max": None, "embedding_type": "positional", "scale_by_sigma": False, "centered": True}
PLAIN_NOISE = tiny(fir=False, progressive="none", progressive_input="none", **VP)
DDPM = tiny(fir=False, resblock_type="ddpm", progressive_combine="cat")
BY_HAND = [
    (RESIDUAL, residual_network),
    (SKIP, skip_network),
    (PLAIN_NOISE, plain_noise_network),
    (DDPM, ddpm_network),
]
SIGMA = torch.tensor([0.3, 7.0], dtype=torch.float64)


def noisy_images(channels: int = 1) -> torch.Tensor:
    return torch.rand(2, channels, 8, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.parametrize(("config", "by_hand"), BY_HAND)
def test_the_whole_network_agrees_with_numpy(plain, randomised, config, by_hand) -> None:
    network, x = randomised(NCSNpp(config)), noisy_images()
    reference = plain.of(network, divisor=config.divisor)
    expected = [by_hand(reference, one.numpy(), s.item()) for one, s in zip(x, SIGMA, strict=True)]
    np.testing.assert_allclose(network(x, SIGMA).numpy(), np.stack(expected), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("config", [config for config, _ in BY_HAND])
def test_every_weight_takes_part(randomised, config) -> None:
    network, x = randomised(NCSNpp(config)).requires_grad_(True), noisy_images()
    network(x, SIGMA).square().sum().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    # softmax does not feel a shift of all logits of a query, which is what the key's bias gives
    assert all(name.endswith("NIN_1.b") for name in idle)


def test_attention_belongs_to_levels_not_to_sizes(randomised) -> None:
    network = randomised(NCSNpp(RESIDUAL))
    assert network.config.attention == (False, True)
    larger = network(torch.rand(1, 1, 16, 10, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    assert larger.shape == (1, 1, 16, 10)
    smaller = network(torch.rand(1, 1, 4, 4, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    assert smaller.isfinite().all()


def test_a_fresh_network_gives_zero() -> None:
    network = NCSNpp(tiny(channels=2))
    assert network(noisy_images(2).float(), SIGMA.float()).abs().max() == 0


@pytest.mark.parametrize(
    ("shape", "levels", "says"),
    [
        ((1, 1, 8, 7), (1,), "multiples of 2, not 8 x 7"),
        ((1, 2, 8, 8), (1,), r"\(1, 2, 8, 8\)"),
        ((1, 8, 8), (1,), r"\(1, 8, 8\)"),
        ((2, 1, 8, 8), (1,), r"\(2, 1, 8, 8\) and \(1,\)"),
    ],
)
def test_images_that_do_not_fit_are_refused(shape, levels, says) -> None:
    with pytest.raises(InputError, match=says):
        NCSNpp(RESIDUAL)(torch.rand(shape), torch.ones(levels))


def test_a_width_that_makes_no_groups_is_refused() -> None:
    with pytest.raises(InputError, match="can't divide 3"):
        NCSNpp(tiny(nf=3))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"nf": 0}, "nf"),
        ({"sigma_max": 0.001}, "must be below sigma_max"),
        ({"sigma_max": None}, "vesde needs sigma_max"),
        ({"progressive": "residual"}, "progressive"),
        ({"resamp_with_conv": True}, "resamp_with_conv"),
        ({"resblock_type": "ddpm"}, "set fir to false"),
        ({"embedding_type": "positional"}, "choose fourier"),
        (VP | {"scale_by_sigma": True}, "set scale_by_sigma to false"),
        (VP | {"beta_min": 30}, "beta_min 30.0 must be at most"),
        (VP | {"nf": 5}, "even nf"),
    ],
)
def test_configurations_are_validated(changes, says) -> None:
    with pytest.raises(ValidationError, match=says):
        tiny(**changes)


def test_configurations_are_frozen_and_survive_json() -> None:
    config = NCSNppConfig.song2021()
    with pytest.raises(ValidationError):
        config.nf = 3
    assert NCSNppConfig.model_validate_json(config.model_dump_json()) == config
