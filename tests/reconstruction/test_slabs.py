"""Files reconstructed slab by slab: as one volume is, in memory that does not depend on how many slices there are."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.data import Picture, Scan, shepp_logan, simulate
from invdiff.data.masks import equispaced
from invdiff.diffusion import Bound
from invdiff.errors import InputError
from invdiff.methods import find_method
from invdiff.priors import Prior
from invdiff.reconstruction import (
    MemoryStore,
    Recipe,
    Shard,
    Slabs,
    Study,
    draw,
    picture_cases,
    reconstruct,
    scan_cases,
    stage,
    stage_of,
)
from invdiff.reconstruction.audit import HeldCases
from invdiff.reconstruction.slabs import MARGIN, THICKNESS
from invdiff.reconstruction.stage import SlabStage

SHAPE, COUNT = (16, 12), 7
MASK = equispaced(SHAPE, 2, 4)


@dataclass(eq=False)
class SmoothRows(Prior):
    """Images whose pixels are alike along both axes: filtered, the more the noisier."""

    channels = (1, 2)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        bent = sum(2 * x - x.roll(1, axis) - x.roll(-1, axis) for axis in (-2, -1))
        return x - sigma**2 / (0.1 + sigma**2) / 8 * bent


@dataclass(eq=False)
class Watched(SmoothRows):
    """It remembers what it was shown."""

    shown: list[tuple[int, ...]] = field(default_factory=list)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        self.shown.append(tuple(x.shape))
        return super().denoise(x, sigma)


def scan_of(count: int) -> Scan:
    """A phantom that fades along z."""
    fading = np.linspace(1, 0.5, count)[:, None, None]
    return simulate(fading * shepp_logan(SHAPE), coils=2, mask=MASK, noise_std=0.02)


def turned(scan: Scan) -> Scan:
    """Its maps as chance has them: each slice's of another phase, as a whole."""
    phases = np.exp(2j * np.arange(scan.slices))[:, None, None, None].astype(np.complex64)
    assert scan.maps is not None
    return replace(scan, maps=scan.maps * phases)


CASES = scan_cases(scan_of(COUNT), "sense")
PLANES = {"steps": "6", "signal": "alternating-planes(two)"}
ALONG_Z = {"steps": "6", "signal": "alternating-planes(two, (-3))"}
IMAGE, SAMPLES = Recipe(find_method("estimate"), PLANES), Recipe(find_method("fast"), {"steps": "3"}, 2)
STUDY = Study(SmoothRows(), IMAGE, SAMPLES)


@dataclass(frozen=True, eq=False)
class Thin(Slabs):
    """Slabs of three slices, and one more on each side, so that small files have several."""

    thickness: int = 3
    margin: int = 1


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "Slabs", Thin)


def contents(path: Path | None) -> dict[str, Any]:
    assert path is not None
    with h5py.File(path) as file:
        said = {name: str(value) for name, value in file.attrs.items()}
        return {**{name: (file[name].shape, file[name][()].tobytes()) for name in file}, **said}


# Which slices make a slab


class Numbered:
    """Slices that are told apart by their numbers."""

    def __init__(self, full: Sequence[int]) -> None:
        self.full = full

    def fingerprint(self, number: int) -> str:
        return str(number)


def check_slabs(made: Slabs) -> None:
    """Each slice is in one slab, slabs are no thicker than said and nearly alike, and what is seen with one has the
    margins that there are."""
    full, thickness = set(made.slices.full), made.thickness
    assert [number for slab in made.slabs.values() for number in slab] == sorted(full)
    assert list(made.full) == [slab.start for slab in made.slabs.values()]
    for number, slab in made.slabs.items():
        assert all(made.holding(each) == number for each in slab)
        assert 1 <= len(slab) <= thickness
        seen = set(made._seen(number))
        assert seen <= full
        for beyond in range(1, made.margin + 1):
            for end, each in ((slab[0], slab[0] - beyond), (slab[-1], slab[-1] + beyond)):
                assert (each in seen) == full.issuperset(range(min(end, each), max(end, each) + 1))
        assert len(seen) <= len(slab) + 2 * made.margin
    for one, other in pairwise(made.slabs.values()):
        if one.stop == other.start:
            assert abs(len(one) - len(other)) <= 1


