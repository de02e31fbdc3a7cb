import csv
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from invdiff.errors import InputError
from invdiff.priors import EDM, Intensity, Noise, Score, ScorePrior, Velocity, load_prior
from invdiff.training import DatasetImages, ScoreMatching, TrainingConfig, prepare, read_config, train
from invdiff.training import loop as loop_module
from invdiff.training.batches import Batches
from invdiff.training.muon import Muon, orthogonalised
from invdiff.training.noise_levels import LogNormal, LogUniform, Mixture, Share, UniformVPTime
from invdiff.training.optimisers import MuonConfig
from invdiff.training.weighting import EDMWeight, ScoreWeight

TINY = {
    "data": {"kind": "phantoms", "count": 8, "val_count": 3, "side": 32},
    "validation_images": 2,
    "network": {"architecture": "unet", "channels": 2, "widths": [8, 8], "blocks": 1, "embedding": 8, "patch": 2},
    "batches": [{"side": 16, "images": 2}, {"side": 24, "images": 1}],
    "steps": 6, "warm_up": 2, "log_every": 1, "save_every": 2, "validate_every": 3, "draw_every": 0, "workers": 0,
}  # fmt: skip


def config(**changes) -> TrainingConfig:
    return TrainingConfig.model_validate({**TINY, **changes})


def losses(out: Path) -> list[list[str]]:
    with (out / "losses.csv").open() as file:
        return list(csv.reader(file))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_a_run_writes_all_that_it_promises(out, kind) -> None:
    said, done = [], []
    prior = train(
        config(optimiser={"kind": kind}, draw_every=6, about={"data": "phantoms"}), out,
        progress=lambda k, of: done.append((k, of)), say=said.append,
    )  # fmt: skip
    names = [
        "best.safetensors",
        "checkpoint.pt",
        "config.yaml",
        "losses.csv",
        "pictures",
        "prior.safetensors",
        "tensorboard",
    ]
    assert sorted(path.name for path in out.iterdir()) == [*names, "validation.csv"]
    assert sorted(path.name for path in (out / "pictures").iterdir()) == ["denoising-6.png", "samples-6.png"]
    assert done == [(k, 6) for k in range(1, 7)]
    assert "8 images to train on, 3 to validate on" in said[0]
    read = load_prior(out / "prior.safetensors")
    assert read.channels == (1, 2)
    assert read.intensity == prior.intensity
    assert read.sigma_range == (0.002, 400.0)
    assert 0.05 < read.data_std < 0.6
    assert len(read.power_spectrum) == 32
    assert read.about["data"] == "phantoms"
    x = torch.ones(1, 2, 16, 16)
    torch.testing.assert_close(read.denoise(x, 0.3), prior.denoise(x, 0.3), rtol=1e-2, atol=1e-2)
    with (out / "validation.csv").open() as file:
        heading, *rows = csv.reader(file)
    assert heading == ["step", "loss", *(f"psnr_sigma_{s:g}" for s in (0.02, 0.05, 0.1, 0.2, 0.5))]
    assert [row[0] for row in rows] == ["0", "3", "6"]


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_a_stopped_run_goes_on_with_the_same_losses(tmp_path, kind, monkeypatch) -> None:
    through, cut = tmp_path / "through", tmp_path / "cut"
    through.mkdir()
    cut.mkdir()
    same = config(optimiser={"kind": kind}, schedule={"kind": "constant"})
    train(same, through)
    original = ScoreMatching.loss

    def interrupt(self, network, batch):
        interrupt.calls += 1
        if interrupt.calls == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, network, batch)

    interrupt.calls = 0
    monkeypatch.setattr(ScoreMatching, "loss", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(same, cut)
    assert torch.load(cut / "checkpoint.pt", weights_only=True)["step"] == 3
    monkeypatch.setattr(ScoreMatching, "loss", original)
    train(same, cut)
    assert losses(cut) == losses(through)
    ends = [torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (through, cut)]
    for part in ("network", "average"):
        for a, b in zip(ends[0][part].values(), ends[1][part].values(), strict=True):
            assert torch.equal(a, b)
    other = tmp_path / "other"
    other.mkdir()
    train(config(optimiser={"kind": kind}, schedule={"kind": "constant"}, seed=1), other)
    assert losses(other) != losses(through)


def test_a_constant_run_can_be_prolonged_but_not_changed_into_another(out) -> None:
    train(config(schedule={"kind": "constant"}, steps=2), out)
    train(config(schedule={"kind": "constant_then_decay", "decay_steps": 2}, steps=4), out)
    assert [row[0] for row in losses(out)[1:]] == ["1", "2", "3", "4"]
    with pytest.raises(InputError, match="parameterisation"):
        train(config(parameterisation={"kind": "score"}), out)
    before = (out / "config.yaml").read_text()
    for changed, said in [
        ({"optimiser": {"kind": "muon"}}, r"optimiser\.kind adam"),
        ({"seed": 5}, "seed 0, but the configuration says 5"),
        ({"data": {"kind": "phantoms", "count": 9, "side": 32}}, r"data\.count 8"),
        ({"augmentation": {"flips": False}}, r"augmentation\.flips True"),
    ]:
        with pytest.raises(InputError, match=said):
            train(config(**changed), out)
    assert (out / "config.yaml").read_text() == before


def test_a_full_disk_leaves_the_last_good_checkpoint(out, monkeypatch) -> None:
    train(config(steps=2), out)
    before = (out / "checkpoint.pt").read_bytes()

    def full(content, file):
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match=r"Step 4 .*no space left.*the checkpoint before it is as it was"):
        train(config(), out)
    assert (out / "checkpoint.pt").read_bytes() == before


