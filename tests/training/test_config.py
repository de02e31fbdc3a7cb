from itertools import pairwise
from pathlib import Path

import pytest

from invdiff.errors import InputError
from invdiff.priors import LogSigma, Score, Velocity
from invdiff.training import TrainingConfig, read_config, write_config
from invdiff.training.schedules import Constant, ConstantThenDecay, Cosine
from invdiff.training.shipped_configs import SHIPPED_CONFIGS


def config(tmp_path: Path, text: str = "", **settings: str) -> TrainingConfig:
    (tmp_path / "config.yaml").write_text(text)
    return read_config(tmp_path / "config.yaml", {key.replace("__", "."): value for key, value in settings.items()})


@pytest.mark.parametrize("name", SHIPPED_CONFIGS)
def test_examples_are_valid_and_written_ones_are_read_back(name, tmp_path) -> None:
    first = read_config(name)
    write_config(first, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == first


def test_settings_replace_fields_at_any_depth(tmp_path) -> None:
    text = "batches: [{side: 32, images: 2}, {side: 64, images: 1}]\noptimiser: {kind: muon}"
    read = config(
        tmp_path, text, steps="7", optimiser__lr="1e-3", batches__1__images="5", parameterisation="{kind: score}",
        schedule__kind="constant", data__kind="phantoms",
    )  # fmt: skip
    assert (read.steps, read.optimiser.lr, read.batches[1].images) == (7, 1e-3, 5)
    assert isinstance(read.parameterisation, Score)
    assert read.data.kind == "phantoms"
    assert config(tmp_path).parameterisation == Velocity(LogSigma(0.25))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stepss: 5", r"no field stepss .*steps"),
        ("steps: many", r"steps: .*'many'"),
        ("steps: 0", "steps: it should be greater than 0"),
        ("optimiser: {kind: sgd}", r"optimiser: kind is one of 'adam', 'muon', not 'sgd'"),
        ("optimiser: {lr: 1}", r"optimiser needs 'kind'"),
        ("data: {kind: npy}", r"data.path is missing"),
        ("data: {kind: npy, path: x, pathh: y}", r"no field data.pathh .*val_fraction"),
        ("network: {architecture: unet, channels: 1, widths: [8], blocks: 1, embedding: 8, patch: 1}", "2"),
        ("sigma_range: [1, 0.1]", "ascending"),
        ("precision: fp8", r"precision: .*'float32' or 'bfloat16'"),
        ("batches: []", "batches"),
        ("- a list", "the file takes named fields"),
        ("a: [", "no YAML"),
        ("noise_levels: {kind: log_uniform, sigma_min: 3, sigma_max: 2}", "sigma_min 3.0 must be below"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_may_be(tmp_path, text, said) -> None:
    with pytest.raises(InputError, match=said):
        config(tmp_path, text)


def test_wrong_settings_and_a_missing_file(tmp_path) -> None:
    with pytest.raises(InputError, match="is none of its items"):
        config(tmp_path, "batches: [{side: 8, images: 1}]", batches__4__side="9")
    with pytest.raises(InputError, match="is none of its items"):
        config(tmp_path, "batches: [{side: 8, images: 1}]", **{f"batches__{'9' * 5000}__side": "9"})
    with pytest.raises(InputError, match=r"steps: .*aaa\.\.\.\.$"):
        config(tmp_path, f"steps: {'a' * 5000}")
    with pytest.raises(InputError, match="has no field 'deep'"):
        config(tmp_path, "steps: 4", steps__deep="1")
    with pytest.raises(InputError, match="can't be read"):
        read_config(tmp_path / "missing.yaml")


def test_schedules() -> None:
    for schedule in (Cosine(), Constant(), ConstantThenDecay(decay_steps=10)):
        factors = [schedule(step, 100) for step in range(100)]
        assert factors[0] == 1
        assert all(later <= earlier for earlier, later in pairwise(factors))
    assert Cosine()(100, 100) == pytest.approx(0)
    assert ConstantThenDecay(decay_steps=10)(90, 100) == 1
    assert ConstantThenDecay(decay_steps=10)(95, 100) == 0.5
    warm = TrainingConfig(warm_up=4, schedule=Constant())
    assert [warm.learning_rate(step) / warm.optimiser.lr for step in range(5)] == [0.25, 0.5, 0.75, 1, 1]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("steps=" + "9" * 30, "steps"),
        ("data.count=" + "9" * 30, r"data\.count"),
        ("data.val_count=" + "9" * 30, r"data\.val_count"),
        ("data.value=1e308", r"data\.value"),
        ("data.value=.nan", r"data\.value"),
        ("channels.1=.inf", r"channels"),
        ("weighting.sigma_data=1e308", "sigma_data"),
        ("weighting.sigma_data=1e-320", "sigma_data"),
        ("noise_levels={kind: mixture, parts: [{share: .inf, levels: {kind: log_normal}}]}", "share"),
        ("augmentation.intensity=[1, 0.5]", "intensity .* ascending"),
        ("augmentation.intensity=[1, .inf]", r"augmentation\.intensity"),
        ("sigma_range=[1, .inf]", "sigma_range"),
        ("data={kind: npy, path: x, memory_gb: 1.0e+308}", "memory_gb"),
    ],
)
def test_numbers_that_nothing_can_be_computed_with_are_refused(tmp_path, setting, said) -> None:
    key, _, value = setting.partition("=")
    with pytest.raises(InputError, match=said):
        config(tmp_path, "data: {kind: phantoms}\nchannels: {1: 1, 2: 1}", **{key.replace(".", "__"): value})
