import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from invdiff.data import Condition, Scan, birdcage_maps, shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced
from invdiff.errors import InputError
from invdiff.reconstruction import KINDS, Assumptions, Input, find_inputs, find_kind, sample_cases

SHAPE = (20, 16)
MASK = equispaced(SHAPE, 2, 6)
SCAN = simulate(shepp_logan(SHAPE), coils=2, mask=MASK, noise_std=0.02)
SENSE = find_kind("sense")


def test_files_and_folders(tmp_path: Path) -> None:
    for name in ("b.h5", "a.h5", ".hidden.h5"):
        write_scan(SCAN, tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a scan")
    (tmp_path / "empty").mkdir()
    found = find_inputs([tmp_path, tmp_path / "b.h5"], SENSE, assumed=Assumptions(noise_std=0.5))
    assert [one.path for one in found] == [tmp_path / name for name in ("a.h5", "b.h5", "b.h5")]
    assert found[0].read().cases().measured.noise_std == 0.5
    with pytest.raises(InputError, match=r"empty holds no \.h5"):
        find_inputs([tmp_path / "empty"], SENSE)
    with pytest.raises(InputError, match="does not exist"):
        find_inputs([tmp_path / "nowhere.h5"], SENSE)[0].read()


def test_undersampling_is_of_files_alone(tmp_path: Path) -> None:
    write_scan(SCAN, tmp_path / "a.h5")
    condition = Condition("random", 4, 0.3)
    (one,) = find_inputs([tmp_path / "a.h5"], SENSE, condition=condition)
    np.testing.assert_array_equal(one.read().sampled, MASK & condition.draw(SHAPE))
    with pytest.raises(InputError, match="comes undersampled"):
        find_inputs([], SENSE, condition=condition)


@pytest.mark.parametrize("name", KINDS)
def test_what_ships_is_read_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the problem that `sample_cases` gives, and nothing of a scan is estimated yet."""
    monkeypatch.setattr(  # to be fast
        "invdiff.reconstruction.sample.estimate_maps", lambda scan: birdcage_maps(scan.coils, (128, 128))[None]
    )
    measurement = Input(find_kind(name), seed=1).read()
    if isinstance(measurement.measured, Scan):
        assert measurement.measured.noise_std is None
        assert measurement.measured.coils == 1 or measurement.measured.maps is None
    for ours, theirs in zip(measurement.cases(), sample_cases(name, 1), strict=True):
        np.testing.assert_array_equal(ours.y.numpy(), theirs.y.numpy())
        assert ours.noise_std == theirs.noise_std


@pytest.mark.parametrize("name", KINDS)
def test_kinds_travel_to_other_processes(name: str) -> None:
    there = pickle.loads(pickle.dumps(find_kind(name)))
    assert (there.name, there.suffixes, there.is_sampled) == (name, KINDS[name].suffixes, KINDS[name].is_sampled)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(replace(there, cases=lambda measured, mask, assumed: None))
