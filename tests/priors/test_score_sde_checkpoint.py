import numpy as np
import pytest
import torch

from invdiff.errors import InputError
from invdiff.priors import (
    Intensity,
    NCSNpp,
    NCSNppConfig,
    NCSNv2Config,
    Noise,
    Score,
    SubVPScaling,
    SubVPTime,
    VPTime,
    load_prior,
    save_prior,
)

CONFIG = NCSNppConfig(image_size=8, nf=8, ch_mult=(1, 2), num_res_blocks=1, attn_resolutions=(4,), sigma_max=50)
VP = NCSNppConfig.model_validate(
    CONFIG.model_dump()
    | {"sde": "vpsde", "sigma_max": None, "embedding_type": "positional", "scale_by_sigma": False, "centered": True}
)


def random_network(seed: int, config: NCSNppConfig = CONFIG) -> NCSNpp:
    torch.manual_seed(seed)
    network = NCSNpp(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network


@pytest.fixture
def averaged() -> NCSNpp:
    """The network that sampling should see: averaged weights, and the frequencies of the trained network."""
    network = random_network(1)
    network.all_modules[0].W.copy_(random_network(0).all_modules[0].W)
    return network.requires_grad_(False)


@pytest.fixture
def content(averaged) -> dict:
    """A checkpoint as score_sde_pytorch writes it, with data parallelism, float64 levels and a NumPy rate."""
    return written_by(random_network(0), averaged)


def written_by(trained: NCSNpp, averaged: NCSNpp) -> dict:
    optimizer = torch.optim.Adam(trained.parameters(), lr=2e-4)
    trained(torch.rand(1, 1, 8, 8), torch.ones(1)).sum().backward()
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 2e-4 * np.minimum(7 / 5000, 1.0)
    levels = torch.from_numpy(np.exp(np.linspace(np.log(50), np.log(0.01), 20)))
    return {
        "optimizer": optimizer.state_dict(),
        "model": {f"module.{name}": tensor for name, tensor in trained.state_dict().items()}
        | {"module.sigmas": levels},
        "ema": {"decay": 0.999, "num_updates": 7, "shadow_params": list(averaged.parameters())},
        "step": 7,
    }


def written(tmp_path, content):
    path = tmp_path / "checkpoint_7.pth"
    torch.save(content, path)
    return path


def assert_same(loaded: NCSNpp, expected: NCSNpp) -> None:
    for name, tensor in expected.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_averages_and_frequencies_are_loaded(tmp_path, content, averaged) -> None:
    prior = load_prior(written(tmp_path, content), config=CONFIG)
    assert_same(prior.network, averaged)
    assert prior.parameterisation == Score()
    assert prior.channels == (1,)
    assert prior.sigma_range == (0.01, 50)
    assert prior.intensity == Intensity(100.0, 1.0)
    x, sigma = torch.rand(1, 1, 8, 8), torch.tensor([0.5])
    assert torch.equal(prior.score(x, 0.5), averaged(x, sigma))


def test_names_without_data_parallelism_and_without_levels_are_accepted(tmp_path, content, averaged) -> None:
    content["model"] = {name.removeprefix("module."): tensor for name, tensor in content["model"].items()}
    del content["model"]["sigmas"]
    assert_same(load_prior(written(tmp_path, content), config=CONFIG).network, averaged)


def test_without_averages_the_trained_weights_are_loaded(tmp_path, content) -> None:
    del content["ema"]
    loaded = load_prior(written(tmp_path, content), config=CONFIG).network
    assert all(torch.equal(tensor, content["model"][f"module.{name}"]) for name, tensor in loaded.state_dict().items())


def test_scalars_of_older_numpy_are_accepted(tmp_path, content, averaged) -> None:
    path = tmp_path / "old.pth"
    torch.save(content, path, _use_new_zipfile_serialization=False)
    old = path.read_bytes()
    assert b"numpy._core.multiarray" in old
    path.write_bytes(old.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert_same(load_prior(path, config=CONFIG).network, averaged)


def vp_level(time: float) -> float:
    """sigma of VP: sqrt(1 - a^2) / a with ln a = -t^2 (b1 - b0) / 4 - t b0 / 2."""
    a = np.exp(-(time**2) * 19.9 / 4 - time * 0.05)
    return float(np.sqrt(1 - a**2) / a)


def test_noise_networks_are_loaded(tmp_path) -> None:
    """They have no frequencies, so the averages are complete; their images were shown as 2x - 1."""
    trained, averaged = random_network(0, VP), random_network(1, VP).requires_grad_(False)
    content = written_by(trained, averaged)
    assert len(content["ema"]["shadow_params"]) == len(content["model"]) - 1  # but for the levels
    prior = load_prior(written(tmp_path, content), config=VP)
    assert_same(prior.network, averaged)
    assert prior.parameterisation == Noise(VPTime(0.1, 20, 999))
    assert prior.network_range == (-1, 1)
    assert prior.sigma_range == pytest.approx((vp_level(1e-5) / 2, vp_level(1) / 2), rel=1e-4)

    time = 0.4  # the published score: -network(a u + b z, 999 t) / b of u = 2x - 1, so half of that level on x
    sigma, x = vp_level(time), torch.rand(2, 1, 8, 8)
    a = 1 / np.sqrt(1 + sigma**2)
    u = a * (2 * x - 1)
    score = -averaged(u, torch.full((2,), 999 * time)) / (sigma * a)
    denoised = ((u + (sigma * a) ** 2 * score) / a + 1) / 2
    torch.testing.assert_close(prior.denoise(x, sigma / 2), denoised, rtol=1e-4, atol=1e-4)


def test_sub_vp_networks_are_loaded(tmp_path) -> None:
    config = VP.model_copy(update={"sde": "subvpsde"})
    averaged = random_network(1, config).requires_grad_(False)
    prior = load_prior(written(tmp_path, written_by(random_network(0, config), averaged)), config=config)
    assert prior.parameterisation == Noise(SubVPTime(0.1, 20, 999), SubVPScaling())
    time, x = 0.4, torch.rand(2, 1, 8, 8)
    a = np.exp(-(time**2) * 19.9 / 4 - time * 0.05)
    b = 1 - a**2
    score = -averaged(a * (2 * x - 1), torch.full((2,), 999 * time)) / b
    denoised = ((a * (2 * x - 1) + b**2 * score) / a + 1) / 2
    torch.testing.assert_close(prior.denoise(x, b / a / 2), denoised, rtol=1e-4, atol=1e-4)
    save_prior(prior, tmp_path / "converted.safetensors")
    assert torch.equal(load_prior(tmp_path / "converted.safetensors").denoise(x, 0.5), prior.denoise(x, 0.5))


def test_a_converted_prior_is_the_same(tmp_path, content) -> None:
    prior = load_prior(written(tmp_path, content), config=CONFIG)
    save_prior(prior, tmp_path / "converted.safetensors")
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(load_prior(tmp_path / "converted.safetensors").score(x, 0.5), prior.score(x, 0.5))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("ema", {"shadow_params": []}, "averages of 0 weights; .* has"),
        ("ema", {"shadow_params": "none"}, "shadow_params"),
        ("ema", [], "shadow_params"),
        ("model", {}, "missing: all_modules.0.W"),
        ("model", {"module.all_modules.0.W": "text"}, "other than named tensors"),
        ("model", {1: torch.zeros(1)}, "other than named tensors"),
        ("model", {"module.sigmas": torch.tensor([3])}, r"noise levels \('sigmas'\) are torch.int64"),
    ],
)
def test_checkpoints_that_do_not_fit_are_refused(tmp_path, content, key, value, says) -> None:
    with pytest.raises(InputError, match=rf"checkpoint_7\.pth can't be loaded: .*{says}"):
        load_prior(written(tmp_path, content | {key: value}), config=CONFIG)


def test_another_configuration_is_refused(tmp_path, content) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError, match=r"noise levels 0.01 to 50; .* 0.01 to 378"):
        load_prior(path, config=CONFIG.model_copy(update={"sigma_max": 378.0}))
    with pytest.raises(InputError, match=r"averages of .* weights"):
        load_prior(path, config=CONFIG.model_copy(update={"num_res_blocks": 2}))
    with pytest.raises(InputError, match=r"the average of all_modules\.1\.weight is .* \(32, 16\)"):
        load_prior(path, config=CONFIG.model_copy(update={"nf": 16}))
    with pytest.raises(InputError, match=r'score_sde_pytorch doesn.t say what .* config="chung2022"'):
        load_prior(path)
    with pytest.raises(InputError, match=r"layout of score_sde_pytorch, but the given configuration is of ncsnv2\."):
        load_prior(path, config=NCSNv2Config.jalal2021())


def test_averages_in_another_order_are_refused(tmp_path, content) -> None:
    content["ema"]["shadow_params"].reverse()
    with pytest.raises(InputError, match="the average of"):
        load_prior(written(tmp_path, content), config=CONFIG)
