"""The method that suits a file best, chosen by what was held back: the same whoever draws what, and however often it is
stopped."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from invdiff.data import Picture, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import Bound
from invdiff.errors import InputError
from invdiff.methods import find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Choice, MeasuredOnce, Recipe, Shard, Study, picture_cases, scan_cases
from invdiff.reconstruction.audit import FRACTION, HeldCases, Prediction, Ranking
from invdiff.reconstruction.units import Drawing

SHAPE = (16, 20)
PHANTOM = shepp_logan(SHAPE)
MASK = equispaced(SHAPE, 2, 4)
SCAN = simulate(np.stack([PHANTOM, PHANTOM[::-1], PHANTOM[:, ::-1]]), coils=2, mask=MASK, noise_std=0.02)
CASES = scan_cases(SCAN, "sense")
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
SAMPLES = Recipe(find_method("fast"), {"steps": "3"}, 2)
STUDIES = {
    "estimate": Study(PRIOR, Recipe(find_method("estimate"), {"steps": "3"}), SAMPLES),
    "fast": Study(PRIOR, None, SAMPLES),
    "mc_ddpm": Study(PRIOR, None, Recipe(find_method("mc_ddpm"), {"steps": "3"}, 2)),
    "dds": Study(PRIOR, None, Recipe(find_method("dds"), {"steps": "2"}, 1)),
}
CHOICE = Choice(STUDIES)


@dataclass
class Listens:
    said: list[str] = field(default_factory=list)
    begun_with: list[Any] = field(default_factory=list)

    def begun(self, cases: Any) -> None:
        self.begun_with.append(cases)

    def progress(self, title: str) -> AbstractContextManager[None]:
        return nullcontext()

    def told(self, sentence: str) -> None:
        self.said.append(sentence)

    def image(self, path: Path) -> None:
        pass


def contents(folder: Path) -> dict[str, Any]:
    assert [path.name for path in folder.iterdir()] == ["reconstruction.h5"]
    with h5py.File(folder / "reconstruction.h5") as file:
        said = {name: str(value) for name, value in file.attrs.items()}
        return {**{name: file[name][()].tobytes() for name in file}, **said}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whole")
    CHOICE(CASES, folder)
    return contents(folder)


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many more runs are drawn before Ctrl-C, in the first place; counts down."""
    draw, left = Bound.draw, [10**6]

    def counted(self: Bound, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return draw(self, *args, **kwargs)

    monkeypatch.setattr(Bound, "draw", counted)
    return left


def test_the_scores_are_those_of_the_same_samples_held_back(whole: dict[str, Any]) -> None:
    held = HeldCases.of(CASES, FRACTION, 0)
    found = {}
    for name in ("estimate", "fast", "dds"):
        recipe = STUDIES[name].image or STUDIES[name].posterior
        assert recipe is not None
        drawing = Drawing(held, recipe.stage(CASES, PRIOR, 0, None).drawing.sampler, PRIOR)
        predictions = []
        for number in (0, 2):
            bound = drawing.bound(number)
            image = bound.draw(range(recipe.samples), seed=0, case=number).samples.mean(0)
            predictions.append(Prediction.of_image(held.parts(number).hidden, image))
        found[name] = predictions[0] + predictions[1]
    expected, written = Ranking.of(found), Ranking.from_json(whole["ranking"])
    assert [one.name for one in written.scores] == [one.name for one in expected.scores]
    for one, other in zip(written.scores, expected.scores, strict=True):
        assert one.error == pytest.approx(other.error, rel=1e-4)
    assert list(written.failures) == ["mc_ddpm"]
    assert whole["ranking_sentence"].startswith(f"{whole['method']} predicts best")
    assert written.best == whole["method"]


def test_the_result_is_the_study_s_of_the_winner(tmp_path: Path, whole: dict[str, Any]) -> None:
    STUDIES[whole["method"]](CASES, tmp_path)
    alone = contents(tmp_path)
    assert {name for name in whole if whole[name] != alone.get(name)} == {"ranking", "ranking_sentence", "fingerprint"}


def test_it_says_what_it_will_cost_before_and_what_it_found(tmp_path: Path) -> None:
    watcher = Listens()
    CHOICE(CASES, tmp_path, watcher=watcher)
    passed, cost, sentence = watcher.said
    assert passed.startswith("mc_ddpm is passed over: ")
    calls = 2 * (3 + 2 * 3 + 2)
    assert cost.startswith(f"choosing among estimate, fast, dds by samples held back of slice 0, 2: {calls} network")
    assert sentence == contents(tmp_path)["ranking_sentence"]


@pytest.mark.parametrize("runs", [0, 3, 9])
def test_an_interrupted_choice_goes_on(tmp_path: Path, whole: dict[str, Any], draws: list[int], runs: int) -> None:
    draws[0] = 10**6
    CHOICE(CASES, tmp_path / "uninterrupted")
    needed = 10**6 - draws[0]
    draws[0] = runs
    with pytest.raises(KeyboardInterrupt):
        CHOICE(CASES, tmp_path / "out")
    draws[0] = needed - runs  # what was finished is not drawn again
    CHOICE(CASES, tmp_path / "out")
    assert contents(tmp_path / "out") == whole
    draws[0] = 0
    assert CHOICE(CASES, tmp_path / "out").was_there
    assert contents(tmp_path / "out") == whole


def test_what_the_winner_drew_serves_its_audit(tmp_path: Path, draws: list[int]) -> None:
    draws[0] = 10**6
    CHOICE(CASES, tmp_path / "a")
    together = 10**6 - draws[0]
    draws[0] = 10**6
    STUDIES["estimate"](CASES, tmp_path / "b")
    alone = 10**6 - draws[0]
    ranked = 2 * (1 + 2 + 1)  # of two slices: an image, two samples and one
    assert together < alone + ranked


def test_another_list_of_methods_chooses_anew(tmp_path: Path, whole: dict[str, Any]) -> None:
    CHOICE(CASES, tmp_path)
    others = Choice({name: study for name, study in STUDIES.items() if name != "mc_ddpm"})
    assert not others(CASES, tmp_path).was_there
    assert contents(tmp_path)["image"] == whole["image"]
    assert not STUDIES["estimate"](CASES, tmp_path).was_there  # nor is a choice taken for the method's own
    assert "ranking" not in contents(tmp_path)
    assert not CHOICE(CASES, tmp_path).was_there
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("count", [2, 3])
def test_parts_of_a_study_go_by_one_choice(tmp_path: Path, whole: dict[str, Any], count: int) -> None:
    for index in range(1, count + 1):
        part = Choice({name: replace(study, shard=Shard(index, count)) for name, study in STUDIES.items()})
        part(CASES, tmp_path)
    assert contents(tmp_path) == whole


def test_a_forecast_counts_the_choice_until_it_is_made(tmp_path: Path, draws: list[int]) -> None:
    """At most: what is drawn for the choice is not drawn again by the winner."""
    open_ = CHOICE.forecast(CASES, tmp_path, measure=MeasuredOnce())
    dearest = max(
        study.forecast(CASES, tmp_path, measure=MeasuredOnce()).network_calls
        for name, study in STUDIES.items()
        if name != "mc_ddpm"
    )
    assert open_.network_calls == 2 * (3 + 2 * 3 + 2) + dearest
    draws[0] = 7
    with pytest.raises(KeyboardInterrupt):
        CHOICE(CASES, tmp_path)
    assert CHOICE.forecast(CASES, tmp_path, measure=MeasuredOnce()).network_calls < dearest
    draws[0] = 10**6
    CHOICE(CASES, tmp_path)
    assert CHOICE.forecast(CASES, tmp_path).network_calls == 0


def test_what_it_refuses(tmp_path: Path) -> None:
    noisy = picture_cases(Picture(np.abs(PHANTOM[None]).astype(np.float32), noise_std=0.1), "denoise")
    with pytest.raises(InputError, match="nothing can be held back"):
        CHOICE(noisy, tmp_path / "out")
    with pytest.raises(InputError, match="level is zero"):
        CHOICE(scan_cases(SCAN, "sense", noise_std=0.0), tmp_path / "out")
    with pytest.raises(InputError, match="prior"):
        Choice({"mc_ddpm": STUDIES["mc_ddpm"]})(CASES, tmp_path / "out")
    with pytest.raises(InputError, match="give it a recipe"):
        Choice({"nothing": Study(PRIOR, None, None)})(CASES, tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_result_of_a_stranger_is_no_choice(tmp_path: Path, whole: dict[str, Any]) -> None:
    for said in ("[", whole["ranking"]):
        with h5py.File(tmp_path / "reconstruction.h5", "w") as file:
            file.attrs.update({"ranking": said, "fingerprint": "0"})
        assert not CHOICE(CASES, tmp_path).was_there
        assert contents(tmp_path) == whole
