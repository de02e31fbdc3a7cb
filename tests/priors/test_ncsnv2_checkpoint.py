import math

import pytest
import torch

from invdiff.errors import InputError
from invdiff.priors import Intensity, NCSNppConfig, NCSNv2, NCSNv2Config, Score, load_prior, save_prior

CONFIG = NCSNv2Config(ngf=4, sigma_begin=50, sigma_end=0.01)
LEVELS = torch.logspace(math.log10(50), -2, 20)


def random_network(seed: int) -> NCSNv2:
    torch.manual_seed(seed)
    network = NCSNv2(CONFIG)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network


@pytest.fixture
def averaged() -> NCSNv2:
    return random_network(1).requires_grad_(False)


@pytest.fixture
def content(averaged) -> list:
    """A checkpoint as ncsnv2 writes it, with data parallelism."""
    trained = random_network(0)
    optimizer = torch.optim.Adam(trained.parameters(), lr=1e-4, eps=1e-3)
    trained(torch.rand(1, 2, 16, 16), torch.ones(1)).sum().backward()
    optimizer.step()
    state = {f"module.{name}": tensor for name, tensor in trained.state_dict().items()} | {"module.sigmas": LEVELS}
    return [state, optimizer.state_dict(), 3, 7, dict(averaged.named_parameters())]


def written(tmp_path, content):
    path = tmp_path / "checkpoint_7.pth"
    torch.save(content, path)
    return path


def assert_same(loaded, expected: NCSNv2) -> None:
    for name, tensor in expected.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_averages_are_loaded(tmp_path, content, averaged) -> None:
    prior = load_prior(written(tmp_path, content), config=CONFIG)
    assert_same(prior.network, averaged)
    assert prior.parameterisation == Score()
    assert prior.channels == (2,)
    assert prior.sigma_range == (0.01, 50)
    assert prior.intensity == Intensity(99.0, 1.0)
    x = torch.rand(1, 2, 16, 16)
    for level in (LEVELS[0], LEVELS[11]):  # the published network divides by the level of an index
        by_index = averaged(x, torch.ones(1)) / level
        torch.testing.assert_close(prior.score(x, level.item()), by_index)


@pytest.mark.parametrize("change", ["without module.", "without levels", "without averages", "with a decay"])
def test_variants_are_accepted(tmp_path, content, averaged, change) -> None:
    expected = averaged
    match change:
        case "without module.":
            content[0] = {name.removeprefix("module."): tensor for name, tensor in content[0].items()}
        case "without levels":
            del content[0]["module.sigmas"]
        case "without averages":
            del content[4]
            expected.load_state_dict(
                {name[7:]: tensor for name, tensor in content[0].items() if name != "module.sigmas"}
            )
        case "with a decay":
            content.append(0.999)
    assert_same(load_prior(written(tmp_path, content), config=CONFIG).network, expected)


def test_a_converted_prior_is_the_same(tmp_path, content) -> None:
    prior = load_prior(written(tmp_path, content), config=CONFIG)
    save_prior(prior, tmp_path / "converted.safetensors")
    loaded, x = load_prior(tmp_path / "converted.safetensors"), torch.rand(2, 2, 16, 16)
    assert loaded.network.config == CONFIG
    assert torch.equal(loaded.score(x, 0.5), prior.score(x, 0.5))


def damaged(content, place, change) -> list:
    content[place] = change(content[place])
    return content


@pytest.mark.parametrize(
    ("place", "change", "says"),
    [
        (4, lambda _: {}, "no averages of 229 weights, such as begin_conv.bias"),
        (0, lambda state: state | {"head": torch.ones(1)}, "no averages of 1 weights, such as head"),
        (0, lambda state: state | {"module.begin_conv.weight": "text"}, "other than named tensors"),
        (0, lambda state: state | {"module.sigmas": LEVELS[1:]}, r"noise levels 0\.01 to .* says 0\.01 to 50"),
        (4, lambda _: 0.999, "fifth part isn't a dictionary"),
        (4, lambda ema: {**ema, "extra": torch.ones(1)}, "doesn't have: extra"),
        (4, lambda ema: {**ema, "end_conv.bias": torch.ones(3)}, r"end_conv\.bias .* shape \(3,\)"),
        (4, lambda ema: {**ema, "end_conv.bias": torch.tensor([1, torch.nan])}, "NaN or infinity"),
        (4, lambda ema: {name: tensor for name, tensor in ema.items() if name != "end_conv.bias"}, "1 weights.*end_c"),
    ],
)
def test_checkpoints_that_do_not_fit_are_refused(tmp_path, content, place, change, says) -> None:
    with pytest.raises(InputError, match=rf"checkpoint_7\.pth can't be loaded: .*{says}"):
        load_prior(written(tmp_path, damaged(content, place, change)), config=CONFIG)


def test_other_configurations_and_lists_are_refused(tmp_path, content) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError, match=r"its network takes real numbers of shape \(8"):
        load_prior(path, config=CONFIG.model_copy(update={"ngf": 8}))
    with pytest.raises(InputError, match=r'ncsnv2 doesn.t say what network .* config="jalal2021" or --prior-config'):
        load_prior(path)
    with pytest.raises(InputError, match=r"layout of ncsnv2, but the given configuration is of ncsnpp\."):
        load_prior(path, config=NCSNppConfig.chung2022())
    for other in ([], [1, 2, 3, 4], content[:2]):
        with pytest.raises(InputError, match="it holds a list, not a checkpoint"):
            load_prior(written(tmp_path, other), config=CONFIG)


def test_truncated_files_are_refused(tmp_path, content) -> None:
    path = written(tmp_path, content)
    whole = path.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="can't be loaded: it is damaged"):
            load_prior(path, config=CONFIG)
