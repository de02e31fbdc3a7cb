import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.methods import METHODS, find_method
from invdiff.methods.method import Method
from invdiff.tuning import Range, Space, parse_range, usual_range
from invdiff.within import bounds_of

FRACTION = st.floats(0, 1)
RANGES = [
    Range("lam", 0, 1),
    Range("gamma", 0.1, 100, log=True),
    Range("steps", 5, 50, integer=True),
    Range("steps", 1, 1000, log=True, integer=True),
    Range("eta", 0.1234567891, 0.98765432198),
]


@pytest.mark.parametrize("one", RANGES, ids=repr)
@given(u=FRACTION, v=FRACTION)
def test_values_lie_within_bounds_and_rise(one: Range, u: float, v: float) -> None:
    low, high = sorted((u, v))
    assert one.low <= one.at(low) <= one.at(high) <= one.high
    assert isinstance(one.at(u), int) is one.integer
    assert one.at(u) in one
    assert one.nearest(one.at(u)) == one.at(u)


@given(u=FRACTION)
def test_fraction_is_the_inverse(u: float) -> None:
    for one in RANGES[:2]:
        assert one.fraction(one.at(u)) == pytest.approx(u, abs=1e-5)


def test_log_steps_by_ratios() -> None:
    assert Range("gamma", 0.1, 1000, log=True).at(0.5) == pytest.approx(10)
    assert Range("gamma", 0.1, 1000).at(0.5) == pytest.approx(500.05)


@given(seed=st.integers(0, 2**32 - 1))
def test_spread_fills_the_space(seed: int) -> None:
    """Of 8 points, each half and each quarter of every side holds its share; random points hardly ever do."""
    points = Space([Range("lam", 0, 1), Range("snr", 0, 1)]).spread(8, seed)
    for name in ("lam", "snr"):
        assert sorted(math.floor(8 * point[name]) for point in points) == list(range(8))


def test_points_of_whole_numbers() -> None:
    space = Space([Range("steps", 1, 3, integer=True), Range("cg_steps", 5, 6, integer=True)])
    assert space.size == len(space.points) == 6
    assert {"steps": 2, "cg_steps": 6} in space.points
    assert Space(RANGES[:3]).size == math.inf


def test_corners_and_membership() -> None:
    space = Space(RANGES[:2])
    assert space.corners == [{"lam": a, "gamma": b} for a in (0, 1) for b in (0.1, 100)]
    assert all(corner in space for corner in space.corners)
    assert {"lam": 0.5, "gamma": 1.0, "other": 3} in space
    assert {"lam": 0.5} not in space
    assert {"lam": 1.1, "gamma": 1.0} not in space


def test_parse() -> None:
    assert parse_range("snr:0.05:0.6", find_method("song2021")) == Range("snr", 0.05, 0.6)
    assert parse_range("gamma:1e-2:10:log", find_method("dds")) == Range("gamma", 0.01, 10, log=True)
    assert parse_range("steps:5:20", find_method("fast")) == Range("steps", 5, 20, integer=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("magic", "NAME:LOW:HIGH"),
        ("guidance", "NAME:LOW:HIGH"),
        ("lam:0", "NAME:LOW:HIGH"),
        ("lam:0:1:linear", "NAME:LOW:HIGH"),
        ("lam:0:1:log:log", "NAME:LOW:HIGH"),
        ("magic:0:1", "no parameter magic; it has steps, lam, snr"),
        ("signal:0:1", "no numeric parameter 'signal'"),
        ("snr:low:1", "must be numbers"),
        ("snr:0.5:0.5", "must rise"),
        ("snr:0.6:0.5", "must rise"),
        ("snr:nan:1", "must rise"),
        ("snr:0:inf", "must rise"),
        ("snr:0:1:log", "must be positive"),
        ("lam:-0.1:1", "from 0 to 1"),
        ("lam:0:1.5", "from 0 to 1"),
        ("steps:1:2.5", "whole numbers"),
    ],
)
def test_refusals(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_range(text, find_method("song2021"))


def test_every_method_of_the_papers_searches_is_searched() -> None:
    assert {"song2021", "chung2022_complex", "jalal2021", "dds", "fast", "score_sde"} <= {m.name for m in SEARCHED}


SEARCHED = [m for m in METHODS.values() if any(bounds.weighs_data for bounds in bounds_of(m.build).values())]


@pytest.mark.parametrize("method", SEARCHED, ids=lambda method: method.name)
def test_usual_ranges_hold_the_default_and_are_taken(method: Method) -> None:
    one = usual_range(method)
    assert method.defaults[one.name] in one
    assert one.name == "lam" or "lam" not in method.defaults
    for corner in Space([one]).corners:
        method.with_settings({name: str(value) for name, value in corner.items()})


def test_usual_ranges() -> None:
    assert usual_range(find_method("chung2022_complex")) == Range("lam", 0, 1)
    assert usual_range(find_method("fast")) == Range("noise_floor", 0, 0.05)
    assert usual_range(find_method("jalal2021")) == Range("rho", 0.3, 10, log=True)
    assert parse_range("cg_steps", find_method("fast")) == Range("cg_steps", 3, 300, log=True, integer=True)
    with pytest.raises(InputError, match="What to search of calibrated"):
        usual_range(find_method("calibrated"))  # its rho bends the spacing of levels
    nameless = Method("nameless", "", lambda steps=3: None)
    with pytest.raises(InputError, match="What to search of nameless"):
        usual_range(nameless)


def test_spaces_that_are_none() -> None:
    with pytest.raises(InputError, match="at least one range"):
        Space([])
    with pytest.raises(InputError, match="lam is searched over two ranges"):
        Space([Range("lam", 0, 1), Range("lam", 0.2, 0.4)])
