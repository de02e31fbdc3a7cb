"""``invdiff solve`` of what tomographs, blurring optics, small detectors and single-pixel cameras measure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from invdiff.bridges import Blur, Enlarger, Instrument, SinglePixelCamera, Tomograph
from invdiff.data import shepp_logan
from invdiff.data.formats import read_recording
from invdiff.data.picture import Picture
from invdiff.data.recording import Recording
from invdiff.errors import InputError
from invdiff.reconstruction import Assumptions, find_inputs, find_kind
from invdiff.reconstruction.cases import instrument_cases

SIDE = 16
PHANTOM = np.abs(shepp_logan((SIDE, SIDE))).astype(np.float32)
INSTRUMENTS: dict[str, tuple[Instrument, list[str]]] = {
    "ct": (Tomograph(9), ["--views", "9"]),
    "blur": (Blur(1.0), ["--blur-std", "1.0"]),
    "super-resolution": (Enlarger(2), ["--factor", "2"]),
    "single-pixel": (SinglePixelCamera(100), ["--patterns", "100"]),
}
every = pytest.mark.parametrize("operator", INSTRUMENTS)
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    np.save(folder / "picture.npy", PHANTOM)
    np.save(folder / "complex.npy", PHANTOM * np.exp(0.5j))
    np.save(folder / "oblong.npy", PHANTOM[:, :12])
    np.savez(folder / "holes.npz", image=PHANTOM, mask=PHANTOM > 0.1)
    y = np.stack([PHANTOM, 0 * PHANTOM])
    np.savez(folder / "level.npz", measurement=y, ground_truth=np.stack([PHANTOM] * 2))
    np.savez(folder / "shape.npz", measurement=y, noise_std=0.01)
    np.savez(folder / "huge.npz", measurement=y, noise_std=0.01, image_shape=[2**40, 2**40])
    np.savez(folder / "half.npz", measurement=y, noise_std=0.01, image_shape=[16.5, 16])
    np.savez(folder / "other.npz", measurement=y[..., 1:], noise_std=0.01, image_shape=[16, 16])
    np.savez(folder / "nan.npz", measurement=y * np.nan, noise_std=0.01, image_shape=[16, 16])
    np.savez(folder / "parts.npz", measurement=y + 1j, noise_std=0.01, image_shape=[16, 16])
    return folder


def solved(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / "reconstruction.h5") as file:
        return {name: value[()] for name, value in file.items() if isinstance(value, h5py.Dataset)}


@every
def test_a_picture_is_measured_and_reconstructed(
    operator: str, inputs: Path, folder: Path, tmp_path: Path, invdiff: Run
) -> None:
    instrument, options = INSTRUMENTS[operator]
    ran = invdiff(
        "solve", inputs / "picture.npy", "--operator", operator, *options, "--prior", folder / "prior.safetensors",
        "--set", "steps=2", "--samples", 0, "--out", tmp_path, "--threads", 1, "--seed", 3,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert find_kind(operator).begins_as in ran.out
    found = solved(tmp_path)
    np.testing.assert_array_equal(found["ground_truth"][0], PHANTOM)
    assert not found["image"].imag.any()
    assert (tmp_path / "panel.png").exists()
    cases = instrument_cases(Picture(PHANTOM[None]), operator, instrument, seed=3)
    np.testing.assert_array_equal(found["zero_filled"][0], cases.zero_filled_of(0))


@every
def test_the_noise_is_as_asked_and_by_the_seed(operator: str) -> None:
    instrument, _ = INSTRUMENTS[operator]
    picture = Picture(np.stack([PHANTOM, 0 * PHANTOM, PHANTOM]))
    clean = instrument_cases(picture, operator, instrument, noise_std=0.0).recording.measurement
    cases = instrument_cases(picture, operator, instrument, noise_std=0.1, seed=1)
    noise = cases.recording.measurement - clean
    assert noise[[0, 2]].std() == pytest.approx(0.1, rel=0.2)
    assert not np.allclose(noise[0], noise[2])
    assert cases.empty == {1}
    assert cases.noise_std == pytest.approx(0.1)
    again, other = (instrument_cases(picture, operator, instrument, noise_std=0.1, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(again.recording.measurement, cases.recording.measurement)
    assert not np.allclose(other.recording.measurement, cases.recording.measurement)
    assert cases.fingerprint(0) == again.fingerprint(0) != other.fingerprint(0)
    usual = instrument_cases(picture, operator, instrument)
    assert usual.noise_std == pytest.approx(0.01 * np.abs(clean).max())


@every
@pytest.mark.parametrize("suffix", [".h5", ".npz"])
def test_a_stored_measurement_is_the_same_problem(operator: str, suffix: str, tmp_path: Path) -> None:
    instrument, _ = INSTRUMENTS[operator]
    made = instrument_cases(Picture(np.stack([PHANTOM, PHANTOM[::-1]])), operator, instrument)
    arrays = {
        "measurement": made.recording.measurement, "noise_std": made.noise_std, "image_shape": np.array([SIDE, SIDE])
    }  # fmt: skip
    path = tmp_path / f"stored{suffix}"
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            file.update(arrays)
    (one,) = find_inputs([path], find_kind(operator), assumed=Assumptions(instrument=instrument))
    cases = one.read().cases()
    assert not cases.has_ground_truth
    for number in (0, 1):
        problem, expected = cases.problem(number), made.problem(number)
        np.testing.assert_array_equal(problem.y.numpy(), expected.y.numpy())
        assert problem.noise_std == pytest.approx(expected.noise_std)
        np.testing.assert_array_equal(cases.zero_filled_of(number), made.zero_filled_of(number))


def test_settings_decide_what_is_measured() -> None:
    kind = find_kind("ct")
    digests = {
        find_inputs([], kind, assumed=Assumptions(instrument=instrument, seed=seed))[0].read().digest
        for instrument in (None, Tomograph(5), Tomograph(6)) for seed in (0, 1)
    }  # fmt: skip
    assert len(digests) == 6


@pytest.mark.parametrize(
    ("name", "operator", "options", "words"),
    [
        ("picture.npy", "ct", ["--blur-std", "1"], "--blur-std is for --operator blur, not ct"),
        ("picture.npy", "denoise", ["--views", "3"], "--views is for --operator ct, not denoise"),
        ("picture.npy", "ct", ["--views", "0"], "--views is 0"),
        ("picture.npy", "blur", ["--blur-std", "9"], "wider than images of 16 x 16"),
        ("picture.npy", "super-resolution", ["--factor", "5"], "no smaller ones by --factor 5"),
        ("picture.npy", "single-pixel", ["--patterns", "1000"], "--patterns is 1000"),
        ("picture.npy", "ct", ["--noise-std", "-1"], "noise_std is -1"),
        ("oblong.npy", "ct", [], "square images, but these are 16 x 12"),
        ("complex.npy", "ct", [], "is complex, but these instruments measure real images; give its magnitude"),
        ("holes.npz", "ct", [], "has unknown pixels"),
        ("level.npz", "blur", ["--blur-std", "1"], "has no noise_std; give it in the file, or by --noise-std"),
        ("shape.npz", "blur", [], "holds a measurement but not of what; store ground_truth, or image_shape"),
        ("huge.npz", "single-pixel", [], "too little to tell an image"),
        ("half.npz", "blur", [], "two whole numbers, height and width"),
        ("other.npz", "blur", ["--blur-std", "1"], "has shape (2, 16, 15), but Blur(std=1.0) makes (slices, 16, 16)"),
        ("nan.npz", "blur", [], "measurement holds NaN or infinity"),
        ("parts.npz", "blur", [], "measurement is complex"),
        ("missing.npz", "ct", [], "does not exist"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(
    name: str, operator: str, options: list[str], words: str, inputs: Path, folder: Path, tmp_path: Path, invdiff: Run
) -> None:
    ran = invdiff(
        "solve", inputs / name, "--operator", operator, *options, "--prior", folder / "prior.safetensors",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert ran.code == 2
    assert words in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert not (tmp_path / "out" / "reconstruction.h5").exists()


def test_a_file_without_a_measurement_is_a_picture(inputs: Path) -> None:
    assert isinstance(read_recording(inputs / "picture.npy"), Picture)
    assert isinstance(read_recording(inputs / "holes.npz"), Picture)
    assert isinstance(read_recording(inputs / "level.npz"), Recording)


@pytest.mark.parametrize("bad", [{"image_shape": (0, 4)}, {"ground_truth": np.ones((1, 4, 5))}, {"noise_std": np.inf}])
def test_recordings_that_do_not_fit_together_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Recording(**{"measurement": np.ones((1, 5)), "image_shape": (4, 4), **bad})