def test_a_loss_that_is_not_finite_stops_the_run(out, monkeypatch) -> None:
    original = ScoreMatching.loss
    monkeypatch.setattr(ScoreMatching, "loss", lambda *args: original(*args) * math.nan)
    with pytest.raises(InputError, match=r"diverged at step 1.*Lower optimiser.lr"):
        train(config(), out)
    assert not (out / "prior.safetensors").exists()


def test_a_full_disk_as_torch_reports_it(out, monkeypatch) -> None:
    def full(content, file):
        raise RuntimeError("[enforce fail at inline_container.cc] . PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match=r"Step 2 can't be kept .*PytorchStreamWriter.*Make room"):
        train(config(), out)
    assert not (out / "checkpoint.pt").exists()


@pytest.mark.parametrize(
    "missing", ["all", "config", "network", "average", "optimisers", "step", "recent", "best", "a weight"]
)
def test_a_damaged_checkpoint_is_refused(out, missing) -> None:
    path = out / "checkpoint.pt"
    if missing == "all":
        path.write_bytes(b"nothing")
    else:
        train(config(steps=2), out)
        content = torch.load(path, weights_only=True)
        part, key = (content["network"], "conv_in.weight") if missing == "a weight" else (content, missing)
        del part[key]
        torch.save(content, path)
    with pytest.raises(InputError, match=r"checkpoint\.pt is no whole checkpoint"):
        train(config(), out)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("config", "[]"),
        ("config", "5"),
        ("config", "[" * 100_000),
        ("step", -1),
        ("step", math.inf),
        ("step", 1.5),
        ("recent", [(math.nan, 1.0)]),
        ("recent", [(10**400, 1.0)]),
        ("optimisers", []),
        ("best", (math.nan, 0)),
        ("best", (1.0, 0.5)),
    ],
)
def test_a_checkpoint_of_odd_values_is_refused(out, part, wrong) -> None:
    path = out / "checkpoint.pt"
    train(config(steps=2), out)
    torch.save({**torch.load(path, weights_only=True), part: wrong}, path)
    with pytest.raises(InputError, match=r"checkpoint\.pt is no whole checkpoint"):
        train(config(), out)


@pytest.mark.parametrize("part", ["network", "average", "optimisers"])
@pytest.mark.parametrize(
    "damage",
    [lambda x: x * math.nan, lambda x: x.double(), lambda x: x[..., None], lambda x: x.to("meta"), lambda x: None],
    ids=["NaN", "double", "shape", "meta", "None"],
)
def test_a_checkpoint_of_odd_tensors_is_refused(out, part, damage) -> None:
    """Each is damaged in turn: the last weight, of the network or its average, or moment of the optimiser."""
    path = out / "checkpoint.pt"
    train(config(steps=2), out)
    content = torch.load(path, weights_only=True)
    tensors = [*content[part][0]["state"].values()][-1] if part == "optimisers" else content[part]
    name = [*tensors][-1]
    tensors[name] = damage(tensors[name])
    torch.save(content, path)
    with pytest.raises(InputError, match=r"checkpoint\.pt is no whole checkpoint"):
        train(config(), out)


@pytest.mark.parametrize(
    "table", [b"\xff\xfe", b"step,loss\n" + b"1" * 200_000 + b",2\n", b"step,x\n" + b"9" * 5000 + b",1\n"]
)
def test_a_damaged_table_is_refused(out, table) -> None:
    train(config(steps=2), out)
    (out / "losses.csv").write_bytes(table)
    with pytest.raises(InputError, match=r"losses\.csv is no table as training writes it"):
        train(config(), out)
    assert (out / "losses.csv").read_bytes() == table


