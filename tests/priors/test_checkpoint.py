import json
import os
import pickle
from pathlib import Path
from typing import IO

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from invdiff.errors import InputError
from invdiff.priors import (
    EDM,
    Clean,
    ConditionalPrior,
    Intensity,
    LogSigma,
    NCSNpp,
    NCSNppConfig,
    Noise,
    Score,
    ScorePrior,
    StepNumber,
    SubVPScaling,
    SubVPTime,
    UNet,
    Velocity,
    VPScaling,
    VPTime,
    load_prior,
    save_prior,
)

SUFFIXES = [".safetensors", ".pt", ".pth"]
NCSNPP = NCSNppConfig(image_size=8, nf=8, ch_mult=(1, 2), num_res_blocks=1, attn_resolutions=(4,), sigma_max=50)


def randomised(network: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator)
    return network


def tiny_prior() -> ScorePrior:
    return ScorePrior(
        randomised(UNet(2, widths=(8, 16), blocks=1, embedding=16)),
        EDM(0.2),
        channels=(1, 2),
        sigma_range=(0.002, 400.0),
        intensity=Intensity(99.9, 1.0),
        network_range=(-1.0, 1.0),
        data_std=0.2,
        power_spectrum=(3.0, 0.5, 0.0),
        about={"data": "synthetic"},
    )


def tiny_conditional() -> ConditionalPrior:
    network = randomised(UNet(4, widths=(8, 16), blocks=1, embedding=16))
    intensity = Intensity(99.9, 1.0)
    return ConditionalPrior(
        ScorePrior(network, EDM(0.04), channels=(4,), sigma_range=(0.002, 100.0), intensity=intensity, data_std=0.04)
    )


