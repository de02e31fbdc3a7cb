"""Studies: whoever draws what, in whatever order and with whatever interrupts, the results are the same."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff import Problem
from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import Bound
from invdiff.errors import InputError
from invdiff.methods import find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import (
    Drawn,
    FolderStore,
    MemoryStore,
    Outcome,
    Recipe,
    ScanCases,
    Shard,
    Store,
    Study,
    Unit,
    gather,
    scan_cases,
)
from invdiff.reconstruction.audit import Correction
from invdiff.reconstruction.cases.base import digest_of
from invdiff.reconstruction.draw import draw
from invdiff.reconstruction.executors import Here
from invdiff.reconstruction.store import samples_of
from invdiff.reconstruction.study import failures_of

SHAPE = (16, 12)
PHANTOM = shepp_logan(SHAPE)
MASK = equispaced(SHAPE, 2, 4)
SCAN = simulate(np.stack([PHANTOM, PHANTOM[::-1], PHANTOM[:, ::-1]]), coils=2, mask=MASK, noise_std=0.02)
CASES = scan_cases(SCAN, "sense")
PRIOR = GaussianPrior(torch.zeros(2, *SHAPE), 0.04 * torch.ones(2, *SHAPE))
IMAGE = Recipe(find_method("estimate"), {"steps": "3"})
SAMPLES = Recipe(find_method("fast"), {"steps": "3"}, 2)
STUDY = Study(PRIOR, IMAGE, SAMPLES)
UNITS = 2 * (3 + 3 * 2)  # images and samples, and both of what an audit shows of the slices


def contents(outcome: Outcome) -> dict[str, Any]:
    """Bytes and attributes of a result; and that there is nothing beside it."""
    assert outcome.path is not None
    assert [path.name for path in outcome.path.parent.iterdir()] == ["reconstruction.h5"]
    with h5py.File(outcome.path) as file:
        said = {name: str(value) for name, value in file.attrs.items()}  # NaN is not equal to itself
        return {**{name: (file[name].shape, file[name][()].tobytes()) for name in file}, **said}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return contents(STUDY(CASES, tmp_path_factory.mktemp("whole")))


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Ctrl-C when so many more samples are drawn."""
    draw, left = Bound.draw, [UNITS + 1]

    def interrupted(self: Bound, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return draw(self, *args, **kwargs)

    def after(units: int) -> None:
        left[0] = units

    monkeypatch.setattr(Bound, "draw", interrupted)
    return after


# Sameness


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("backwards", [False, True])
def test_shards_together_are_the_whole(tmp_path: Path, whole: dict[str, Any], count: int, backwards: bool) -> None:
    parts = [replace(STUDY, shard=Shard(index, count)) for index in range(1, count + 1)]
    outcomes = [part(CASES, tmp_path, position=1) for part in (reversed(parts) if backwards else parts)]
    (last,) = [outcome for outcome in outcomes if outcome.path is not None and not outcome.was_there]
    assert contents(last) == whole


def test_shards_meet_at_the_end(tmp_path: Path, whole: dict[str, Any]) -> None:
    """The second part begins and ends while the first is at work; then the first finds all of it there."""

    class Meanwhile(Here):
        def map(self, *args: Any) -> Any:
            yield from super().map(*args)
            if other.path is None:
                other.__dict__.update(vars(replace(STUDY, shard=Shard(2, 2))(CASES, tmp_path)))

    other = Outcome(None, {})
    outcome = replace(STUDY, shard=Shard(1, 2))(CASES, tmp_path, executor=Meanwhile())
    assert contents(outcome) == whole


@pytest.mark.parametrize("units", [(0,), (1,), (2, 0, 1), (3,), (4, 4), (UNITS - 1,)])
def test_an_interrupted_study_goes_on(
    tmp_path: Path, whole: dict[str, Any], interrupt: Callable[[int], None], units: tuple[int, ...]
) -> None:
    for more in units:
        interrupt(more)
        with pytest.raises(KeyboardInterrupt):
            STUDY(CASES, tmp_path)
        assert not any(path.name.startswith(".") for path in tmp_path.rglob("*"))
    interrupt(UNITS - sum(units))  # what was finished is not drawn again
    assert contents(STUDY(CASES, tmp_path)) == whole
    interrupt(0)
    again = STUDY(CASES, tmp_path)
    assert again.was_there
    assert contents(again) == whole


def test_a_study_killed_between_its_result_and_its_end(
    tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "remove", lambda self: None)
        STUDY(CASES, tmp_path)
    assert (tmp_path / "units").is_dir()
    outcome = STUDY(CASES, tmp_path)
    assert outcome.was_there
    assert contents(outcome) == whole


def test_another_seed_leaves_nothing_to_this_one(
    tmp_path: Path, whole: dict[str, Any], interrupt: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a key that forgets the seed is found."""

    def after_another_seed(folder: Path) -> dict[str, Any]:
        interrupt(5)
        with pytest.raises(KeyboardInterrupt):
            replace(STUDY, seed=1)(CASES, folder)
        interrupt(UNITS)
        return contents(STUDY(CASES, folder))

    assert after_another_seed(tmp_path / "right") == whole
    monkeypatch.setattr("invdiff.reconstruction.units.Drawing.key", lambda self, case: digest_of(repr(self.sampler)))
    assert after_another_seed(tmp_path / "forgetful")["samples"] != whole["samples"]


def test_one_process_at_a_time_and_the_other_is_harmless(tmp_path: Path, whole: dict[str, Any]) -> None:
    class Twice(Here):
        def map(self, *args: Any) -> Any:
            with pytest.raises(InputError, match="Another process is at work"):
                STUDY(CASES, tmp_path)
            yield from super().map(*args)

    assert contents(STUDY(CASES, tmp_path, executor=Twice())) == whole


def test_a_part_without_a_slice_of_the_file_leaves_it_alone(tmp_path: Path) -> None:
    outcome = replace(STUDY, shard=Shard(5, 5))(CASES, tmp_path / "out")
    assert outcome.path is None
    assert not (tmp_path / "out").exists()


def test_some_slices_are_those_of_the_whole(tmp_path: Path, whole: dict[str, Any]) -> None:
    some = contents(STUDY(CASES.of([2]), tmp_path))
    for name in ("image", "samples_uncorrected", "zero_filled", "scale", "noise_std"):  # all slices correct the spread
        shape, of_whole = whole[name]
        assert some[name] == ((1, *shape[1:]), of_whole[2 * len(of_whole) // 3 :])
    assert np.frombuffer(some["slice"][1]) == 2


# The audit


def test_samples_are_about_the_image_with_the_spread_that_the_audit_asks_for(tmp_path: Path) -> None:
    outcome = STUDY(CASES, tmp_path)
    assert outcome.path is not None
    with h5py.File(outcome.path) as file:
        image, samples, drawn = (file[name][()] for name in ("image", "samples", "samples_uncorrected"))
        ratio = np.array(json.loads(file.attrs["audit_band_factor"]))
        overall, verdict = file.attrs["audit_factor"], file.attrs["audit_verdict"]
        wider = file["std"][()].mean() / file["std_uncorrected"][()].mean()
        np.testing.assert_allclose(file["mean"][()], drawn.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(samples.mean(axis=1), image, atol=1e-5)
    assert ratio.min() - 0.05 < wider < ratio.max() + 0.05
    assert ("widened" if overall > 1 else "narrowed") in verdict or "as wide as" in verdict


def test_samples_that_failed_stay_zero_where_others_are_corrected() -> None:
    image, posterior = (recipe.stage(CASES, PRIOR, 0, None) for recipe in (IMAGE, SAMPLES))
    store = MemoryStore()
    draw(image.drawing, store, 1)
    one = np.ones(1)
    for found in gather(CASES, store, image=image, posterior=posterior, correction=Correction(one, one, one, 1.0, 0.1)):
        assert found.corrected is not None
        assert found.image.any()
        assert not found.corrected.any()


def test_without_an_audit_samples_are_as_drawn(tmp_path: Path) -> None:
    plain = contents(replace(STUDY, held_back=0.0)(CASES, tmp_path))
    audited = contents(STUDY(CASES, tmp_path / "audited"))
    assert plain["samples"] == audited["samples_uncorrected"]
    assert not [name for name in plain if "uncorrected" in name or "audit" in name]


def test_what_has_nothing_to_hold_back_is_not_audited(tmp_path: Path) -> None:
    whole_centre = np.zeros(SHAPE, bool)
    whole_centre[:, 3:9] = True
    cases = scan_cases(simulate(PHANTOM, coils=2, mask=whole_centre, noise_std=0.02), "sense")
    assert "audit_factor" not in contents(STUDY(cases, tmp_path))


# Failures


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """One slice can't be made a problem."""
    make = ScanCases._problem

    def without_slice(missing: int) -> None:
        def made(self: ScanCases, number: int) -> Problem:
            if number == missing:
                raise InputError("it has no maps")
            return make(self, number)

        monkeypatch.setattr(ScanCases, "_problem", made)

    return without_slice


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_slice_that_can_not_be_made_stops_no_others(
    tmp_path: Path, whole: dict[str, Any], without: Callable[[int], None], number: int
) -> None:
    without(number)
    outcome = STUDY(CASES, tmp_path)
    assert outcome.failures == {number: "it has no maps"}
    found = contents(outcome)
    images = np.frombuffer(found["image"][1], np.complex64).reshape(3, *SHAPE)
    expected = np.frombuffer(whole["image"][1], np.complex64).reshape(3, *SHAPE)
    for k in range(3):
        np.testing.assert_array_equal(images[k], 0 * expected[k] if k == number else expected[k])
    assert STUDY(CASES, tmp_path) == replace(outcome, was_there=True)


@pytest.mark.parametrize("count", [2, 3])
def test_shards_tell_each_other_of_failures(tmp_path: Path, without: Callable[[int], None], count: int) -> None:
    """Also where there is nothing but the slice that fails to draw."""
    without(0)
    first, *_, last = (replace(STUDY, shard=Shard(index + 1, count))(CASES, tmp_path) for index in range(count))
    assert first.path is None
    assert first.failures == last.failures == {0: "it has no maps"}
    assert last.path is not None


def test_a_slice_that_failed_before_an_interrupt(
    tmp_path: Path, without: Callable[[int], None], interrupt: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is all that is left to draw, and stops nobody either."""
    without(0)
    study = replace(STUDY, image=None)
    whole = contents(study(CASES, tmp_path / "whole"))

    def interrupted(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("invdiff.reconstruction.study.gather", interrupted)
        with pytest.raises(KeyboardInterrupt):
            study(CASES, tmp_path / "out")
    interrupt(0)
    assert contents(study(CASES, tmp_path / "out")) == whole


def test_parts_that_fit_no_slice_are_refused(tmp_path: Path) -> None:
    one_channel = GaussianPrior(torch.zeros(1, *SHAPE), torch.ones(1, *SHAPE))
    settings = {"steps": "3", "signal": "two"}
    with pytest.raises(InputError, match="channel"):
        Study(one_channel, None, Recipe(find_method("dds"), settings))(CASES, tmp_path)
    assert not list(tmp_path.iterdir())


def test_any_number_of_slices_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An HDF5 attribute holds 64 KiB."""
    many = dict.fromkeys(range(8000), "a sentence of some length, as sentences about slices are. " * 3)
    path = tmp_path / "reconstruction.h5"
    monkeypatch.setattr("invdiff.reconstruction.study._settled", lambda store, stages: many)
    outcome = STUDY(CASES, tmp_path)
    assert outcome.failures == many
    with h5py.File(path) as file:
        decided = file.attrs["fingerprint"]
    assert failures_of(path, decided) == many


@pytest.mark.parametrize("content", ["of somebody else", "", None])
def test_a_result_that_is_not_whole_is_made_anew(tmp_path: Path, whole: dict[str, Any], content: str | None) -> None:
    path = tmp_path / "reconstruction.h5"
    if content is None:
        with h5py.File(path, "w") as file:
            file.attrs["fingerprint"] = [1.0, 2.0]
    else:
        path.write_text(content)
    assert contents(STUDY(CASES, tmp_path)) == whole


def test_units_that_are_a_file_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "units").write_text("of somebody else")
    with pytest.raises(InputError, match=r"The folder .*units can't be made"):
        STUDY(CASES, tmp_path)
    assert (tmp_path / "units").read_text() == "of somebody else"
    assert [path.name for path in tmp_path.iterdir()] == ["units"]


@pytest.mark.parametrize(("index", "count"), [(0, 4), (5, 4), (1, 0), (-1, 4)])
def test_parts_that_there_are_not(index: int, count: int) -> None:
    with pytest.raises(InputError, match=f"and not {index}/{count}"):
        Shard(index, count)


@given(st.integers(1, 20), st.integers(0, 40))
def test_every_position_is_in_one_part(count: int, position: int) -> None:
    assert [Shard(index, count).holds(position) for index in range(1, count + 1)].count(True) == 1


# Stores

KEYS = st.sampled_from(["a", "b"])
PUTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 3), KEYS), max_size=8)


