"""Coils, slices and space are told by the numbers of k-space, or nothing is."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from invdiff.data import simulate, to_kspace
from invdiff.data.axis_order import alike_as_coils, spread, told_axes
from invdiff.data.masks import equispaced, uniform_points
from invdiff.errors import InputError

MEASURED = [
    "brain_librehub_8ch", "brain_pulseq_16ch", "brain_pulseq_bodycoil_2ch", "brain_sigpy_8ch_poisson",
    "phantom_gre_2ch_os2", "phantom_pulseq_16ch", "phantom_pulseq_se_32ch",
]  # fmt: skip
SINGLE = [
    "ulf_brain_flair_6A", "ulf_brain_fse_6A", "ulf_brain_fse_7A", "ulf_brain_gre_6A", "ulf_brain_gre_7A",
    *(f"ulf_brain_flair_{kind}_rep{n}" for kind in ("A_norfcage", "A_rfcage", "B_rfcage") for n in (1, 2)),
]  # fmt: skip


def measured(folder: Path, name: str) -> np.ndarray:
    with h5py.File(folder / "kspace" / f"{name}.h5") as file:
        return file["kspace"][()]


def heads(seed: int, slices: int = 8, shape: tuple[int, int] = (72, 60)) -> np.ndarray:
    """Images of ellipses that differ from slice to slice within one outline."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    images = []
    for _ in range(slices):
        image = (np.hypot(y / 0.85, x / 0.7) < 1) * 0.5
        for _ in range(12):
            cy, cx, ry, rx = *rng.uniform(-0.5, 0.5, 2), *rng.uniform(0.04, 0.3, 2)
            image = image + rng.uniform(-0.3, 0.5) * (np.hypot((y - cy) / ry, (x - cx) / rx) < 1)
        images.append(image)
    return np.array(images)


def coils_of(image: np.ndarray, coils: int = 8, mask: np.ndarray | None = None) -> np.ndarray:
    return simulate(image[None], coils=coils, mask=mask, noise_std=0.004).kspace[0]


def slices_of(images: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    return simulate(images, coils=1, mask=mask, noise_std=0.01).kspace[:, 0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("coils", [2, 4, 8, 16])
def test_coils_of_a_slice_and_slices_of_a_coil(seed: int, coils: int) -> None:
    images = heads(seed, coils)
    for mask in (None, equispaced((72, 60), 3, 20)):
        assert str(told_axes(coils_of(images[0], coils, mask), "k")) == "coil,y,x"
        assert str(told_axes(slices_of(images, mask), "k")) == "slice,y,x"


def test_one_without_the_other_is_no_measure() -> None:
    """Neighbouring slices explain each other as well as coils do, but a factor does so, too."""
    base = heads(0, 1)[0]
    alike = np.stack([base + 0.1 * other for other in heads(1, 4)])
    found = alike_as_coils(slices_of(alike))
    assert found is not None
    assert found < 0.25


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ((0, 1, 2, 3), "slice,coil,y,x"), ((1, 0, 2, 3), "coil,slice,y,x"), ((0, 2, 3, 1), "slice,y,x,coil"),
        ((2, 3, 1, 0), "y,x,coil,slice"), ((2, 1, 3, 0), "y,coil,x,slice"), ((2, 3, 0, 1), "y,x,slice,coil"),
    ],
)  # fmt: skip
def test_orders_of_four_axes(order: tuple[int, ...], names: str) -> None:
    kspace = np.stack([coils_of(image, 6) for image in heads(3, 5)])
    assert str(told_axes(kspace.transpose(order), "k")) == names


def test_pairs_and_interleaved_parts() -> None:
    kspace = np.stack([coils_of(image, 6) for image in heads(3, 5)])
    parts = [kspace.real, kspace.imag]
    assert str(told_axes(np.stack(parts, -1), "k")) == "slice,coil,y,x,part"
    assert str(told_axes(np.stack(parts, 0), "k")) == "part,slice,coil,y,x"
    interleaved = np.moveaxis(np.stack(parts, 2).reshape(5, 12, 72, 60), 1, -1)
    assert str(told_axes(interleaved, "k")) == "slice,y,x,coil*part"
    with pytest.raises(InputError, match="not complex numbers"):
        told_axes(kspace.real, "k")


