"""One scan along a trajectory, as every format's own library writes it, is read to the same; what does not fit is
refused in a sentence."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import ismrmrd
import mrd
import numpy as np
import pytest
from scipy.io import savemat

from invdiff.data import open_scan, radial, read_scan, shepp_logan, simulate_along, write_scan
from invdiff.data.formats import given_of
from invdiff.errors import InputError
from tests.data.along_trajectory import opened

SHAPE, COILS, SPOKES, SAMPLES = (20, 16), 3, 7, 40
SCAN = simulate_along(
    np.stack([shepp_logan(SHAPE), shepp_logan(SHAPE)[::-1]]), radial(SPOKES, SAMPLES), coils=COILS, noise_std=0.01
)
K, P = SCAN.kspace, SCAN.trajectory.points
MATRIX = np.array(SHAPE)
Write = Callable[[Path], None]


def npz(points: Any, kspace: Any = K, **more: Any) -> Write:
    return lambda path: np.savez(path, ksp=kspace, traj=points, **{"matrix": MATRIX, **more})


def mat(path: Path) -> None:
    points = (P[..., 0] + 1j * P[..., 1]).T  # (samples, readouts), as golden-angle code has it
    savemat(path, {"kdata": K.transpose(3, 2, 1, 0), "traj": points, "matrix": MATRIX})


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.update({"kspace": K, "coords": P * MATRIX, "matrix": MATRIX})


def cfl(path: Path, array: np.ndarray) -> None:
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{' '.join(map(str, array.shape))}\n")
    path.with_suffix(".cfl").write_bytes(array.astype("<c8").tobytes(order="F"))


def bart(path: Path) -> None:
    cfl(path, K.transpose(3, 2, 1, 0).reshape(1, SAMPLES, SPOKES, COILS, *[1] * 9, 2))
    points = np.concatenate([P * MATRIX, np.zeros((*P.shape[:2], 1))], axis=-1)
    cfl(path.with_name("traj"), points.T)


def header(trajectory: str, identifier: str = "") -> str:
    def space(name: str, x: int, y: int) -> str:
        size = f"<matrixSize><x>{x}</x><y>{y}</y><z>1</z></matrixSize>"
        return f"<{name}>{size}<fieldOfView_mm><x>{3 * x}</x><y>{3 * y}</y><z>5</z></fieldOfView_mm></{name}>"

    described = f"<trajectoryDescription><identifier>{identifier}</identifier></trajectoryDescription>"
    return (
        '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>'
        f"{space('encodedSpace', 2 * SHAPE[0], 2 * SHAPE[1])}{space('reconSpace', *SHAPE)}<encodingLimits/>"
        f"<trajectory>{trajectory}</trajectory>{described if identifier else ''}</encoding></ismrmrdHeader>"
    )


def raw(points: np.ndarray | None, trajectory: str = "radial", identifier: str = "") -> Write:
    def write(path: Path) -> None:
        with ismrmrd.Dataset(str(path), create_if_needed=True) as dataset:
            dataset.write_xml_header(header(trajectory, identifier).encode())
            for index, spoke in np.ndindex(2, SPOKES):
                places = None if points is None else points[spoke].astype(np.float32)
                made = ismrmrd.Acquisition.from_array(np.ascontiguousarray(K[index, :, spoke]), places)
                made.center_sample, made.idx.slice, made.idx.kspace_encode_step_1 = SAMPLES // 2, index, spoke
                dataset.append_acquisition(made)

    return write


def stream(path: Path, is_described: bool = False) -> None:
    def space(x: int, y: int) -> Any:
        return mrd.EncodingSpaceType(
            matrix_size=mrd.MatrixSizeType(x=x, y=y, z=1), field_of_view_mm=mrd.FieldOfViewMm(x=3 * x, y=3 * y, z=5)
        )

    encoding = mrd.EncodingType(
        encoded_space=space(2 * SHAPE[0], 2 * SHAPE[1]), recon_space=space(*SHAPE), trajectory=mrd.Trajectory.RADIAL
    )
    if is_described:
        encoding.trajectory_description = mrd.TrajectoryDescriptionType(identifier="GoldenAngle")

    def readouts() -> Iterator[Any]:
        for index, spoke in np.ndindex(2, SPOKES):
            head = mrd.AcquisitionHeader(flags=mrd.AcquisitionFlags(0))
            head.idx.slice, head.idx.kspace_encode_step_1 = index, spoke
            data = np.ascontiguousarray(K[index, :, spoke])
            places = np.zeros((0, 0), np.float32) if is_described else np.ascontiguousarray(P[spoke].T, np.float32)
            yield mrd.StreamItem.Acquisition(mrd.Acquisition(head=head, data=data, trajectory=places))

    with path.open("wb") as file, mrd.BinaryMrdWriter(file) as writer:
        writer.write_header(mrd.Header(encoding=[encoding]))
        writer.write_data(readouts())


FLAT = npz(P.reshape(-1, 2), K.reshape(2, COILS, -1))
FILES: dict[str, tuple[str, Write]] = {
    "as this package writes it": ("scan.h5", lambda path: write_scan(SCAN, path)),
    "HDF5, units of the grid": ("scan.h5", hdf5),
    "npz, cycles per pixel": ("scan.npz", npz(P)),
    "npz, radians": ("scan.npz", npz(2 * np.pi * P)),
    "npz, three coordinates": ("scan.npz", npz(np.concatenate([P, 0 * P[..., :1]], axis=-1))),
    "npz, coordinates first": ("scan.npz", npz(np.moveaxis(P, -1, 0))),
    "npz, samples before readouts": ("scan.npz", npz(P.swapaxes(0, 1), K.swapaxes(2, 3))),
    "npz, points alone turned": ("scan.npz", npz(P.swapaxes(0, 1))),
    "MATLAB": ("scan.mat", mat),
    "BART": ("ksp.cfl", bart),
    "ISMRMRD": ("scan.h5", raw(P)),
    "ISMRMRD, cycles per metre": ("scan.mrd", raw(P / 3e-3)),
    "ISMRMRD, units of the encoded grid": ("scan.h5", raw(P * 2 * MATRIX, "other")),
    "ISMRMRD, weights behind coordinates": (
        "scan.h5",
        raw(np.concatenate([P, SCAN.trajectory.radius[..., None]], axis=-1)),
    ),
    "ISMRMRD, by the golden angle": ("scan.h5", raw(None, "goldenangle")),
    "ISMRMRD, described": ("scan.h5", raw(None, "radial", "GoldenAngle")),
    "MRD 2": ("scan.mrd2", stream),
    "MRD 2, described": ("scan.mrd2", lambda path: stream(path, is_described=True)),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_holds_the_same_scan(name: str, tmp_path: Path) -> None:
    file, write = FILES[name]
    write(tmp_path / file)
    scan = opened(tmp_path / file)
    np.testing.assert_array_equal(scan.kspace, K)
    np.testing.assert_allclose(scan.trajectory.points, P, atol=1e-6)
    assert scan.matrix == SHAPE
    with pytest.raises(InputError, match="along a trajectory"):
        read_scan(tmp_path / file)


def test_flat_points_are_as_many_readouts_as_they_leap_to(tmp_path: Path) -> None:
    FLAT(tmp_path / "scan.npz")
    scan = opened(tmp_path / "scan.npz")
    np.testing.assert_array_equal(scan.trajectory.points, P)
    np.testing.assert_array_equal(scan.kspace, K)
    few = P.reshape(-1, 2)[:-1], K.reshape(2, COILS, -1)[..., :-1]
    npz(*few)(tmp_path / "scan.npz")
    assert opened(tmp_path / "scan.npz").trajectory.readouts == 1  # of several lengths


def test_all_that_is_known_comes_back(tmp_path: Path) -> None:
    write_scan(SCAN, tmp_path / "scan.h5")
    scan = opened(tmp_path / "scan.h5")
    for name in ("maps", "ground_truth"):
        np.testing.assert_array_equal(getattr(scan, name), getattr(SCAN, name))
    assert (scan.noise_std, scan.remarks) == (0.01, ())
    assert scan.digest(0) == SCAN.digest(0) != SCAN.digest(1)


def test_coils_and_points_of_one_slice(tmp_path: Path) -> None:
    npz(P, K[0])(tmp_path / "scan.npz")
    np.testing.assert_array_equal(opened(tmp_path / "scan.npz").kspace, K[:1])


def test_maps_of_another_file(tmp_path: Path) -> None:
    npz(P)(tmp_path / "scan.npz")
    np.save(tmp_path / "maps.npy", SCAN.maps)
    np.testing.assert_array_equal(
        open_scan(tmp_path / "scan.npz", given=given_of(maps=tmp_path / "maps.npy")).select([0]).maps, SCAN.maps[:1]
    )
    np.save(tmp_path / "mask.npy", np.ones(SHAPE[1], bool))
    with pytest.raises(InputError, match="leave out --mask"):
        open_scan(tmp_path / "scan.npz", given=given_of(mask=tmp_path / "mask.npy"))


BAD: dict[str, tuple[str, Write, str]] = {
    "NaN": ("scan.npz", npz(np.where(P.max() == P, np.nan, P)), "NaN"),
    "outside the grid": ("scan.npz", npz(P * 1.3), "fits no unit"),
    "other units": ("scan.npz", npz(P * 123), "store it in cycles per pixel"),
    "zero": ("scan.npz", npz(0 * P), "zero everywhere"),
    "another length": ("scan.npz", npz(P[:-1]), "must be those of the points"),
    "three dimensions": ("scan.npz", npz(np.concatenate([P, P[..., :1]], axis=-1)), "three-dimensional"),
    "one dimension": ("scan.npz", npz(P[..., :1]), "two coordinates"),
    "text": ("scan.npz", npz(np.full((SPOKES, SAMPLES, 2), "0.5")), "not numbers"),
    "maps of another size": ("scan.npz", npz(P, maps=SCAN.maps[..., :-1]), "asks for"),
    "a matrix of none": ("scan.npz", npz(P, matrix=np.array([20])), "two whole numbers"),
    "a matrix of nothing": ("scan.npz", npz(P, matrix=np.array([0, 16])), "two pixels"),
    "a matrix too large": ("scan.npz", npz(P, matrix=np.array([10**9, 10**9])), "too large for 280 samples"),
    "points too far": ("scan.npz", lambda path: np.savez(path, ksp=K, traj=P * 1e10), "too large for 280 samples"),
    "samples without points": ("scan.h5", raw(None), "do not say where they lie"),
    "no samples": ("scan.npz", lambda path: np.savez(path, traj=P), "no 'kspace'"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    file, write, said = BAD[name]
    write(tmp_path / file)
    with pytest.raises(InputError, match=said) as refused:
        open_scan(tmp_path / file)
    assert "scan" in str(refused.value)


def test_axes_are_told_by_the_trajectory(tmp_path: Path) -> None:
    npz(P)(tmp_path / "scan.npz")
    with pytest.raises(InputError, match="leave out --axes"):
        open_scan(tmp_path / "scan.npz", given=given_of("coil,y,x"))


def test_points_of_bart_that_do_not_fit(tmp_path: Path) -> None:
    bart(tmp_path / "ksp.cfl")
    cfl(tmp_path / "traj", np.zeros((3, SAMPLES, SPOKES + 1)))
    with pytest.raises(InputError, match="3, samples, readouts"):
        open_scan(tmp_path / "ksp.cfl")
