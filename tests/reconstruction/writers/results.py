"""Results without any symmetry: noise, and one bright voxel whose place in the patient is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from invdiff.data import Geometry, Plane
from invdiff.reconstruction import Reconstruction

MARK = 50.0


@dataclass(frozen=True)
class Marked:
    """A result, and where its bright voxel is."""

    result: Reconstruction
    voxel: tuple[int, int, int]

    @property
    def place(self) -> np.ndarray:
        """In mm towards left, posterior and superior, by the definition of `Plane`."""
        geometry, (k, row, column) = self.result.geometry, self.voxel
        assert geometry is not None
        assert geometry.planes is not None
        plane, (height, width) = geometry.planes[k], geometry.voxel_size
        down, right = row - geometry.shape[0] // 2, column - geometry.shape[1] // 2
        return np.array(plane.position) + down * height * plane.directions[0] + right * width * plane.directions[1]


def marked(seed: int = 0, *, slices: int = 3, samples: int = 3, units: float = 1.0, handed: int = 1) -> Marked:
    """Of a random oblique stack of slices, evenly apart."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(4, 9)), int(rng.integers(4, 9)))
    axes, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    axes[2] *= handed * np.linalg.det(axes)  # of either hand, as scanners have them
    apart, first = rng.uniform(1, 6), rng.uniform(-80, 80, 3)
    planes = tuple(Plane(tuple(first + k * apart * axes[2]), *map(tuple, axes)) for k in range(slices))
    sides = rng.uniform(0.5, 3, 2) * shape
    thickness = apart if slices == 1 else apart * 0.8  # one slice alone is as far from the next as it is thick
    geometry = Geometry(shape, (float(sides[0]), float(sides[1])), float(thickness), planes=planes)
    voxel = (int(rng.integers(slices)), int(rng.integers(shape[0])), int(rng.integers(shape[1])))

    def numbers(*leading: int) -> np.ndarray:
        return rng.standard_normal((*leading, *shape)) + 1j * rng.standard_normal((*leading, *shape))

    image = numbers(slices)
    image[voxel] = MARK * np.exp(0.5j)
    drawn = image[:, None] + 0.1 * numbers(slices, samples)
    attributes = {
        "method": "estimate",
        "seed": 3,
        "input": "scan.h5",
        "invdiff_version": "0.1.0",
        "citations": "A 2020, B, C\nD 2021, E, F",
        "samples_citations": "A 2020, B, C\nG 2022, H, I",
        "slice": np.arange(slices) + 7.0,
        "scale": np.full(slices, np.nan),
    }
    made = Reconstruction(
        (units * drawn).astype(np.complex64),
        (units * image).astype(np.complex64),
        None,
        attributes,
        (units * image).astype(np.complex64),
        geometry,
    )
    return Marked(made, voxel)


def written(one: Marked | Reconstruction, folder: Path) -> Path:
    """Where it is on disk."""
    path = folder / "reconstruction.h5"
    (one.result if isinstance(one, Marked) else one).write(path)
    return path


def mirrored(one: Marked) -> Marked:
    """The same numbers, said to lie the other way round along their rows."""
    geometry = one.result.geometry
    assert geometry is not None
    planes = tuple(replace(plane, phase=tuple(-n for n in plane.phase)) for plane in geometry.planes or ())
    return replace(one, result=replace(one.result, geometry=replace(geometry, planes=planes)))


Made: st.SearchStrategy[Marked] = st.builds(
    lambda seed, slices, handed: marked(seed, slices=slices, handed=handed),
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.sampled_from([1, -1]),
)
Find = Callable[[Path], np.ndarray]