@dataclass
class Forgetful(MemoryStore):
    """It does not tell keys apart."""

    def has(self, case: int, sample: int, key: str) -> bool:
        return super().has(case, sample, "")

    def put(self, unit: Unit, key: str, drawn: Drawn) -> None:
        super().put(unit, "", drawn)

    def get(self, case: int, sample: int, key: str) -> Any:
        return super().get(case, sample, "")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    parent = tmp_path_factory.mktemp("stores")
    return (parent / str(number) for number in range(10**6))


def check_store(store: Store, puts: list[tuple[int, int, int, str]]) -> None:
    """What is put in is there, the latest of each, as it was; nothing else is."""
    held: dict[tuple[int, int, str], Any] = {}
    for number, (case, first, count, key) in enumerate(puts):
        images = np.arange(count * 6).reshape(count, 2, 3) * (1 + 1j) + 100 * number
        unit = Unit(case, range(first, first + count))
        beside = {"scale": np.array(float(number)), "zero_filled": images[0] - 1}
        store.put(unit, key, Drawn(images, beside))
        held |= {(case, sample, key): (image, beside) for sample, image in zip(unit.samples, images, strict=True)}
    for case in range(3):
        for key in ("a", "b"):
            there = [sample for sample in range(7) if store.has(case, sample, key)]
            assert there == sorted(sample for found, sample, known in held if (found, known) == (case, key))
            if not there:
                continue
            images, beside, _ = samples_of(store, case, key, there)
            np.testing.assert_array_equal(images, [held[case, sample, key][0] for sample in there])
            expected = held[case, 0, key][1] if 0 in there else {}
            assert beside.keys() == expected.keys()
            for name, array in expected.items():
                np.testing.assert_array_equal(beside[name], array)


