import warnings
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from invdiff.cli.simulate import simulate as command
from invdiff.data import (
    read_image,
    read_scan,
    shepp_logan,
    simulate,
    smooth_phase,
    to_image,
    to_kspace,
)
from invdiff.data.masks import random_lines
from invdiff.data.memory import check_memory
from invdiff.errors import InputError
from invdiff.operators import sense

IMAGE = np.abs(shepp_logan((32, 24))) * 200


def test_measurement_is_the_operator_and_noise() -> None:
    mask = random_lines((32, 24), 2, 0.2)
    scan = simulate(np.stack([IMAGE, IMAGE[::-1]]), coils=6, mask=mask, noise_std=0.03, seed=4)
    noise = []
    for y, maps, x in zip(scan.kspace, scan.maps, scan.ground_truth, strict=True):
        A = sense(torch.from_numpy(mask), torch.tensor(maps))
        noise.append(y[:, mask] - A(torch.tensor(x)).numpy())
    parts = np.stack([np.real(noise), np.imag(noise)]).ravel()
    assert parts.std() == pytest.approx(0.03, rel=0.03)
    assert abs(parts.mean()) < 4 * 0.03 / np.sqrt(parts.size)
    correlation = np.corrcoef(np.real(noise).ravel(), np.imag(noise).ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(parts.size / 2)
    assert (scan.kspace[..., ~mask] == 0).all()
    np.testing.assert_allclose((np.abs(scan.maps) ** 2).sum(axis=1), 1, rtol=1e-5)


def test_units_and_phase() -> None:
    scan = simulate(IMAGE)
    assert np.abs(scan.ground_truth).max() == pytest.approx(1)
    np.testing.assert_allclose(np.abs(scan.ground_truth[0]), IMAGE / IMAGE.max(), atol=1e-6)
    assert np.abs(scan.ground_truth.imag).max() > 0.1
    assert (simulate(IMAGE, phase="none").ground_truth.imag == 0).all()
    own = (IMAGE * np.exp(0.3j)).astype(np.complex64)
    np.testing.assert_array_equal(simulate(own).ground_truth[0], own)


def test_seeds_and_slices() -> None:
    volume = np.stack([IMAGE, IMAGE])
    a, b = simulate(volume, noise_std=1, seed=1), simulate(volume, noise_std=1, seed=1)
    np.testing.assert_array_equal(a.kspace, b.kspace)
    assert (a.kspace[0] != a.kspace[1]).all()  # noise of its own for every slice
    assert (a.kspace != simulate(volume, noise_std=1, seed=2).kspace).all()


def test_phase_is_smooth_and_bounded() -> None:
    phase = smooth_phase((40, 60), seed=3, strength=1.0)
    assert np.abs(phase).max() == pytest.approx(1)
    assert max(np.abs(np.diff(phase, axis=axis)).max() for axis in (0, 1)) < 0.3


@pytest.mark.parametrize("shape", [(6, 8), (5, 7), (5, 8)])
def test_fourier_convention(shape: tuple[int, int]) -> None:
    k = np.zeros(shape, np.complex64)
    k[shape[0] // 2, shape[1] // 2] = 1
    np.testing.assert_allclose(to_image(k), 1 / np.sqrt(k.size), atol=1e-6)
    image = np.random.default_rng(0).standard_normal(shape).astype(np.complex64)
    np.testing.assert_allclose(to_image(to_kspace(image)), image, atol=1e-5)
    assert to_kspace(image).dtype == np.complex64
    assert np.linalg.norm(to_kspace(image)) == pytest.approx(np.linalg.norm(image), rel=1e-5)


def test_read_image(tmp_path: Path) -> None:
    volume = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "v.nii.gz")
    np.testing.assert_array_equal(read_image(tmp_path / "v.nii.gz", [1, -1]), volume.transpose(2, 0, 1)[[1, 3]])
    np.save(tmp_path / "c.npy", volume[0] * 1j)
    np.testing.assert_array_equal(read_image(tmp_path / "c.npy"), volume[:1] * 1j)
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(grey).save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_image(tmp_path / "p.png")[0], grey)
    deep = 1000 * grey.astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png")[0], deep)