def test_no_more_is_read_than_is_asked_for() -> None:
    class Counted:
        def __init__(self, array: np.ndarray) -> None:
            self.array, self.read, self.shape, self.dtype = array, 0, array.shape, array.dtype

        def __getitem__(self, key: object) -> np.ndarray:
            found = self.array[key]
            self.read += found.size
            return found

    stored = Counted(np.repeat(np.stack([coils_of(heads(0, 1, (72, 80))[0], 3)]), 40, axis=0))
    assert str(told_axes(stored, "k")) == "slice,coil,y,x"
    assert stored.read == stored.array.size // 5


def test_what_tells_nothing_is_refused() -> None:
    images = heads(0)
    unsampled = uniform_points((72, 60), 4, 0.0)
    for kspace in (coils_of(images[0]) * unsampled, slices_of(images) * unsampled):
        with pytest.raises(
            InputError, match=r"k of shape \(8, 72, 60\) does not tell coils from slices .*--axes coil,y,x"
        ):
            told_axes(kspace, "k")
    with pytest.raises(InputError, match="say what its axes are"):
        told_axes(np.ones((2, 2, 2, 8, 8), np.complex64), "k")


@pytest.mark.parametrize(
    "shape", [(1, 8, 12, 10), (8, 1, 12, 10), (3, 4, 12, 10), (1, 12, 10), (12, 10), (1, 1, 12, 10)]
)
def test_noise_does_not_speak_against_the_usual_order(shape: tuple[int, ...]) -> None:
    parts = np.random.default_rng(0).standard_normal((2, *shape))
    usual = {2: "y,x", 3: "slice,y,x", 4: "slice,coil,y,x"}[len(shape)]
    assert str(told_axes(parts[0] + 1j * parts[1], "k")) == usual


def test_spread() -> None:
    peak = to_kspace(np.ones((6, 16, 16), np.complex64))
    np.testing.assert_allclose(spread(peak), (1, 1 / 16, 1 / 16), rtol=1e-4)
    np.testing.assert_allclose(spread(1e30 * peak), spread(peak), rtol=1e-4)
    assert spread(0 * peak) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("name", MEASURED)
def test_measured_coils(shared_data: Path, name: str) -> None:
    kspace = measured(shared_data, name)
    assert str(told_axes(kspace, "k")) == "slice,coil,y,x"
    assert str(told_axes(kspace[0], "k")) == "coil,y,x"
    assert str(told_axes(np.moveaxis(kspace, 1, -1), "k")) == "slice,y,x,coil"
    assert str(told_axes(np.moveaxis(kspace[0], 0, -1), "k")) == "y,x,coil"


@pytest.mark.parametrize("name", SINGLE)
def test_measured_slices(shared_data: Path, name: str) -> None:
    kspace = measured(shared_data, name)
    assert str(told_axes(kspace, "k")) == "slice,coil,y,x"
    assert str(told_axes(kspace[:, 0], "k")) == "slice,y,x"


def test_slices_that_look_like_coils_are_refused(shared_data: Path) -> None:
    with pytest.raises(InputError, match="does not tell coils from slices"):
        told_axes(measured(shared_data, "ulf_brain_fisp_human")[:, 0], "k")


def test_slices_of_heads(shared_data: Path) -> None:
    """Of every volume, eight neighbours as slices, and the middle one seen by eight coils."""
    wrong, seen = [], 0
    with h5py.File(shared_data / "slices.h5") as file:
        names: list[str] = []
        file.visititems(
            lambda name, held: names.append(name) if getattr(held, "ndim", 0) == 3 and len(held) > 7 else None
        )
        for name in names[::12]:
            first = len(file[name]) // 2 - 4
            images = file[name][first : first + 8].astype(np.float32) / 250
            found = str(told_axes(slices_of(images), "k")), str(told_axes(coils_of(images[4]), "k"))
            wrong += [name] if found != ("slice,y,x", "coil,y,x") else []
            seen += 1
    assert wrong == []
    assert seen >= 5