@given(
    full=st.sets(st.integers(0, 60), min_size=1).map(sorted),
    thickness=st.integers(1, 9),
    margin=st.integers(0, 4),
)
def test_every_slice_is_in_one_slab(full: list[int], thickness: int, margin: int) -> None:
    check_slabs(Slabs(Numbered(full), thickness, margin))  # type: ignore[arg-type] # no more is asked of them


class Ragged(Slabs):
    """The last slab has what is left."""

    @property
    def slabs(self) -> dict[int, range]:  # type: ignore[override]
        run = range(self.slices.full[0], self.slices.full[-1] + 1)
        return {k: run[k - run[0] :][: self.thickness] for k in run[:: self.thickness]}


class OneSided(Slabs):
    """No margin behind."""

    def _seen(self, number: int) -> range:
        seen = super()._seen(number)
        return range(seen.start, self.slabs[number].stop)


@pytest.mark.parametrize("broken", [Ragged, OneSided])
def test_other_slabs_are_noticed(broken: type[Slabs]) -> None:
    with pytest.raises(AssertionError):
        check_slabs(broken(Numbered(range(10)), 4, 2))  # type: ignore[arg-type]


def test_a_slab_is_another_when_a_slice_that_is_seen_with_it_is() -> None:
    def keys(numbers: Sequence[int]) -> list[str]:
        made = Thin(Numbered(numbers))  # type: ignore[arg-type]
        return [made.fingerprint(number) for number in made.full]

    assert keys(range(6)) == keys(range(6))
    assert len(set(keys(range(6)))) == 2
    longer = keys(range(9))
    assert longer[0] == keys(range(6))[0]  # which sees one more slice, and that is there
    assert longer[1] != keys(range(6))[1]


# What comes of them


def check_slices_are_as_one_by_one(scan: Scan) -> None:
    """Shown across z alone by a prior that takes each slice by itself, slices of a slab are what they are alone, in
    phase with their own coil maps."""
    cases = scan_cases(scan, "sense")
    found = []
    for settings in ({"steps": "6", "signal": "two"}, ALONG_Z):
        sampler = find_method("estimate").with_settings({**settings, "tolerance": "1e-6"})
        found.append(reconstruct(cases, sampler, SmoothRows(), samples=1))
    alone, planes = found
    np.testing.assert_allclose(planes.samples, alone.samples, atol=1e-4)
    np.testing.assert_array_equal(planes.zero_filled, alone.zero_filled)
    np.testing.assert_array_equal(planes.ground_truth, alone.ground_truth)


@pytest.mark.usefixtures("thin")
def test_slices_come_out_in_their_places_and_phases() -> None:
    check_slices_are_as_one_by_one(turned(scan_of(COUNT)))


def test_other_places_and_phases_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unturned(Thin):
        def one_image(self, images: Any, number: int) -> Any:
            super().one_image(images, number)
            self._turns[number] = None
            return super().one_image(images, number)

    class Shifted(Thin):
        def one_image(self, images: Any, number: int) -> Any:
            return np.roll(super().one_image(images, number), 1, axis=1)

    for broken in (Unturned, Shifted):
        monkeypatch.setattr(stage, "Slabs", broken)
        with pytest.raises(AssertionError):
            check_slices_are_as_one_by_one(turned(scan_of(COUNT)))


@pytest.mark.usefixtures("thin")
def test_whatever_is_measured_of_slices_can_be_a_volume() -> None:
    """Also along every axis: single coils and pictures."""
    single = replace(simulate(np.stack([shepp_logan(SHAPE)] * 4), coils=1, mask=MASK, noise_std=0.02), maps=None)
    noisy = Picture(np.stack([shepp_logan(SHAPE)] * 4), noise_std=0.05)
    for cases, inner in ((scan_cases(single, "fourier"), "two"), (picture_cases(noisy, "denoise"), "real")):
        settings = {"steps": "3", "signal": f"alternating-planes({inner})"}
        sampler = find_method("estimate").with_settings(settings, is_complex=cases.is_complex)
        made = reconstruct(cases, sampler, SmoothRows(), samples=1)
        assert made.samples.shape == (4, 1, *SHAPE)
        assert np.isfinite(made.samples).all()