def test_room_is_of_no_concern_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> int:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr("os.sysconf", unknown)
    check_memory("A scan", 2**80)
    monkeypatch.delattr("os.sysconf")
    check_memory("A scan", 2**80)


@given(place=st.integers(0, 400), bit=st.integers(0, 7), kind=st.sampled_from([".nii", ".nii.gz", ".npy", ".png"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_flipped_bit_is_an_image_or_a_sentence(tmp_path: Path, place: int, bit: int, kind: str) -> None:
    path = tmp_path / f"image{kind}"
    match kind:
        case ".npy":
            np.save(path, IMAGE)
        case ".png":
            Image.fromarray(IMAGE.astype(np.uint8)).save(path)
        case _:
            nibabel.save(nibabel.Nifti1Image(IMAGE[:, :, None].astype(np.float32), np.eye(4)), path)
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    said = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert read_image(path).ndim == 3
        except InputError as error:
            said = str(error)
    assert "\n" not in said


def test_a_picture_is_read_as_what_it_is_named(tmp_path: Path) -> None:
    """Pillow goes by content, and would hand PostScript to a program that runs it."""
    (tmp_path / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(InputError, match=r"can't be read as an image: .*cannot identify"):
        read_image(tmp_path / "x.png")
    with pytest.raises(InputError, match="does not exist"):
        read_image(tmp_path / f"{'9' * 400}.png")


def test_files_that_are_no_image(tmp_path: Path) -> None:
    for name in ("bad.npy", "bad.png", "bad.nii", "bad.txt"):
        (tmp_path / name).write_text("nothing")
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object))
    np.save(tmp_path / "line.npy", np.ones(4))
    np.save(tmp_path / "one.npy", np.ones((1, 4, 4)))
    for name, words in {
        "none.npy": "does not exist",
        "bad.npy": "can't be read",
        "bad.png": "can't be read",
        "bad.nii": "can't be read",
        "bad.txt": "suffix '.txt'",
        "pickle.npy": "can't be read",
        "line.npy": r"float64 of shape \(4,\)",
    }.items():
        with pytest.raises(InputError, match=words):
            read_image(tmp_path / name)
    with pytest.raises(InputError, match="slices 0 to 0"):
        read_image(tmp_path / "one.npy", [1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": np.zeros((4, 4))}, "nothing but zeros"),
        ({"image": np.full((4, 4), np.nan)}, "NaN"),
        ({"image": np.ones(4)}, r"not \(4,\)"),
        ({"noise_std": -1}, "noise level"),
        ({"coils": 0}, "at least one coil"),
        ({"coils": 10_000_000}, r"1 slice.s. of 32 x 24 by 10,000,000 coils would take 171 GiB .* has 16 GiB"),
        ({"coils": 10**400}, "would take"),
        ({"phase": "wild"}, "no phase 'wild'"),
        ({"mask": np.ones(3)}, "mask has shape"),
    ],
)
def test_scans_that_can_not_be_made(change: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": 2**22, "SC_PAGE_SIZE": 2**12}.get)
    with pytest.raises(InputError, match=words):
        simulate(**{"image": IMAGE, **change})


def test_command(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    np.save(tmp_path / "image.npy", np.stack([IMAGE] * 3))
    source, out = str(tmp_path / "image.npy"), tmp_path / "scan.h5"
    options = ["--coils", "4", "--acceleration", "3", "--slice", "0", "--slice", "2", "--noise-std", "0.01"]
    result = CliRunner().invoke(app, [source, "--out", str(out), *options])
    assert result.exit_code == 0, result.output
    assert "achieved acceleration 3.00" in result.output
    scan = read_scan(out)
    assert scan.kspace.shape == (2, 4, 32, 24)
    assert scan.noise_std == pytest.approx(0.01)
    assert scan.mask[0].sum() == 8
    result = CliRunner().invoke(app, [source, "--out", str(out), "--mask", "spiral"])
    assert isinstance(result.exception, InputError)
    assert "there are equispaced" in str(result.exception)
