from pathlib import Path

import pytest
import torch

from invdiff.errors import InputError
from invdiff.priors import ConditionalPrior, Intensity, Noise, ScorePrior, UNet, load_prior, save_prior
from invdiff.training import DatasetImages, read_config, train
from invdiff.training.fine_tuning import scaled_as


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A prior of one channel whose settings are no defaults."""
    torch.manual_seed(0)
    network = UNet(channels=1, widths=(4, 8), blocks=1, embedding=4, patch=2, norm="group")
    torch.nn.init.normal_(network.conv_out.weight, std=0.1)
    prior = ScorePrior(network, Noise(), channels=(1,), sigma_range=(0.01, 50.0), intensity=Intensity(99.0, 2.0))
    save_prior(prior, tmp_path / "start.safetensors")
    return tmp_path / "start.safetensors"


def test_what_the_checkpoint_decides_is_taken_from_it_and_the_rest_from_the_configuration(start: Path) -> None:
    read = read_config("fine-tune", {"data.kind": "npy", "data.path": "images", "steps": "7"}, start=str(start))
    stored = load_prior(start)
    assert read.network == stored.network.config
    assert read.parameterisation == stored.parameterisation
    assert tuple(read.channels) == stored.channels
    assert read.sigma_range == stored.sigma_range
    assert (read.data.percentile, read.data.value) == (99.0, 2.0)
    assert read.steps == 7
    assert read.optimiser.lr < 0.25 * read_config("builtin").optimiser.lr
    told = read_config("tiny", start=str(start))
    assert told.network == stored.network.config  # not tiny's own
    assert told.optimiser == read_config("tiny").optimiser


def test_builtin_is_begun_with_by_name() -> None:
    read = read_config("fine-tune", {"data.kind": "phantoms"}, start="builtin")
    assert read.network == load_prior("builtin").network.config
    assert set(read.channels) == set(load_prior("builtin").channels)


def test_intensity_of_a_configuration_is_its_own(start: Path) -> None:
    begun = scaled_as(load_prior(start), {"data": {"kind": "npy", "percentile": 90}, "validation": {"kind": "npy"}})
    assert begun["data"] == {"kind": "npy", "percentile": 90, "value": 2.0}
    assert begun["validation"] == {"kind": "npy", "percentile": 99.0, "value": 2.0}


def test_a_run_begins_where_the_prior_is(start: Path, tmp_path: Path, images: DatasetImages) -> None:
    """What validates best before the first step is the prior itself; from fresh weights it is not."""
    settings = {"steps": "1", "batches": "[{side: 16, images: 1}]", "validation_images": "1", "workers": "0",
                "draw_every": "0", "warm_up": "100", "optimiser.lr": "1e-9", "prior_dtype": "float32"}  # fmt: skip
    x = torch.ones(1, 1, 16, 16)
    answers = {}
    for name in (str(start), None):
        out = tmp_path / ("fresh" if name is None else "begun")
        out.mkdir()
        config = read_config("fine-tune", settings, start=str(start)).model_copy(update={"start": name})
        answers[name] = train(config, out, images=images, validation=images).denoise(x, 0.3)
    expected = load_prior(start).denoise(x, 0.3)
    torch.testing.assert_close(answers[str(start)], expected, rtol=1e-4, atol=1e-5)
    assert float((answers[None] - expected).abs().max()) > 1e-3


def test_priors_that_training_can_not_go_on_with_are_refused(start: Path, tmp_path: Path) -> None:
    shown = load_prior(start)
    shown.network_range = (-1.0, 1.0)
    save_prior(shown, tmp_path / "shown.safetensors")
    network = UNet(channels=4, widths=(4,), blocks=1, embedding=4, patch=1)
    conditional = ConditionalPrior(
        ScorePrior(network, Noise(), channels=(4,), sigma_range=(0.01, 50.0), data_std=1.0, intensity=Intensity(99, 1))
    )
    save_prior(conditional, tmp_path / "conditional.safetensors")
    for name, said in (("shown", "training shows them as they are"), ("conditional", "no prior of images")):
        with pytest.raises(InputError, match=said):
            read_config("fine-tune", start=str(tmp_path / f"{name}.safetensors"))
    with pytest.raises(InputError, match="is not a file"):
        read_config("fine-tune", start="missing.safetensors")