# What a study makes of them


@pytest.mark.usefixtures("thin")
def test_shards_together_are_the_whole(tmp_path: Path) -> None:
    whole = contents(STUDY(CASES, tmp_path / "whole").path)
    assert whole["estimate"][0] == (COUNT, *SHAPE)
    for count in (2, 4):
        outcomes = [
            replace(STUDY, shard=Shard(index, count))(CASES, tmp_path / str(count)) for index in range(1, count + 1)
        ]
        (last,) = [outcome for outcome in outcomes if outcome.path is not None]
        assert contents(last.path) == whole


@pytest.mark.usefixtures("thin")
def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = contents(STUDY(CASES, tmp_path / "whole").path)
    bound_draw, left = Bound.draw, [2]

    def interrupted(self: Bound, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return bound_draw(self, *args, **kwargs)

    monkeypatch.setattr(Bound, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        STUDY(CASES, tmp_path)
    left[0] = 3 + COUNT * 2 + 3 + COUNT * 2 - 2  # slabs and samples, and both of what the audit shows
    assert contents(STUDY(CASES, tmp_path).path) == whole


@pytest.mark.usefixtures("thin")
def test_the_audit_looks_at_neighbours(tmp_path: Path) -> None:
    cases = scan_cases(scan_of(14), "sense")
    held = HeldCases.of(cases, 0.3, 0)
    assert list(held.neighbouring.full) == [*range(3, 11)]
    few = HeldCases.of(cases.of([1, 2, 5, 6, 7, 9]), 0.3, 0)
    assert list(few.neighbouring.full) == [5, 6, 7]
    steps = replace(STUDY, held_back=0.3)._steps(cases)
    judged = [step.stage for step in steps if step.judges]
    assert [isinstance(each, SlabStage) for each in judged] == [True, False]
    assert [number for slab in judged[0].drawing.problems.full for number in judged[0].slices(slab)] == [*range(3, 11)]
    assert list(judged[1].drawing.problems.full) == [*range(3, 11)]


@pytest.mark.usefixtures("thin")
def test_a_slab_that_fails_is_told_slice_by_slice(tmp_path: Path) -> None:
    """One without neighbours, beside others."""
    cases = CASES.of([0, 1, 2, 6])
    outcome = replace(STUDY, posterior=None)(cases, tmp_path)
    assert list(outcome.failures) == [6]
    assert "Slice 6 has no neighbour" in outcome.failures[6]
    assert outcome.path is not None
    with h5py.File(outcome.path) as file:
        assert json.loads(file.attrs["failed"]) == {outcome.failures[6]: [6]}
        assert file["estimate"][:3].any(axis=(1, 2)).all()
        assert not file["estimate"][3].any()
    diverging = replace(STUDY, posterior=None, prior=NotANumber())
    with pytest.raises(InputError):
        diverging(CASES, tmp_path / "all")


@dataclass(eq=False)
class NotANumber(Prior):
    """What every run diverges with."""

    channels = (1, 2)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x * float("nan")


# Memory


def check_memory_is_bounded(count: int) -> None:
    """The state, the data and what the network is shown are of a slab and its margins, whatever the file's length."""
    prior, cases = Watched(), scan_cases(scan_of(count), "sense")
    drawing = stage_of(cases, find_method("estimate").with_settings({**PLANES, "steps": "3"}), prior, 1).drawing
    most = THICKNESS + 2 * MARGIN
    for number in drawing.problems.full:
        problem = drawing.bound(number).problem
        assert problem.operator.domain_shape[0] <= most
        assert problem.y.numel() <= most * 2 * int(MASK.sum())
    assert not draw(drawing, MemoryStore(), 1)
    assert most >= max(shape[-2] for shape in prior.shown) > max(SHAPE)


@pytest.mark.parametrize("count", [36, 75])
def test_memory_is_that_of_a_slab_however_many_slices_there_are(count: int) -> None:
    check_memory_is_bounded(count)


def test_a_volume_as_a_whole_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, eq=False)
    class Whole(Slabs):
        thickness: int = 1000

    monkeypatch.setattr(stage, "Slabs", Whole)
    with pytest.raises(AssertionError):
        check_memory_is_bounded(75)
