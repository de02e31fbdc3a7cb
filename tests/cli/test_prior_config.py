"""A published checkpoint, which doesn't say what network it holds, on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from invdiff.priors import NCSNpp, NCSNppConfig

Run = Callable[..., Any]
CONFIG = {"image_size": 8, "nf": 4, "ch_mult": [1, 1], "num_res_blocks": 1, "sigma_max": 50}


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, Path]:
    """A checkpoint in the layout of score_sde_pytorch, and its configuration in YAML."""
    torch.manual_seed(0)
    network = NCSNpp(NCSNppConfig.model_validate(CONFIG))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    weights, config = tmp_path / "official.pth", tmp_path / "config.yaml"
    ema = {"shadow_params": list(network.parameters())}
    torch.save({"model": {f"module.{k}": v for k, v in network.state_dict().items()}, "ema": ema, "step": 1}, weights)
    config.write_text("\n".join(f"{name}: {value}" for name, value in CONFIG.items()))
    return weights, config


QUICK = ("--set", "steps=2", "--samples", 1)


def samples(path: Path, name: str = "reconstruction.h5") -> np.ndarray:
    with h5py.File(path / name) as file:
        return file["samples"][...]


def test_a_published_checkpoint_solves_as_its_conversion(invdiff: Run, folder: Path, tmp_path: Path, published) -> None:
    weights, config = published
    converted = tmp_path / "converted.safetensors"
    ran = invdiff("convert", weights, converted, "--prior-config", config)
    assert (ran.code, ran.out) == (0, f"wrote {converted}\n")
    ask = ("solve", folder / "fourier.h5", "--operator", "fourier", *QUICK)
    assert invdiff(*ask, "--prior", weights, "--prior-config", config, "--out", tmp_path / "a").code == 0
    assert invdiff(*ask, "--prior", converted, "--out", tmp_path / "b").code == 0
    np.testing.assert_array_equal(samples(tmp_path / "a"), samples(tmp_path / "b"))


def test_every_command_that_takes_a_prior_takes_it(invdiff: Run, folder: Path, tmp_path: Path, published) -> None:
    weights, config = published
    prior = ("--prior", weights, "--prior-config", config)
    np.save(tmp_path / "image.npy", np.random.default_rng(0).random((24, 20)))
    for command in (
        ("evaluate", tmp_path / "image.npy", *QUICK),
        ("tune-lambda", folder / "truth.h5", "--trials", 1, "--param", "eta:0:1", "--set", "steps=2"),
        ("sample", "--size", 16, *QUICK),
    ):
        ran = invdiff(*command, *prior, "--out", tmp_path / command[0])
        assert ran.code == 0, ran.err
        refused = invdiff(*command, "--prior", weights, "--out", tmp_path / "refused")
        assert refused.code == 2
        assert "official.pth can't be loaded: a checkpoint of score_sde_pytorch doesn't say" in refused.err
        assert "--prior-config chung2022" in refused.err


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("chung2023", "chung2023 is no configuration of a published prior"),
        ("chung2022", "official.pth can't be loaded: it has averages of"),
        ("jalal2021", "the given configuration is of ncsnv2"),
        ("vp/cifar10_ddpmpp_continuous", "official.pth can't be loaded: it has averages of"),
        ("absent.yaml", "absent.yaml can't be read"),
    ],
)
def test_other_configurations_are_refused(invdiff: Run, tmp_path: Path, published, config: str, says: str) -> None:
    ran = invdiff("convert", published[0], tmp_path / "out.safetensors", "--prior-config", config)
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "out.safetensors").exists()


def test_a_prior_that_says_what_it_is_needs_no_configuration(invdiff: Run, folder: Path, tmp_path: Path) -> None:
    prior, out = folder / "prior.safetensors", tmp_path / "out.pt"
    ran = invdiff("convert", prior, out, "--prior-config", "chung2022")
    assert ran.code == 2
    assert "it holds its own configuration" in ran.err
