"""The course of a run: kept with its samples, whoever draws them, and written with the result."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import Bound, Iteration, LateStart, Posterior, Record, ResidualRecord, RunTrace
from invdiff.errors import InputError
from invdiff.methods import find_method
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Course, Recipe, Reconstruction, Study, scan_cases
from invdiff.reconstruction.course import PARTS
from invdiff.reconstruction.writers import WayOut

SHAPE = (4, 3)


def course(*shape: int, seed: int = 0) -> Course:
    """Of slices, samples and iterations; what comes before a late start is unknown."""
    rng = np.random.default_rng(seed)
    slices, samples, iterations = shape
    made = Course(
        *(rng.random(of, np.float32) for of in ((slices, iterations), (slices, samples, iterations), shape)),
    )
    for name in PARTS:
        getattr(made, name)[0, ..., : iterations // 2] = np.nan
    return made


def reconstruction(slices: int = 3, samples: int = 2, iterations: int = 5, seed: int = 0) -> Reconstruction:
    rng = np.random.default_rng(seed)
    drawn = (rng.standard_normal((slices, samples, *SHAPE)) + 1j).astype(np.complex64)
    courses = {"estimate": course(slices, 1, iterations), "samples": course(slices, samples, iterations + 1, seed=1)}
    told = {"method": "fast", "slice": np.arange(slices) + 7.0}
    return Reconstruction(drawn, drawn[:, 0], None, told, drawn[:, -1], courses=courses)


def same(one: Course, other: Course) -> bool:
    parts = [(getattr(one, name), getattr(other, name)) for name in PARTS]
    return all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True) for a, b in parts)


RUNS = st.tuples(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True), st.integers(1, 6), st.integers(0, 3))


@given(RUNS, st.data())
def test_a_trace_as_arrays(run: tuple[list[int], int, int], data: st.DataObject) -> None:
    """In whatever order samples run side by side; iterations that a late start passed over stand in front."""
    samples, count, passed = run
    together = [
        Iteration(sample, 1.0 / (k + 1), None if k == 0 else sample + k / 10, k + sample / 10)
        for k in range(count)
        for sample in data.draw(st.permutations(samples))
    ]
    found = Course.of(RunTrace([], together), samples, count + passed)
    assert found.sigma.shape == (count + passed,)
    assert np.isnan(found.sigma[:passed]).all()
    np.testing.assert_allclose(found.sigma[passed:], 1.0 / (1 + np.arange(count)), rtol=1e-6)
    for place, sample in enumerate(samples):
        assert np.isnan(found.change[place, : passed + 1]).all()
        np.testing.assert_allclose(found.residual[place, passed:], np.arange(count) + sample / 10, rtol=1e-6)
        assert same(
            Course.gathered([found.of_sample(place)]), Course.of(RunTrace([], together), [sample], len(found.sigma))
        )
    swapped = replace(found, change=found.residual, residual=found.change)
    assert not same(swapped, found)


@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, slices: int, samples: int, iterations: int
) -> None:
    made = reconstruction(slices, samples, iterations)
    path = tmp_path_factory.mktemp("result") / "reconstruction.h5"
    made.write(path)
    found = Reconstruction.read(path).courses
    assert list(found) == ["estimate", "samples"]
    assert all(same(found[name], made.courses[name]) for name in found)
    with h5py.File(path) as file:
        assert file["samples_residual"].shape == (slices, samples, iterations + 1)
        assert file["estimate_sigma"].shape == (slices, iterations)


@given(st.integers(1, 5), st.data())
def test_slices_are_those_of_the_whole(slices: int, data: st.DataObject) -> None:
    whole = reconstruction(slices)
    index = data.draw(st.integers(-slices, slices - 1))
    one = whole[index]
    np.testing.assert_array_equal(one.samples, whole.samples[index])
    np.testing.assert_array_equal(one.image, whole.image[index])
    assert one.numbers["slice"] == whole.attributes["slice"][index]
    cut = data.draw(st.slices(slices))
    places = range(slices)[cut]
    if not places:
        with pytest.raises(InputError, match="asked for none"):
            whole[cut]
        return
    part = whole[cut]
    assert len(part) == len(places)
    for left, place in zip(part, places, strict=True):
        right = whole[place]
        assert left.arrays.keys() == right.arrays.keys()
        assert all(np.array_equal(left.arrays[name], right.arrays[name], equal_nan=True) for name in right.arrays)


def test_a_slice_that_is_not_there() -> None:
    for index in (3, -4):
        with pytest.raises(InputError, match="slices 0 to 2"):
            reconstruction()[index]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("samples_residual", None),
        ("samples_change", np.ones((3, 2))),
        ("samples_change", np.ones(3)),
        ("samples_sigma", np.ones((2, 6))),
        ("samples_sigma", np.ones((3, 7))),
        ("estimate_residual", np.ones((3, 1, 5), int)),
        ("estimate_change", np.ones((3, 0, 5))),
    ],
)
def test_a_course_that_contradicts_the_result_is_refused(tmp_path: Path, name: str, value: object) -> None:
    reconstruction().write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value
    with pytest.raises(InputError, match=r"damaged"):
        Reconstruction.read(tmp_path / "a.h5")


def test_zarr_has_it_by_the_same_names(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    made = reconstruction()
    made.write(tmp_path / "a.h5")
    WayOut.named("zarr").export(tmp_path / "a.h5")
    group = zarr.open_group(tmp_path / "reconstruction.zarr", mode="r")
    np.testing.assert_array_equal(group["samples_residual"][:], made.courses["samples"].residual)
    np.testing.assert_array_equal(group["estimate_sigma"][:], made.courses["estimate"].sigma)


def test_a_result_without_a_course_has_none(tmp_path: Path) -> None:
    replace(reconstruction(), courses={}).write(tmp_path / "a.h5")
    assert Reconstruction.read(tmp_path / "a.h5").courses == {}


class Counting(GaussianPrior):
    """A prior that counts how often it is asked."""

    calls = 0

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        self.calls += len(x)
        return super().denoise(x, sigma)


SIDES = (16, 12)
PHANTOM = shepp_logan(SIDES)
SCAN = simulate(np.stack([PHANTOM, PHANTOM[::-1]]), coils=2, mask=equispaced(SIDES, 2, 4), noise_std=0.02)
CASES = scan_cases(SCAN, "sense")


def study() -> Study:
    prior = Counting(torch.zeros(2, *SIDES), 0.04 * torch.ones(2, *SIDES))
    image = Recipe(find_method("estimate"), {"steps": "3"})
    return Study(prior, image, Recipe(find_method("fast"), {"steps": "4"}, 2), held_back=0.0)


def test_a_study_keeps_what_the_runs_came_to(tmp_path: Path) -> None:
    one = study()
    written = one(CASES, tmp_path)
    assert written.path is not None
    found = Reconstruction.read(written.path)
    calls = one.prior.calls
    for name, recipe in (("estimate", one.image), ("samples", one.posterior)):
        assert recipe is not None
        drawing = recipe.stage(CASES, one.prior, 0, None).drawing
        for k, number in enumerate(CASES.full):
            bound = drawing.bound(number)
            trace = bound.draw(recipe.samples, case=number, record=ResidualRecord()).trace
            assert same(found[k].courses[name], Course.of(trace, range(recipe.samples), drawing.iterations))
    assert one.prior.calls == 2 * calls  # and no call more for it
    assert np.isfinite(found.courses["samples"].residual).all()
    assert np.isnan(found.courses["samples"].change[..., 0]).all()


def test_a_late_start_leaves_room_for_what_it_passes_over(tmp_path: Path) -> None:
    start = LateStart(time=0.5)
    late = replace(study(), image=None)
    assert late.posterior is not None
    outcome = replace(late, posterior=replace(late.posterior, start=start))(CASES, tmp_path)
    assert outcome.path is not None
    (course,) = Reconstruction.read(outcome.path).courses.values()
    begun = np.isfinite(course.sigma)
    assert course.sigma.shape == (2, late.posterior.stage(CASES, late.prior, 0, None).drawing.iterations)
    assert not begun[:, 0].any()
    assert begun[:, -1].all()
    np.testing.assert_array_equal(np.isfinite(course.residual), np.broadcast_to(begun[:, None], course.residual.shape))


def test_a_slice_of_which_nothing_came_has_an_unknown_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Bound.draw

    def failing(self: Bound, *args: Any, **kwargs: Any) -> Posterior:
        if kwargs["case"] == 0:
            raise InputError("it diverged")
        return draw(self, *args, **kwargs)

    monkeypatch.setattr(Bound, "draw", failing)
    outcome = study()(CASES, tmp_path)
    assert outcome.path is not None
    for course in Reconstruction.read(outcome.path).courses.values():
        assert np.isnan(course.residual[0]).all()
        assert np.isfinite(course.residual[1]).all()


def test_what_is_drawn_for_the_audit_records_no_residuals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[type[Record]] = []
    draw = Bound.draw

    def seen(self: Bound, *args: Any, record: Record, **kwargs: Any) -> Posterior:
        records.append(type(record))
        return draw(self, *args, record=record, **kwargs)

    monkeypatch.setattr(Bound, "draw", seen)
    replace(study(), held_back=0.1)(CASES, tmp_path)
    assert records == [ResidualRecord] * 6 + [Record] * 6
