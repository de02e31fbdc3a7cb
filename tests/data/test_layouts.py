"""One scan in the layout of every project, read to the same numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from invdiff.data import Layout, Scan, open_scan, read_picture, read_scan, simulate
from invdiff.data.formats import LAYOUTS, layouts, offered
from invdiff.data.formats import layouts as layouts_function
from invdiff.data.masks import equispaced
from invdiff.errors import InputError

SHAPE = (40, 32)
RNG = np.random.default_rng(0)


def images(count: int) -> np.ndarray:
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    made = []
    for _ in range(count):
        image = 0.5 * (np.hypot(y / 0.85, x / 0.7) < 1)
        for _ in range(10):
            cy, cx, ry, rx = *RNG.uniform(-0.5, 0.5, 2), *RNG.uniform(0.06, 0.3, 2)
            image = image + RNG.uniform(-0.3, 0.5) * (np.hypot((y - cy) / ry, (x - cx) / rx) < 1)
        made.append(image)
    return np.array(made)


MASK = equispaced(SHAPE, 3, 16)
SCAN = simulate(images(3), coils=6, mask=MASK, noise_std=0.004)  # (3, 6, 40, 32)
ONE_COIL = simulate(images(3), coils=1, mask=MASK, noise_std=0.004)
K, MAPS = SCAN.kspace, SCAN.maps
RECORD = np.dtype([("real", "<f4"), ("imag", "<f4")])


def write_h5(path: Path, **arrays: Any) -> None:
    with h5py.File(path, "w") as file:
        file.update(arrays)


def write_v73(path: Path, **arrays: np.ndarray) -> None:
    """As MATLAB writes it: axes reversed, complex numbers as records, logical ones as bytes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            turned = np.ascontiguousarray(array.T)
            if np.iscomplexobj(turned):
                turned = turned.view(RECORD)
            held = file.create_dataset(name, data=turned.astype(np.uint8) if turned.dtype == bool else turned)
            held.attrs["MATLAB_class"] = np.bytes_("logical" if array.dtype == bool else "single")
        file["#refs#/a"] = np.zeros(2, np.uint64)
        file["said"] = np.frombuffer("text".encode("utf-16-le"), np.uint16)
        file["said"].attrs["MATLAB_class"] = np.bytes_("char")
    with path.open("r+b") as raw:
        raw.write(
            b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: HDF5 schema 1.00 .".ljust(116) + bytes(10) + b"\x02IM"
        )


def savemat5(path: Path, **arrays: Any) -> None:
    savemat(path, {**arrays, "said": "text", "settings": {"a": 1}}, do_compression=True)


def write_cfl(path: Path, array: np.ndarray) -> None:
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{' '.join(map(str, array.shape))}\n")
    path.with_suffix(".cfl").write_bytes(array.astype("<c8").tobytes(order="F"))