@pytest.mark.parametrize("name", ["losses.csv", "validation.csv", "tensorboard", "pictures", "checkpoint.pt"])
def test_what_is_in_the_way_is_named(out, name) -> None:
    """A file where a folder is to be, or the other way round."""
    (out / name).write_text("") if "." not in name else (out / name).mkdir()
    with pytest.raises(InputError, match=name):
        train(config(draw_every=1), out)


def test_training_begins_with_a_prior_s_weights(tmp_path, out) -> None:
    train(config(), out)
    again = tmp_path / "again"
    again.mkdir()
    start = str(out / "prior.safetensors")
    train(config(start=start, steps=1, optimiser={"kind": "adam", "lr": 1e-9}), again)
    x = torch.ones(1, 2, 16, 16)
    first, second = (load_prior(folder / "prior.safetensors").denoise(x, 0.3) for folder in (out, again))
    torch.testing.assert_close(first, second, rtol=1e-2, atol=1e-2)
    network = {**TINY["network"], "widths": [4, 4]}
    with pytest.raises(InputError, match="another network"):
        train(config(start=start, network=network), again)


def test_nothing_to_train_on(out) -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        train(config(data=None), out)


@pytest.mark.parametrize("empty", [("images",), ("validation",), ("images", "validation")])
def test_no_images_are_refused_before_the_first_step(out, images, empty) -> None:
    given = {name: DatasetImages([], Intensity()) if name in empty else images for name in ("images", "validation")}
    purpose = "train" if "images" in empty else "validate"
    with pytest.raises(InputError, match=f"no image to {purpose} on: the DatasetImages"):
        train(config(data=None, draw_every=1), out, **given)
    assert not list(out.iterdir())
    with pytest.raises(InputError, match=f"no image to {purpose} on"):
        prepare(read_config("mc-ddpm"), **given)


def test_one_image_is_enough(out) -> None:
    one = DatasetImages([np.ones((16, 16), np.float32)], Intensity())
    train(config(data=None, draw_every=6), out, images=one, validation=one)
    assert np.isfinite(np.loadtxt(out / "validation.csv", delimiter=",", skiprows=1)).all()


SCRIPT = """
import sys, warnings
from pathlib import Path
from accelerate import PartialState
import torch
from invdiff.training import TrainingConfig, train
import json
prior = train(TrainingConfig.model_validate(json.loads(sys.argv[1])), sys.argv[2])
weights = torch.cat([p.flatten() for p in prior.network.parameters()])
Path(sys.argv[3] + str(PartialState().process_index)).write_text(repr(float(weights.double().sum())))
"""


