import csv
import json
import pickle
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.errors import InputError
from invdiff.reconstruction.executors import Here
from invdiff.tuning import Parameters, Range, Space, Study, Trial
from invdiff.tuning.surrogate import predict, propose

LAM = Space([Range("lam", 0, 1)])
FOUR = [({"lam": lam}, score) for lam, score in ((0.0, 1.0), (0.35, 4.5), (0.6, 3.2), (1.0, 0.1))]


def hill(point: Parameters) -> float:
    return 37 - 30 * (point["lam"] - 0.3) ** 2


def stopped_after(count: int, evaluate: Callable[[Parameters], float]) -> Callable[[Parameters], float]:
    """Ctrl-C in trial ``count``."""
    calls = 0

    def interrupted(point: Parameters) -> float:
        nonlocal calls
        calls += 1
        if calls > count:
            raise KeyboardInterrupt
        return evaluate(point)

    return interrupted


def points(study: Study) -> list[Parameters]:
    return [trial.parameters for trial in study.trials]


def test_a_search_finds_the_top_and_leaves_its_log(tmp_path: Path) -> None:
    seen: list[Trial] = []
    study = Study(LAM, tmp_path, "psnr", first=[{"lam": 0.9, "snr": 1}, {"lam": 2.0}])
    study.run(hill, 7, report=seen.append)
    assert seen == study.trials
    assert study.trials[0].parameters == {"lam": 0.9}  # what lies outside the space is left out
    assert study.best.score == pytest.approx(37, abs=0.1)
    assert study.best.score == max(trial.score or 0 for trial in study.trials)
    assert study.score_of({"lam": 0.9, "snr": 0.5}) == hill({"lam": 0.9})
    assert study.score_of({"lam": 0.123}) is None
    with (tmp_path / "trials.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert [(int(r["trial"]), float(r["lam"]), float(r["psnr"])) for r in rows] == [
        (i, trial.parameters["lam"], trial.score) for i, trial in enumerate(study.trials)
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json", "trials.csv"]


def test_a_stopped_search_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    stop = 6
    whole, part = tmp_path / "whole", tmp_path / "part"
    for folder in (whole, part):
        folder.mkdir()
    study = Study(LAM, whole, seed=4)
    study.run(hill, 7)
    with pytest.raises(KeyboardInterrupt):
        Study(LAM, part, seed=4).run(stopped_after(stop, hill), 7)
    resumed = Study(LAM, part, seed=4)
    assert len(resumed.trials) == stop
    resumed.run(stopped_after(7 - stop, hill), 7)  # the others are not computed again
    assert points(resumed) == points(study)
    assert len({str(point) for point in points(study)}) == 7


def test_trials_side_by_side(tmp_path: Path) -> None:
    """Processes bring the scores back in order."""
    study = Study(LAM, tmp_path)
    study.run(itemgetter("lam"), 3, parallel=2)
    assert [trial.score for trial in study.trials] == [trial.parameters["lam"] for trial in study.trials]
    assert len(study.trials) == 3


def test_trials_are_kept_in_the_order_of_their_batch(tmp_path: Path) -> None:
    """Also where they finish in another; what finished early waits for those before it."""

    class Backwards(Here):
        def map(self, work: Any, items: Any, progress: Any = None) -> Any:
            yield from reversed([*super().map(work, items, progress)])

    study, expected = (Study(LAM, tmp_path / name) for name in ("backwards", "forwards"))
    for each in (study, expected):
        each.folder.mkdir()
    study.run(hill, 7, parallel=3, executor=Backwards())
    expected.run(hill, 7, parallel=3, executor=Here())
    assert points(study) == points(expected)
    assert [trial.score for trial in study.trials] == [hill(point) for point in points(study)]


def test_a_batch_that_was_cut_short_is_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, as if by two; the proposals tell from how many trials they were made."""
    monkeypatch.setattr(
        "invdiff.tuning.study.propose",
        lambda space, scores, count, seed, **_: [{"lam": 0.01 * len(scores) + 0.001 * i} for i in range(count)],
    )
    whole, part = tmp_path / "whole", tmp_path / "part"
    for folder in (whole, part):
        folder.mkdir()
    study = Study(LAM, whole)
    study.run(hill, 8, parallel=2, executor=Here())
    with pytest.raises(KeyboardInterrupt):
        Study(LAM, part).run(stopped_after(7, hill), 8, parallel=2, executor=Here())
    resumed = Study(LAM, part)
    resumed.run(hill, 8, parallel=2, executor=Here())
    assert points(resumed) == points(study)
    assert points(study)[6:] == [{"lam": 0.06}, {"lam": 0.061}]


def test_seeds_differ(tmp_path: Path) -> None:
    designs = []
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        study = Study(LAM, folder, seed=seed)
        study.run(hill, 3)
        designs.append(points(study))
    assert designs[0] != designs[1]


def test_failures_are_trials(tmp_path: Path) -> None:
    def fails_high(point: Parameters) -> float:
        if point["lam"] > 0.6:
            raise InputError("The run diverged.")
        return float("nan") if point["lam"] < 0.1 else hill(point)

    study = Study(LAM, tmp_path, first=[{"lam": 0.0}, {"lam": 1.0}])
    study.run(fails_high, 7)
    assert [trial.failure for trial in study.trials[:2]] == ["The score is nan.", "The run diverged."]
    assert study.trials[1].score is None
    assert study.best.score == pytest.approx(37, abs=0.5)
    assert len(Study(LAM, tmp_path, first=study.first).trials) == 7
    assert "The run diverged." in (tmp_path / "trials.csv").read_text()


def test_a_search_whose_trials_all_fail_says_why(tmp_path: Path) -> None:
    def fails(point: Parameters) -> float:
        raise InputError("The run diverged.")

    study = Study(LAM, tmp_path)
    with pytest.raises(InputError, match=r"None of 5 trials succeeded.*The run diverged\."):
        study.run(fails, 20)


def test_nothing_is_best_before_the_first_trial(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="None of 0 trials"):
        _ = Study(LAM, tmp_path).best


def test_a_space_of_whole_numbers_is_tried_out(tmp_path: Path) -> None:
    study = Study(Space([Range("steps", 1, 7, integer=True)]), tmp_path, higher_is_better=False)
    study.run(lambda point: abs(point["steps"] - 5), 20)
    assert sorted(point["steps"] for point in points(study)) == [1, 2, 3, 4, 5, 6, 7]
    assert study.best.parameters == {"steps": 5}
    assert type(study.best.parameters["steps"]) is int


def test_the_run_at_the_best_point(tmp_path: Path) -> None:
    study = Study(LAM, tmp_path, "psnr", search={"method": "song2021", "prior": "builtin"})
    study.run(hill, 3)
    run = study.run_at_best("song2021", {"steps": "30", "snr": "0.2", "signal": "split"})
    assert run["method"] == "song2021"
    assert run["settings"] == {"steps": 30, "snr": 0.2, "signal": "split", **study.best.parameters}
    assert run["search"]["score"] == study.best.score
    assert run["search"]["space"] == {"lam": [0, 1, "linear"]}
    assert run["search"]["trials"] == 3
    assert "ax-platform" in run["search"]["versions"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective": "ssim"}, "its objective is psnr, not ssim"),
        ({"seed": 1}, "its seed is 0, not 1"),
        ({"space": Space([Range("lam", 0, 0.5)])}, "its space is"),
        ({"search": {"method": "dds"}}, "its method is fast, not dds"),
        ({"search": {"method": "fast", "samples": 3}}, "its samples is None, not 3"),
    ],
)
def test_another_search_s_folder_is_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    search = {"space": LAM, "objective": "psnr", "search": {"method": "fast"}}
    Study(folder=tmp_path, **search).run(hill, 1)
    before = (tmp_path / "state.json").read_bytes()
    with pytest.raises(InputError, match=words):
        Study(folder=tmp_path, **(search | changes))
    assert (tmp_path / "state.json").read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"search": {}}',
        b'{"search": {}, "trials": [{"parameters": {"lam": "x"}, "score": 1, "seconds": 1}]}',
        b'{"search": {}, "trials": [], "more": 1}',
        pickle.dumps([1]),
    ],
)
def test_broken_states_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.json").write_bytes(content)
    with pytest.raises(InputError, match=r"holds no state of a search .*remove it to start anew"):
        Study(LAM, tmp_path)


def test_numbers_of_trials(tmp_path: Path) -> None:
    study = Study(LAM, tmp_path)
    with pytest.raises(InputError, match="at least one trial"):
        study.run(hill, 0)
    with pytest.raises(InputError, match="at least one trial"):
        study.run(hill, 3, parallel=0)
    study.run(hill, 2)
    Study(LAM, tmp_path).run(stopped_after(0, hill), 2)
    assert len(json.loads((tmp_path / "state.json").read_text())["trials"]) == 2


def test_ax_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invdiff.tuning.surrogate.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'invdiff\[tune\]'"):
        Study(LAM, tmp_path)


def test_predictions_pass_through_the_trials() -> None:
    near, far = [point for point, _ in FOUR], [{"lam": 0.8}]
    mean, std = predict(LAM, [*FOUR, ({"lam": 0.5}, None)], [*near, *far])
    np.testing.assert_allclose(mean[:4], [score for _, score in FOUR], atol=0.3)
    assert std[4] > 2 * std[:4].max()


def test_proposals_look_where_it_is_good() -> None:
    def proposed(higher_is_better: bool) -> list[float]:
        return [p["lam"] for p in propose(LAM, FOUR, 2, 0, higher_is_better=higher_is_better)]

    up, down = proposed(True), proposed(False)
    assert 0.2 < up[0] < 0.6
    assert down[0] > 0.8
    assert up[0] != up[1]
    assert up == proposed(True)
