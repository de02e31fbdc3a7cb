"""Tables of verdicts: of whom, in which order, and as files."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from invdiff.errors import InputError
from invdiff.reconstruction import Here, Processes
from invdiff.verification import (
    SHORT,
    Candidate,
    ExactProblem,
    Extent,
    Measures,
    Verdict,
    standings,
    verify,
    write_figure,
    write_table,
)
from invdiff.verification.verdict_table import COLUMNS

PROBLEMS, QUICK = SHORT[:2], Extent(20, 1)
RIGHT = Measures(0.02, 1.01, 0.99, 0.5, 0.9, 0.01)
NONE = Measures(0, 0, 0, 0, 0, 0)


def verdicts(problems: Sequence[ExactProblem] = PROBLEMS) -> list[Verdict]:
    """A right one, a wrong one and a refused one on each problem."""
    made = []
    for problem in problems:
        made.append(Verdict("right", problem, 20, 20, RIGHT, NONE))
        made.append(Verdict("wrong", problem, 20, 19, replace(RIGHT, bias=2.0), NONE, ("bias",)))
        made.append(Verdict("refused", problem, 20, refusal="It takes none."))
    return made


def test_a_verdict_for_each_method_problem_and_budget_in_their_order() -> None:
    made = verify([Candidate("fast"), Candidate("mc_ddpm")], PROBLEMS, (3, 2), QUICK)
    assert [(each.method, each.problem, each.budget) for each in made] == [
        (method, problem, budget) for method in ("fast", "mc_ddpm") for problem in PROBLEMS for budget in (3, 2)
    ]
    assert [each.calls for each in made] == [3, 2, 3, 2, 0, 0, 0, 0]


def test_verdicts_do_not_depend_on_where_they_are_made() -> None:
    candidates = [Candidate("fast", (("eta", "0.5"),))]
    here, there = (
        verify(candidates, PROBLEMS[1:], (3,), QUICK, executor=executor) for executor in (Here(), Processes(1))
    )
    assert here == there


def test_parameters_are_heard() -> None:
    plain, other = (verify([Candidate("fast", given)], PROBLEMS[1:], (3,), QUICK) for given in ((), (("eta", "0.1"),)))
    assert plain[0].measures != other[0].measures


def test_seeds_are_heard() -> None:
    one, other = (verify([Candidate("fast")], PROBLEMS[1:], (3,), replace(QUICK, seed=seed)) for seed in (0, 1))
    assert one[0].measures != other[0].measures


@pytest.mark.parametrize(
    ("names", "budgets", "sentence"),
    [
        (["fastt"], (3,), "There is no method 'fastt'"),
        (["fast"], (0,), "at least one network call, not 0"),
        (["estimate", "mc_ddpm"], (3,), "No method could be judged: estimate makes one image"),
        (["nowhere.py:f"], (3,), "there is no file of 'nowhere.py:f'"),
    ],
)
def test_refusals(names: list[str], budgets: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        verify([Candidate(name) for name in names], PROBLEMS, budgets, QUICK)


def test_standings() -> None:
    right, wrong, refused = standings(verdicts())
    assert (right.is_right, wrong.is_right, refused.is_right) == (True, False, False)
    assert (right.crossed, wrong.crossed, refused.crossed) == ((), ("bias",), ())
    assert wrong.over_problems("bias") == (2, 2, 2)
    assert refused.over_problems("bias") is None
    one_bad = [*verdicts()[:1], replace(verdicts()[4], method="right")]
    assert not standings(one_bad)[0].is_right
    only_where_it_is_taken = [*verdicts()[:1], replace(verdicts()[2], method="right")]
    assert standings(only_where_it_is_taken)[0].is_right


def test_table_and_figure(tmp_path: Path) -> None:
    write_table(tmp_path / "verdicts.csv", verdicts())
    with (tmp_path / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["verdict"] for row in rows] == ["right", "wrong", "not judged"] * 2
    assert [(row["bias"], row["reason"]) for row in rows[:3]] == [
        ("0.0200", ""),
        ("2.0000", "bias"),
        ("", "It takes none."),
    ]
    write_figure(tmp_path / "verdicts.png", standings(verdicts()))
    with Image.open(tmp_path / "verdicts.png") as picture:
        assert picture.width > picture.height > 400


def test_figures_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"written as \.png"):
        write_figure(tmp_path / "verdicts.pdf", standings(verdicts()))
    with pytest.raises(InputError, match="no verdicts to draw"):
        write_figure(tmp_path / "verdicts.png", standings(verdicts()[2:3]))
    assert not list(tmp_path.iterdir())