def images(channels: int = 2) -> torch.Tensor:
    return torch.randn(2, channels, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_prior_comes_back_as_it_was(tmp_path, suffix) -> None:
    prior, path = tiny_prior(), tmp_path / f"prior{suffix}"
    save_prior(prior, path)
    loaded = load_prior(path)
    assert isinstance(loaded.network, UNet)
    for name in (
        "parameterisation",
        "channels",
        "sigma_range",
        "intensity",
        "network_range",
        "data_std",
        "power_spectrum",
        "about",
    ):
        assert getattr(loaded, name) == getattr(prior, name)
    assert torch.equal(loaded.denoise(images(), 0.3), prior.denoise(images(), 0.3))
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_conditional_prior_comes_back_as_it_was(tmp_path, suffix) -> None:
    prior, path = tiny_conditional(), tmp_path / f"prior{suffix}"
    save_prior(prior, path)
    loaded = load_prior(path)
    assert isinstance(loaded, ConditionalPrior)
    assert (loaded.intensity, loaded.data_std) == (prior.intensity, prior.data_std)
    assert torch.equal(loaded.denoiser.denoise(images(4), 0.3), prior.denoiser.denoise(images(4), 0.3))


def test_files_of_earlier_versions_are_read(tmp_path) -> None:
    edit = Edit(tmp_path / "prior.pt")
    del edit.config["domain"], edit.config["power_spectrum"], edit.config["network_range"]
    loaded, now = load_prior(edit.write()), tiny_prior()
    assert (loaded.power_spectrum, loaded.network_range) == (None, (0, 1))
    assert isinstance(loaded, ScorePrior)
    now.network_range = (0, 1)
    assert torch.equal(loaded.denoise(images(), 0.3), now.denoise(images(), 0.3))

    config = NCSNPP.model_dump(mode="json")
    for newer in ("resblock_type", "fir", "embedding_type", "sde", "beta_min", "beta_max"):
        del config[newer]
    edit.config["architecture"] = config
    edit.config["parameterisation"] = {"kind": "noise", "label": {"kind": "vp_time", "b0": 0.1, "b1": 20, "scale": 1}}
    edit.state = NCSNpp(NCSNPP).state_dict()
    loaded = load_prior(edit.write())
    assert loaded.network.config == NCSNPP
    assert loaded.parameterisation == Noise(VPTime(scale=1))


@pytest.mark.parametrize(
    "parameterisation",
    [
        Score(),
        Noise(VPTime(0.2, 10, 1)),
        Noise(SubVPTime(0.2, 10, 1), SubVPScaling()),
        Clean(),
        Clean(StepNumber((0.1, 2.0, 30.0)), VPScaling()),
        Velocity(LogSigma(0.5)),
        EDM(0.7),
    ],
)
def test_every_parameterisation_comes_back(tmp_path, parameterisation) -> None:
    network = randomised(NCSNpp(NCSNPP))
    save_prior(ScorePrior(network, parameterisation, channels=(1,), sigma_range=(0.01, 50)), tmp_path / "a.safetensors")
    loaded = load_prior(str(tmp_path / "a.safetensors"))
    assert loaded.parameterisation == parameterisation
    assert loaded.network.config == NCSNPP
    assert loaded.intensity is None
    sigma = torch.tensor([0.1, 3.0])
    assert torch.equal(loaded.network(images(1), sigma), network(images(1), sigma))


def test_half_precision_halves_the_file_and_keeps_the_frequencies(tmp_path) -> None:
    prior = ScorePrior(randomised(NCSNpp(NCSNPP)), Score(), channels=(1,), sigma_range=(0.01, 50))
    save_prior(prior, tmp_path / "half.safetensors", dtype=torch.float16)
    stored = load_file(tmp_path / "half.safetensors")
    assert stored["all_modules.3.weight"].dtype == torch.float16
    loaded = load_prior(tmp_path / "half.safetensors")
    assert torch.equal(loaded.network.all_modules[0].W, prior.network.all_modules[0].W)
    assert {tensor.dtype for tensor in loaded.network.state_dict().values()} == {torch.float32}
    torch.testing.assert_close(loaded.denoise(images(1), 0.3), prior.denoise(images(1), 0.3), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_who_may_read_a_file_follows_from_the_umask(tmp_path, suffix) -> None:
    for umask, mode in ((0o022, 0o644), (0o027, 0o640), (0o077, 0o600)):
        before = os.umask(umask)
        try:
            save_prior(tiny_prior(), tmp_path / f"prior{suffix}")
        finally:
            os.umask(before)
        assert (tmp_path / f"prior{suffix}").stat().st_mode & 0o777 == mode


def test_a_file_is_replaced_whole_or_left_alone(tmp_path, monkeypatch) -> None:
    path = tmp_path / "prior.pt"
    save_prior(tiny_prior(), path)
    before = path.read_bytes()

    def fail(_: object, file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(InputError, match=r"prior\.pt can't be written: no space left"):
        save_prior(tiny_prior(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["prior.pt"]


def test_what_cannot_be_saved_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="this one has a Conv2d"):
        save_prior(ScorePrior(nn.Conv2d(1, 1, 1), Score(), channels=(1,), sigma_range=(1, 2)), tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"\.safetensors, \.pt or \.pth"):
        save_prior(tiny_prior(), tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="can't be written"):
        save_prior(tiny_prior(), tmp_path / "absent" / "a.pt")
    with pytest.raises(InputError, match="can't be written"):
        save_prior(tiny_prior(), tmp_path / "absent" / "a.safetensors")
    broken = tiny_prior()
    broken.network.conv_in.bias[0] = 1e6
    with pytest.raises(InputError, match=r"infinity among its weights: conv_in\.bias"):
        save_prior(broken, tmp_path / "a.pt", dtype=torch.float16)

    class Mine:
        label = LogSigma()

        def preconditioning(self, sigma: float) -> tuple[float, float, float]:
            return 1.0, sigma, 1.0

    with pytest.raises(InputError, match="this one has Mine"):
        save_prior(ScorePrior(UNet(), Mine(), channels=(1,), sigma_range=(1, 2)), tmp_path / "a.pt")
    assert os.listdir(tmp_path) == []


class Edit:
    """A written checkpoint whose configuration and weights a test may change before it is written again."""

    def __init__(self, path: Path) -> None:
        save_prior(tiny_prior(), path)
        self.path = path
        content = torch.load(path, weights_only=True)
        self.config, self.state = json.loads(content["config"]), content["state"]

    def write(self) -> Path:
        config = json.dumps(self.config)
        torch.save({"config": config, "state": self.state}, self.path)
        save_file(self.state, self.path.with_suffix(".safetensors"), metadata={"invdiff": config})
        return self.path


def other_architecture(edit: Edit) -> None:
    edit.config["architecture"] = NCSNPP.model_dump(mode="json")


def unknown_architecture(edit: Edit) -> None:
    edit.config["architecture"]["architecture"] = "transformer"


def unknown_argument(edit: Edit) -> None:
    edit.config["architecture"]["depth"] = 3


def enormous_architecture(edit: Edit) -> None:
    edit.config["architecture"]["widths"] = [4096] * 8


def unknown_parameterisation(edit: Edit) -> None:
    edit.config["parameterisation"]["kind"] = "flow"


def bad_parameterisation(edit: Edit) -> None:
    edit.config["parameterisation"]["sigma_data"] = -1


def bad_range(edit: Edit) -> None:
    edit.config["sigma_range"] = [2, 1]


def bad_spectrum(edit: Edit) -> None:
    edit.config["power_spectrum"] = [1.0, -2.0]


def bad_network_range(edit: Edit) -> None:
    edit.config["network_range"] = [1.0, 1.0]


def bad_steps(edit: Edit) -> None:
    edit.config["parameterisation"] = {"kind": "noise", "label": {"kind": "step_number", "sigmas": [2.0, 1.0]}}


def other_domain(edit: Edit) -> None:
    edit.config["domain"] = "wavelets"


def conditional_on_two_channels(edit: Edit) -> None:
    edit.config["domain"] = "unsampled k-space"


def newer_format(edit: Edit) -> None:
    edit.config["format_version"] = 2


def missing_weight(edit: Edit) -> None:
    del edit.state["conv_in.weight"]


def unexpected_weight(edit: Edit) -> None:
    edit.state["head.weight"] = torch.zeros(1)


def wrong_shape(edit: Edit) -> None:
    edit.state["conv_in.weight"] = torch.zeros(3, 3)


def integer_weight(edit: Edit) -> None:
    edit.state["conv_in.weight"] = edit.state["conv_in.weight"].int()


def nan_weight(edit: Edit) -> None:
    edit.state["conv_in.bias"][3] = torch.nan


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (other_architecture, "ncsnpp network are missing: all_modules"),
        (unknown_architecture, "configuration.*architecture"),
        (unknown_argument, "architecture.unet.depth"),
        (enormous_architecture, "unet network are missing"),
        (unknown_parameterisation, "parameterisation"),
        (bad_parameterisation, "sigma_data must be"),
        (bad_range, "sigma_range must be"),
        (bad_network_range, "network_range must be"),
        (bad_steps, "parameterisation.*ascending"),
        (bad_spectrum, "power_spectrum must be"),
        (other_domain, "configuration.*domain"),
        (conditional_on_two_channels, "4 channels"),
        (newer_format, "format_version"),
        (missing_weight, r"missing: conv_in\.weight\."),
        (unexpected_weight, r"doesn't have: head\.weight\."),
        (wrong_shape, r"conv_in\.weight is torch\.float32 of shape \(3, 3\).*\(8, 2, 3, 3\)"),
        (integer_weight, r"conv_in\.weight is torch\.int32"),
        (nan_weight, r"NaN or infinity among its weights: conv_in\.bias"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_by_name(tmp_path, suffix, damage, says) -> None:
    edit = Edit(tmp_path / "prior.pt")
    damage(edit)
    path = edit.write().with_suffix(suffix)
    with pytest.raises(InputError, match=f"prior{suffix} can't be loaded: .*{says}") as refusal:
        load_prior(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_files_are_refused(tmp_path, suffix) -> None:
    path = tmp_path / f"prior{suffix}"
    save_prior(tiny_prior(), path)
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"can't be loaded: it is(n't a whole| damaged)"):
            load_prior(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_are_no_checkpoint_are_refused(tmp_path, suffix) -> None:
    path = tmp_path / f"prior{suffix}"
    path.write_text("a shopping list\n" * 100)
    with pytest.raises(InputError, match="can't be loaded"):
        load_prior(path)


def test_tensors_without_a_configuration_are_refused(tmp_path) -> None:
    save_file({"w": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="metadata lack"):
        load_prior(tmp_path / "a.safetensors")
    for content, says in [
        ({"w": torch.zeros(1)}, "neither"),
        ([torch.zeros(1)], "holds a list"),
        ({"config": "{}", "state": {"w": 1}}, "other than named tensors"),
        ({"config": "{", "state": {}}, "configuration"),
    ]:
        torch.save(content, tmp_path / "a.pt")
        with pytest.raises(InputError, match=f"can't be loaded: .*{says}"):
            load_prior(tmp_path / "a.pt")


def test_missing_files_folders_and_other_suffixes_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="9 is not a file"):
        load_prior("9" * 400)
    with pytest.raises(InputError, match=r"absent\.pt is not a file"):
        load_prior(tmp_path / "absent.pt")
    with pytest.raises(InputError, match="is not a file"):
        load_prior(tmp_path)
    (tmp_path / "prior.ckpt").touch()
    with pytest.raises(InputError, match=r"\.safetensors, \.pt or \.pth"):
        load_prior(tmp_path / "prior.ckpt")


class Hostile:
    """A pickle that makes a file when it is run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("where", ["state", "config", "model", "optimizer"])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_hostile_pickle_is_refused_and_never_run(tmp_path, where, legacy) -> None:
    trace, path = tmp_path / "run", tmp_path / "prior.pth"
    content = {"config": "{}", "state": {}, "model": {}, where: Hostile(trace)}
    if legacy:
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match="never run"):
        load_prior(path, config=NCSNPP)
    assert not trace.exists()
    if legacy:
        pickle.loads(path.read_bytes())
        assert trace.exists()  # it was armed


@pytest.mark.parametrize(("name", "prior"), [("builtin", tiny_prior()), ("mc_ddpm", tiny_conditional())])
def test_an_installation_without_a_shipped_prior_says_so(tmp_path, monkeypatch, name, prior) -> None:
    monkeypatch.setattr("invdiff.priors.checkpoints.checkpoint.resources.files", lambda _: tmp_path)
    with pytest.raises(InputError, match=f'comes without "{name}"'):
        load_prior(name)
    save_prior(prior, tmp_path / f"{name}.safetensors")
    assert type(load_prior(name)) is type(prior)


def test_a_configuration_for_a_file_that_has_one_is_refused(tmp_path) -> None:
    save_prior(tiny_prior(), tmp_path / "prior.pt")
    with pytest.raises(InputError, match="leave that of a published checkpoint out"):
        load_prior(tmp_path / "prior.pt", config=NCSNPP)