@given(PUTS)
def test_stores_give_back_what_is_put_in(folders: Iterator[Path], puts: list[tuple[int, int, int, str]]) -> None:
    check_store(MemoryStore(), puts)
    check_store(FolderStore(next(folders)), puts)


def test_a_store_that_mixes_keys_is_found() -> None:
    with pytest.raises(AssertionError):
        check_store(Forgetful(), [(0, 0, 1, "a")])


def test_failures_have_keys(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "units")
    store.fail(3, "a", "no maps")
    assert (store.failure(3, "a"), store.failure(3, "b"), store.failure(2, "a")) == ("no maps", None, None)
    assert store.is_empty
    store.put(Unit(0, range(1)), "a", Drawn(np.zeros((1, 2, 2))))
    assert not store.is_empty


def test_what_is_recalled_is_found_once(tmp_path: Path) -> None:
    found: list[int] = []

    def find() -> dict[str, Any]:
        found.append(len(found))
        return {"std": np.array(found[-1])}

    for key, expected in (("a", 0), ("a", 0), ("b", 1), ("a", 0)):
        assert FolderStore(tmp_path / "units").recall("noise", key, find)["std"] == expected
    assert found == [0, 1]


def test_a_sample_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="should hold a finished sample; remove it to have it drawn anew"):
        FolderStore(tmp_path).get(0, 0, "a")