def test_two_processes_average_their_gradients_and_one_writes(tmp_path, out) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    given = [json.dumps({**TINY, "steps": 3}), str(out), str(tmp_path / "sum")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run(
        [sys.executable, *launch, str(script), *given], env=environment, capture_output=True, text=True, timeout=240
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    first, second = ((tmp_path / f"sum{i}").read_text() for i in range(2))
    assert first == second
    assert len(losses(out)) == 4
    alone = tmp_path / "alone"
    alone.mkdir()
    train(config(steps=3), alone)
    assert losses(alone)[1] != losses(out)[1]  # the second process saw other images


def test_batches_are_functions_of_their_step(images) -> None:
    task = ScoreMatching(config(), images, images)
    ours, same, other = (Batches(task, config().batches, seed=0, process=p) for p in (0, 0, 1))
    for step in range(5):
        for name, tensor in ours[step].items():
            assert torch.equal(tensor, same[step][name])
        assert ours[step]["clean"].shape[-1] == other[step]["clean"].shape[-1]
        assert not torch.equal(ours[step]["noisy"], other[step]["noisy"])
    loaded = list(ours.loader(range(2, 4), workers=0))
    assert torch.equal(loaded[0]["noisy"], ours[2]["noisy"])


@pytest.mark.parametrize("parameterisation", [EDM(0.2), Score(), Noise(), Velocity()], ids=repr)
def test_the_loss_is_that_of_the_prior_that_is_saved(parameterisation, images) -> None:
    """Recomputed from the prior's answers to the very images that training asked about."""
    task = ScoreMatching(
        config(channels={2: 1}).model_copy(update={"parameterisation": parameterisation}), images, images
    )
    network = task.config.network.build()
    nn.init.normal_(network.conv_out.weight, std=0.1)
    batch = task.batch(16, 3, np.random.default_rng(0))
    loss = task.loss(network, batch).item()
    sigma = np.clip(sigmas_of(task, 3), *task.config.sigma_range)
    prior, errors = task.prior(network), []
    for i, level in enumerate(sigma):
        answer = prior.denoise(batch["noisy"][i : i + 1], float(level))[0]
        weight = float(task.config.weighting(torch.tensor(level)))
        errors.append(weight * float((answer - batch["clean"][i]).square().mean()))
    assert loss == pytest.approx(float(np.mean(errors)), rel=1e-3)


def sigmas_of(task: ScoreMatching, count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    task.draw_images(16, count, rng)
    return task.config.noise_levels.draw(count, rng)


def test_a_network_that_says_nothing_loses_one_under_edm(images) -> None:
    """For data of the stated deviation, at every level."""
    edm = {"parameterisation": EDM(0.2), "weighting": EDMWeight(sigma_data=0.2)}
    task = ScoreMatching(config().model_copy(update=edm), images, images)
    rng = np.random.default_rng(0)
    clean = torch.from_numpy(0.2 * rng.standard_normal((64, 2, 16, 16), dtype=np.float32))
    task.draw_images = lambda side, count, rng: clean
    assert task.loss(task.config.network.build(), task.batch(16, 64, rng)).item() == pytest.approx(1, abs=0.05)


def test_weightings() -> None:
    sigma = torch.tensor([0.1, 0.2, 1.0])
    torch.testing.assert_close(ScoreWeight()(sigma), 1 / sigma**2)
    torch.testing.assert_close(EDMWeight(sigma_data=0.2)(sigma), 1 / sigma**2 + 1 / 0.04)


def test_noise_levels() -> None:
    rng = np.random.default_rng(0)
    normal = np.log(LogNormal(median=0.3, spread=0.8).draw(20000, rng))
    assert normal.mean() == pytest.approx(math.log(0.3), abs=0.03)
    assert normal.std() == pytest.approx(0.8, abs=0.02)
    uniform = np.log(LogUniform(sigma_min=0.1, sigma_max=10).draw(20000, rng))
    np.testing.assert_allclose(np.histogram(uniform, 5, (math.log(0.1), math.log(10)))[0] / 20000, 0.2, atol=0.02)
    vp = UniformVPTime().draw(20000, rng)
    assert vp.max() == pytest.approx(math.sqrt(math.expm1(0.1 + 19.9 / 2)), rel=0.01)
    mixed = Mixture(parts=[Share(share=3, levels=LogUniform(sigma_min=1, sigma_max=2)),
                           Share(share=1, levels=LogUniform(sigma_min=10, sigma_max=20))]).draw(20000, rng)  # fmt: skip
    assert np.mean(mixed > 5) == pytest.approx(0.25, abs=0.02)


def test_orthogonalised_directions_are_about_equally_strong() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((16, 48), (48, 16), (16, 16)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape, generator=generator)))
        assert 0.4 < float(values.min()) <= float(values.max()) < 1.3
    u, _, v = torch.linalg.svd(torch.randn(16, 48, generator=generator), full_matrices=False)
    steep = u @ torch.diag(torch.linspace(0.2, 1, 16)) @ v
    assert float((orthogonalised(steep) - u @ v).norm() / 4) < 0.35
    assert float((steep - u @ v).norm() / 4) > 0.4  # what it was before


def test_muon_moves_the_inner_convolutions_and_adam_the_rest() -> None:
    network = config().network.build()
    adam, muon = MuonConfig().build(network)
    assert isinstance(muon, Muon)
    inner = {id(p) for group in muon.param_groups for p in group["params"]}
    rest = {id(p) for group in adam.param_groups for p in group["params"]}
    assert not inner & rest
    assert inner | rest == {id(p) for p in network.parameters()}
    assert id(network.conv_in.weight) in rest
    assert id(network.conv_out.weight) in rest
    assert id(network.down[0][0].conv_in.weight) in inner
    assert all(p.ndim == 4 for group in muon.param_groups for p in group["params"])


def test_muon_finds_a_minimum() -> None:
    weight = nn.Parameter(torch.zeros(6, 5))
    target = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    muon = Muon([weight], lr=0.05)
    for _ in range(400):
        muon.zero_grad()
        (weight - target).square().sum().backward()
        muon.step()
    assert float((weight - target).detach().abs().max()) < 0.2 < float(target.abs().max())


def test_without_accelerate_the_pip_line_is_said(out, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(InputError, match=r"pip install 'invdiff\[train\]'"):
        loop_module.make_accelerator()


def test_bfloat16_and_channels_last(out) -> None:
    assert isinstance(train(config(precision="bfloat16", channels_last=True, steps=2), out), ScorePrior)