def pairs(array: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.stack([array.real, array.imag], axis)


def matlab(array: np.ndarray) -> np.ndarray:
    """(slices, coils, H, W) as MATLAB would have it: (H, W, coils, slices)."""
    return np.moveaxis(array, (-2, -1, -3, 0), (0, 1, 2, 3))


INTERLEAVED = np.stack([K.real, K.imag], 2).reshape(3, 12, *SHAPE)  # real and imaginary of a coil side by side
FIRST = np.arange(SHAPE[1]) % 2 == 0
AVERAGES = np.stack([K * FIRST, K * ~FIRST, K * FIRST])


@dataclass(frozen=True)
class Written:
    """How a project would have written the scan."""

    name: str
    write: Callable[[Path], Any]
    has_maps: bool = False
    expected: Scan = SCAN


WAYS = {
    "fastMRI": Written("a.h5", lambda p: write_h5(p, kspace=K, mask=MASK[0])),
    "fastMRI, one coil": Written("a.h5", lambda p: write_h5(p, kspace=ONE_COIL.kspace[:, 0]), expected=ONE_COIL),
    "coils of a slice": Written("a.h5", lambda p: write_h5(p, kspace=K[0]), expected=SCAN.select([0])),
    "an image": Written("a.h5", lambda p: write_h5(p, kspace=ONE_COIL.kspace[0, 0]), expected=ONE_COIL.select([0])),
    "coils first": Written("a.npz", lambda p: np.savez(p, ksp=K.transpose(1, 0, 2, 3), mask=MASK)),
    "SSDU": Written(
        "a.h5",
        lambda p: write_h5(p, kspace=K.transpose(0, 2, 3, 1), sens_maps=MAPS.transpose(0, 2, 3, 1), mask=MASK),
        has_maps=True,
    ),
    "raw data": Written("a.npz", lambda p: np.savez(p, raw_data=K.transpose(2, 1, 3, 0)[None])),
    "pairs": Written("a.h5", lambda p: write_h5(p, kspace=pairs(K), maps=pairs(MAPS)), has_maps=True),
    "pairs first": Written("a.npz", lambda p: np.savez(p, kdata=pairs(K, 0))),
    "Calgary-Campinas": Written("a.h5", lambda p: write_h5(p, kspace=np.moveaxis(INTERLEAVED, 1, -1))),
    "fastMRI prostate": Written("a.h5", lambda p: write_h5(p, kspace=AVERAGES, calibration_data=K[..., :8])),
    "records": Written("a.h5", lambda p: write_h5(p, kspace=K.view(RECORD))),
    "masks of all slices": Written("a.npz", lambda p: np.savez(p, kspace=K, mask=np.repeat(MASK[None], 3, 0))),
    "CMRxRecon": Written(
        "a.mat", lambda p: write_v73(p, kspace_full=matlab(K)[..., None].repeat(2, -1), mask04=MASK),
        expected=SCAN.select([0, 1, 2, 0, 1, 2]),
    ),
    "CMRxRecon, one frame": Written("a.mat", lambda p: write_v73(p, kspace_sub04=matlab(K))),
    "CMRxRecon, one coil": Written(
        "a.mat", lambda p: write_v73(p, kspace_single_full=matlab(ONE_COIL.kspace)[:, :, 0]), expected=ONE_COIL
    ),
    "MATLAB 7.3": Written(
        "a.mat", lambda p: write_v73(p, ksp=matlab(K), s_maps=matlab(MAPS), mask=MASK), has_maps=True
    ),
    "MATLAB 7": Written("a.mat", lambda p: savemat5(p, ksp=matlab(K), s_maps=matlab(MAPS), mask=MASK), has_maps=True),
    "NumPy": Written("a.npy", lambda p: np.save(p, K)),
    "BART": Written("a.cfl", lambda p: write_cfl(p, matlab(K).reshape(*SHAPE, 1, 6, *[1] * 9, 3))),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_one_scan_is_the_same_numbers_in_every_layout(tmp_path: Path, way: str) -> None:
    written = WAYS[way]
    written.write(tmp_path / written.name)
    for read in (read_scan, open_scan):
        found = read(tmp_path / written.name)
        assert isinstance(found, Scan)
        assert found.kspace.dtype == np.complex64
        np.testing.assert_array_equal(found.kspace, written.expected.kspace)
        np.testing.assert_array_equal(found.mask, written.expected.mask)
        if written.has_maps:
            np.testing.assert_array_equal(found.maps, MAPS)


def test_numbers_in_another_order_are_told_from_these(tmp_path: Path) -> None:
    write_h5(tmp_path / "a.h5", kspace=K.transpose(0, 1, 3, 2))
    assert read_scan(tmp_path / "a.h5").kspace.shape != K.shape


@pytest.mark.parametrize("way", ["fastMRI", "fastMRI, one coil", "CMRxRecon", "fastMRI prostate"])
def test_nothing_is_said_of_an_order_that_a_layout_has(tmp_path: Path, way: str) -> None:
    WAYS[way].write(tmp_path / WAYS[way].name)
    assert read_scan(tmp_path / WAYS[way].name).remarks == ()


def test_an_order_that_numbers_tell_is_remarked_and_axes_say_it(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_h5(path, kspace=K[0])
    scan = read_scan(path)
    assert scan.remarks == (
        f"{path}: kspace of shape (6, 40, 32) was read as axes coil,y,x, as its numbers tell; --axes slice,y,x reads "
        "it otherwise.",
    )
    other = read_scan(path, axes="slice,y,x")
    assert other.kspace.shape == (6, 1, 40, 32)
    assert other.remarks == ()
    np.testing.assert_array_equal(read_scan(path, axes=("coil", "x", "y")).kspace, K[:1].transpose(0, 1, 3, 2))
    with pytest.raises(InputError, match=r"a\.h5: kspace has shape \(6, 40, 32\), which the 2 axes y,x do not fit"):
        read_scan(path, axes="y,x")


def test_a_name_that_says_single_coil_is_believed(tmp_path: Path) -> None:
    write_h5(tmp_path / "singlecoil_val.h5", kspace=K[0])
    assert read_scan(tmp_path / "singlecoil_val.h5").kspace.shape == (6, 1, 40, 32)


def test_long_files_in_any_order_are_read_slice_by_slice(tmp_path: Path) -> None:
    kspace, maps = np.repeat(K, 4, axis=0), np.repeat(MAPS, 4, axis=0)
    kspace[5] = 0
    write_h5(tmp_path / "a.h5", ksp=kspace.transpose(0, 2, 3, 1), smaps=maps.transpose(0, 2, 3, 1))
    opened, whole = open_scan(tmp_path / "a.h5"), read_scan(tmp_path / "a.h5")
    assert not isinstance(opened, Scan)
    assert opened.empty == {5}
    assert "was read as axes slice,y,x,coil" in opened.remarks[0]
    np.testing.assert_array_equal(opened.select([7, 0]).kspace, kspace[[7, 0]])
    np.testing.assert_array_equal(opened.select([7, 0]).maps, maps[[7, 0]])
    np.testing.assert_array_equal(whole.kspace, kspace)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"org": np.abs(K[:, 0]), "csm": MAPS},
            r"no dataset 'kspace'; it holds .*'org' are images",
        ),
        ({"kspace": K, "s_maps": MAPS[:, :2]}, r"maps has shape \(3, 2, 40, 32\), but kspace asks for 3 along slice"),
        ({"kspace": K, "mask": np.stack([MASK, ~MASK, MASK])}, r"mask has shape \(3, 40, 32\)"),
        ({"kspace": K, "ground_truth": np.abs(K[:, 0, :8])}, r"ground_truth has shape \(3, 8, 32\)"),
        ({"kspace": K[0, 0, 0]}, r"kspace has shape \(32,\)"),
        ({"kspace": K.real}, "holds float32, not complex numbers"),
    ],
)
def test_files_that_are_no_scan(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    write_h5(tmp_path / "a.h5", **arrays)
    with pytest.raises(InputError, match=words) as caught:
        read_scan(tmp_path / "a.h5")
    assert "a.h5" in str(caught.value)


def test_images_of_modl_are_a_picture(tmp_path: Path) -> None:
    write_h5(tmp_path / "a.h5", org=K[:, 0])
    np.testing.assert_array_equal(read_picture(tmp_path / "a.h5").image, K[:, 0])


@pytest.mark.parametrize("row", LAYOUTS, ids=lambda row: f"{row.holds} {row.names[0]}")
def test_rows_say_what_they_hold_and_whose_they_are(row: Layout) -> None:
    of_scans = {"kspace", "mask", "maps", "noise", "noise_std", "ground_truth", "calibration", "trajectory", "matrix"}
    in_doubt = {f"perhaps_{what}" for what in ("trajectory", "along_first", "along_second")}
    assert row.holds in of_scans | in_doubt | {"image"}
    assert row.names
    assert row.source
    assert len({len(order.split(",")) for order in row.orders}) == len(row.orders)


OWN = Layout("kspace", ("measured",), "a lab", ("coil,x,y,slice",))


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A package is installed whose entry point has this value."""

    def install(value: str) -> None:
        monkeypatch.setattr(offered, "entry_points", lambda group: (EntryPoint("own", value, group),))
        layouts.cache_clear()

    yield install
    layouts.cache_clear()


def test_a_layout_of_ones_own_is_one_row_and_one_entry_point(tmp_path: Path, own: Callable[[str], None]) -> None:
    np.savez(tmp_path / "a.npz", measured=K.transpose(1, 3, 2, 0))
    assert "measured was taken for k-space" in read_scan(tmp_path / "a.npz").remarks[0]
    own(f"{__name__}:OWN")
    known = read_scan(tmp_path / "a.npz")
    np.testing.assert_array_equal(known.kspace, K)
    assert known.remarks == ()
    own(f"{__name__}:images")
    with pytest.raises(InputError, match=r"entry point 'own' of invdiff\.layouts is .* must be a Layout"):
        layouts_function()
