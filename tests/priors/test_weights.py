"""Names of weights, as wrappers leave them in files."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.priors import EDM, NCSNppConfig, NCSNv2Config, ScorePrior, UNet, load_prior, save_prior
from invdiff.priors.checkpoints.weights import named_tensors

NAMES = ["weight", "all_modules.0.W", "blocks.1.module.bias", "modules.2.weight"]
wrappers = st.lists(st.sampled_from(["module.", "_orig_mod."]), max_size=5).map("".join)


class Small(nn.Module):
    """Of parts with names that wrappers use, too."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.block = nn.Parameter(torch.ones(2)), nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))


@given(wrappers, st.sampled_from(NAMES))
def test_names_of_wrappers_are_taken_off(before: str, name: str) -> None:
    assert named_tensors({before + name: torch.ones(1)}).keys() == {name}


def test_weights_of_wrapped_networks_have_their_own_names() -> None:
    """As torch itself names them: a network, or one of its blocks, compiled, averaged or both."""
    network = Small()
    names = network.state_dict().keys()
    averaged = torch.optim.swa_utils.AveragedModel
    for wrapped in (torch.compile(network), averaged(network), averaged(torch.compile(network)), torch.compile(
        averaged(network))):  # fmt: skip
        state = {name: tensor for name, tensor in wrapped.state_dict().items() if "n_averaged" not in name}
        assert state.keys() != names
        assert named_tensors(state).keys() == names
    network.block[0] = torch.compile(network.block[0])
    assert network.state_dict().keys() != names
    assert named_tensors(network.state_dict()).keys() == names


@given(st.tuples(wrappers, wrappers).filter(lambda both: both[0] != both[1]))
def test_two_weights_of_one_name_are_refused(both: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="more than once, with wrappers' names before their own: weight"):
        named_tensors({before + "weight": torch.ones(1) for before in both})


def wrapped(state: dict[str, Tensor], before: str) -> dict[str, Tensor]:
    return {before + name: tensor for name, tensor in state.items()}


@pytest.mark.parametrize("before", ["", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module."])
@pytest.mark.parametrize("layout", ["prior.safetensors", "prior.pt", "score_sde", "ncsnv2", "ncsnv2 averaged"])
def test_every_layout_is_read_whatever_wrapped_its_network(tmp_path: Path, layout: str, before: str) -> None:
    path, config = tmp_path / "wrapped.pt", None
    match layout:
        case "score_sde":
            config = NCSNppConfig(image_size=8, nf=8, ch_mult=(1, 2), num_res_blocks=1, sigma_max=50.0)
            network = config.build()
            torch.save({"model": wrapped(network.state_dict(), before)}, path)
        case "ncsnv2" | "ncsnv2 averaged":
            config = NCSNv2Config(ngf=4, sigma_begin=50, sigma_end=0.01)
            network = config.build()
            state = network.state_dict()
            averages = [wrapped(state, before)] if "averaged" in layout else []
            trained = {name: torch.zeros_like(tensor) for name, tensor in state.items()} if averages else state
            torch.save([wrapped(trained, before), {}, 1, 1, *averages], path)
        case _:
            network = UNet(2, widths=(8, 8), blocks=1, embedding=8)
            save_prior(ScorePrior(network, EDM(0.2), channels=(2,), sigma_range=(0.1, 1.0)), path)
            content = torch.load(path, weights_only=True)
            state = wrapped(content["state"], before)
            if layout.endswith(".pt"):
                torch.save({**content, "state": state}, path)
            else:
                path = tmp_path / layout
                save_file(state, path, metadata={"invdiff": content["config"]})
    read = load_prior(path, config=config).network.state_dict()
    assert all(torch.equal(read[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.zeros(1).expand(4, 4), r"weight declares the shape \(4, 4\) and holds 4 bytes"),
        (torch.empty(4, 4, device="meta"), "no plain tensor"),
        (torch.eye(4).to_sparse(), "no plain tensor"),
        (torch.zeros(4, 4).to(torch.float8_e4m3fn), "weights are of 16 bits at least"),
        (torch.zeros(4, 4).to(torch.float8_e5m2fnuz), "weights are of 16 bits at least"),
    ],
)
def test_tensors_without_numbers_of_their_own_are_refused(tensor: Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        named_tensors({"weight": tensor})


def test_views_of_whole_storages_have_numbers_of_their_own() -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    named_tensors({"transposed": whole.T, "part": whole[1:, :2], "half": whole.half(), "counts": torch.arange(3)})
