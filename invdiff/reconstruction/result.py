"""What a reconstruction is, in memory and on disk."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.geometry_arrays import planes_of, sizes_of
from invdiff.data.geometry import Geometry
from invdiff.data.scan import evenly_spaced, places_of
from invdiff.errors import InputError
from invdiff.files.hdf5 import find_dataset, reading, write_attributes, writing
from invdiff.notebook import card
from invdiff.reconstruction.course import Course
from invdiff.reconstruction.existing import existing_result
from invdiff.reconstruction.uncertainty.magnitude import LEVEL, Magnitude
from invdiff.reconstruction.written_result import WrittenResult, written_result

if TYPE_CHECKING:
    import h5py
    from matplotlib.figure import Figure

Complex = NDArray[np.complex64]

_VOLUMES = ("samples", "zero_filled", "ground_truth", "estimate", "corrected")
_DIAGRAMS = {"sigma": "noise level", "change": "change of the estimate", "residual": "residual / noise"}
_SINGLE = 4  # samples that are drawn, at most


@dataclass(frozen=True, eq=False, repr=False)
class SliceResult:
    """What was made of one slice, in the file's own units.

    Attributes:
        samples: complex64 ``(samples, H, W)``, with no samples where an estimate alone was made.
        zero_filled: complex64 ``(H, W)``, Aᴴ y.
        ground_truth: the same of the truth, where there is one.
        estimate: the image of a method that makes one and no samples.
        numbers: such as the scale and the noise level, by name.
        corrected: the samples about the image, with the spread that an audit asks for.
        courses: of the runs that made the ``estimate`` and the ``samples``, by these names.
    """

    samples: Complex
    zero_filled: Complex
    ground_truth: Complex | None
    estimate: Complex | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    corrected: Complex | None = None
    courses: Mapping[str, Course] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"SliceResult({', '.join(self._images)}; {len(self.samples)} samples of {self.zero_filled.shape})"

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        height, width = self.zero_filled.shape
        rows = {"slice": f"{height} x {width}", "samples": len(self.samples)}
        rows |= {name: f"{number:.4g}" for name, number in self.numbers.items()}
        known = {"zero-filled": self.zero_filled, "image": self.image, "truth": self.ground_truth}
        return card("SliceResult", rows, {name: image for name, image in known.items() if image is not None})

    @property
    def image(self) -> Complex:
        """The best image that there is: the estimate, or else the mean of the samples."""
        return mean(self.samples) if self.estimate is None else self.estimate

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name, as it is written."""
        return {
            **self._images,
            **{name: np.array(number, np.float64) for name, number in self.numbers.items()},
            **{name: array for of, course in self.courses.items() for name, array in course.arrays(of).items()},
        }

    @property
    def _images(self) -> dict[str, NDArray[Any]]:
        """Images and samples by name."""
        drawn = self.samples if len(self.samples) else None
        given = {
            "image": self.image,
            "estimate": self.estimate,
            "mean": None if drawn is None else mean(drawn),
            **_spread(drawn, self.corrected),
            **self._of_magnitudes,
            "zero_filled": self.zero_filled,
            "ground_truth": self.ground_truth,
        }
        return {name: array for name, array in given.items() if array is not None}

    @property
    def magnitude(self) -> Magnitude | None:
        """What the samples tell of the image's magnitude, corrected where they were; None of fewer than two."""
        if len(self.samples) < 2:
            return None
        return Magnitude.of(self.samples if self.corrected is None else self.corrected, self.estimate)

    @property
    def _of_magnitudes(self) -> dict[str, NDArray[Any]]:
        told = self.magnitude
        if told is None:
            return {}
        lower, upper = told.pixels.interval(LEVEL, least=0.0)
        return {"magnitude_std": told.std, "lower": lower.astype(np.float32), "upper": upper.astype(np.float32)}

    def part(self, geometry: Geometry) -> Self:
        """The recon field of view of all of it."""
        return replace(
            self,
            samples=geometry.part(self.samples),
            zero_filled=geometry.part(self.zero_filled),
            ground_truth=None if self.ground_truth is None else geometry.part(self.ground_truth),
            estimate=None if self.estimate is None else geometry.part(self.estimate),
            corrected=None if self.corrected is None else geometry.part(self.corrected),
        )


def _spread(drawn: Complex | None, corrected: Complex | None) -> dict[str, NDArray[Any] | None]:
    """Samples and their standard deviation by name; as they were drawn, beside them, where they were corrected."""
    if drawn is None:
        return {}
    if corrected is None:
        return {"std": std(drawn), "samples": drawn}
    as_drawn = {"std_uncorrected": std(drawn), "samples_uncorrected": drawn}
    return {"std": std(corrected), "samples": corrected, **as_drawn}


def mean(samples: Complex, axis: int = 0) -> Complex:
    """The mean of samples along an axis."""
    found: Complex = samples.mean(axis=axis)
    return found


def std(samples: Complex, axis: int = 0) -> NDArray[np.float32]:
    """The pixelwise standard deviation of samples along an axis, real: sqrt of the mean of abs(x - mean)^2 with n - 1;
    zero for a single sample."""
    squares = np.abs(samples - np.expand_dims(mean(samples, axis), axis)).astype(np.float64) ** 2
    found: NDArray[np.float32] = np.sqrt(squares.sum(axis=axis) / max(samples.shape[axis] - 1, 1)).astype(np.float32)
    return found


@dataclass(frozen=True, eq=False, repr=False)
class Reconstruction:
    """An image of every slice, posterior samples, or both, in the file's own units.

    Attributes:
        samples: complex64 ``(slices, samples, H, W)``, with no samples where an estimate alone was made.
        zero_filled: complex64 ``(slices, H, W)``, Aᴴ y.
        ground_truth: the same of the truth, where there is one.
        attributes: operator, method, versions, seed and so on: numbers and texts; and arrays of a number for each
            slice, such as its scale.
        estimate: the image of a method that makes one and no samples, complex64 ``(slices, H, W)``.
        geometry: of the images, where it is known.
        corrected: the samples about the image, with the spread that an audit asks for.
        courses: of the runs that made the ``estimate`` and the ``samples``, by these names, with an axis of slices in
            front.
    """

    samples: Complex
    zero_filled: Complex
    ground_truth: Complex | None
    attributes: Mapping[str, Any]
    estimate: Complex | None = None
    geometry: Geometry | None = None
    corrected: Complex | None = None
    courses: Mapping[str, Course] = field(default_factory=dict)

    @classmethod
    def of(cls, slices: Iterable[SliceResult], attributes: Mapping[str, Any], geometry: Geometry | None = None) -> Self:
        """The slices as volumes."""
        every = list(slices)

        def stack(name: str) -> Any:
            arrays = [getattr(one, name) for one in every]
            return None if arrays[0] is None else np.stack(arrays)

        numbers = {name: np.array([one.numbers[name] for one in every]) for name in every[0].numbers}
        courses = {name: Course.stacked([one.courses[name] for one in every]) for name in every[0].courses}
        return cls(
            **{name: stack(name) for name in _VOLUMES},
            attributes={**attributes, **numbers},
            geometry=geometry,
            courses=courses,
        )

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """What `write` wrote, whole in memory.

        Args:
            path: of a ``reconstruction.h5``.

        Raises:
            InputError: there is no such file, it is no reconstruction, or it is damaged.
        """
        with written_result(path) as written:
            return cls._of_rows(written, list(range(written.shape[0])))

    @classmethod
    def _of_rows(cls, written: WrittenResult, rows: list[int]) -> Self:
        """Some slices of a written reconstruction."""
        kept = [
            name for name in ("samples", "samples_uncorrected", "ground_truth", "estimate") if name in written.arrays
        ]
        volumes = {name: written.volume(name, rows).astype(np.complex64) for name in kept}
        zero_filled = written.volume("zero_filled", rows).astype(np.complex64)
        corrected = volumes.get("samples") if "samples_uncorrected" in volumes else None
        none = np.zeros((len(zero_filled), 0, *zero_filled.shape[1:]), np.complex64)
        return cls(
            samples=volumes.get("samples_uncorrected", volumes.get("samples", none)),
            zero_filled=zero_filled,
            ground_truth=volumes.get("ground_truth"),
            attributes={**written.attributes, **{name: array[rows] for name, array in written.numbers.items()}},
            estimate=volumes.get("estimate"),
            geometry=None if written.geometry is None else written.geometry.select(rows),
            corrected=corrected,
            courses={name: written.course(name, rows) for name in written.courses},
        )

    @overload
    def __getitem__(self, index: int) -> SliceResult: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> SliceResult | Self:
        """What was made of a slice, by its place; or the reconstruction of a range of them.

        Raises:
            InputError: there is no such slice, or none in the range.
        """
        asked = range(len(self))[index] if isinstance(index, slice) else [index]
        places = places_of(asked, len(self), "The reconstruction")
        numbers = {name: value for name, value in self.attributes.items() if isinstance(value, np.ndarray)}
        if isinstance(index, slice):
            return type(self)(
                **self._volumes(places),
                attributes={**self.attributes, **{name: value[places] for name, value in numbers.items()}},
                geometry=None if self.geometry is None else self.geometry.select(places),
                courses={name: course.of_slices(places) for name, course in self.courses.items()},
            )
        (k,) = places
        return SliceResult(
            **self._volumes(k),
            numbers={name: float(value[k]) for name, value in numbers.items()},
            courses={name: course.of_slice(k) for name, course in self.courses.items()},
        )

    def _volumes(self, places: int | list[int]) -> dict[str, Any]:
        """What there is of some slices in each of the volumes, or None."""
        volumes = {name: getattr(self, name) for name in _VOLUMES}
        return {name: None if volume is None else volume[places] for name, volume in volumes.items()}

    def __iter__(self) -> Iterator[SliceResult]:
        """Slice by slice."""
        return (self[k] for k in range(len(self)))

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def _described(self) -> dict[str, str]:
        """What tells it from others at a glance."""
        slices, count, height, width = self.samples.shape
        said = {name: value for name, value in self.attributes.items() if isinstance(value, str | int | float)}
        named = ("operator", "acceleration", "method", "seed", "nfe")
        short = {name: str(said[name]) for name in named if name in said}
        beside = [name for name in ("estimate", "ground_truth", "geometry") if getattr(self, name) is not None]
        return {
            "slices": f"{slices} of {height} x {width}",
            "samples": f"{count} of each",
            "beside": ", ".join(beside) or "nothing",
            **short,
        }

    def __repr__(self) -> str:
        return f"Reconstruction({', '.join(f'{name}: {value}' for name, value in self._described.items())})"

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        middle = slice(len(self) // 2, len(self) // 2 + 1)
        known = {"zero-filled": self.zero_filled, "image": self.image, "truth": self.ground_truth}
        seen = {name: array[middle] for name, array in known.items() if array is not None}
        return card("Reconstruction", self._described, seen)

    def plot(self, *, samples: bool = False) -> "Figure":
        """A figure of the zero-filled image and the reconstruction, the truth and the error where it is known, and the
        standard deviation of the magnitude where there are samples; at most eight slices are shown. Beneath is the
        course of the runs, where it is known: of every sample of at most eight slices the noise level, by how much the
        estimate of the clean image changed, and the residual over what noise alone would leave.

        Args:
            samples: whether single samples are shown, too; at most the first four.
        """
        from invdiff.pictures import draw_panel

        spread = self.samples if self.corrected is None else self.corrected
        single = {f"sample {k}": spread[:, k] for k in range(min(_SINGLE, spread.shape[1]))} if samples else {}
        images = {"zero-filled": self.zero_filled, **single, "reconstruction": self.image}
        numbers = [int(number) for number in self.attributes["slice"]] if "slice" in self.attributes else None
        some = {of: one.of_slices(evenly_spaced(len(self))) for of, one in self.courses.items()}
        course = {title: {of: one.lines(name) for of, one in some.items()} for name, title in _DIAGRAMS.items()}
        return draw_panel(
            images,
            std=self.magnitude_std,
            truth=self.ground_truth,
            numbers=numbers,
            course=course if self.courses else None,
        )

    @property
    def image(self) -> Complex:
        """The best image that there is, ``(slices, H, W)``: the estimate, or else the mean of the samples."""
        return self.mean if self.estimate is None else self.estimate

    @property
    def mean(self) -> Complex:
        """Mean of the samples, ``(slices, H, W)``."""
        return mean(self.samples, axis=1)

    @property
    def std(self) -> NDArray[np.float32]:
        """Pixelwise standard deviation of the samples, corrected where they were, real ``(slices, H, W)``; zero for a
        single sample."""
        return std(self.samples if self.corrected is None else self.corrected, axis=1)

    @property
    def magnitude_std(self) -> NDArray[np.float32] | None:
        """Pixelwise standard deviation of the image's magnitude, real ``(slices, H, W)``; None of fewer than two
        samples."""
        every = [one.magnitude for one in self]
        return np.stack([told.std for told in every if told is not None]) if None not in every else None

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write HDF5 as `write_slices` does; whole or not at all.

        Raises:
            InputError: it can't be written.
        """
        said = {name: value for name, value in self.attributes.items() if not isinstance(value, np.ndarray)}
        write_slices(path, self, len(self.samples), said, self.geometry)


def write_slices(
    path: str | os.PathLike[str],
    slices: Iterable[SliceResult],
    count: int,
    attributes: Mapping[str, Any],
    geometry: Geometry | None = None,
    sampled: NDArray[np.bool_] | None = None,
    density: NDArray[np.float32] | None = None,
) -> None:
    """Write HDF5 with ``image``, ``zero_filled`` and, where there are any, ``estimate``, ``samples`` with their
    ``mean`` and ``std``, and ``ground_truth``, and each number of the slices as a data set; whole or not at all. Where
    an audit corrected the samples, these are ``samples`` and ``std``, and as they were drawn ``samples_uncorrected``
    and ``std_uncorrected``; ``mean`` is always of what was drawn. Of two samples or more there are ``magnitude_std``,
    ``lower`` and ``upper``, float32 ``(slices, H, W)``: the standard deviation of the image's magnitude, and the ends
    of its 90 % interval by Student's distribution (`invdiff.reconstruction.Magnitude`).

    Of a geometry there are the attributes ``field_of_view_mm`` (2), ``voxel_size_mm`` (2), ``slice_thickness_mm``,
    ``recon_field_of_view_mm`` (2), ``recon_matrix`` (2) and ``affine`` (4, 4), and the data sets ``position_mm``
    (slices, 3) and ``directions`` (slices, 3, 3), as far as it is known; `Geometry` tells what they mean.

    Args:
        path: of the file.
        slices: one after the other, so that one alone need be in memory.
        count: how many there are.
        attributes: numbers and texts.
        geometry: of the images, where it is known.
        sampled: what was seen, bool ``(H, W)`` of k-space or of the pixels, to be kept by that name.
        density: of samples along a trajectory, ``(H, W)``, to be kept by that name.

    Raises:
        InputError: it can't be written.
    """
    with writing(Path(path)) as file:
        for k, one in enumerate(slices):
            for name, array in one.arrays.items():
                if k == 0:
                    file.create_dataset(name, (count, *array.shape), array.dtype)
                file[name][k] = array
        file.update({name: seen for name, seen in (("sampled", sampled), ("density", density)) if seen is not None})
        if geometry is not None:
            file.update(planes_of(geometry))
            affine = {} if geometry.affine is None else {"affine": geometry.affine}
            write_attributes(file, {**sizes_of(geometry), "voxel_size_mm": np.array(geometry.voxel_size), **affine})
        write_attributes(file, attributes)


def spread_slices(path: str | os.PathLike[str], most: int) -> Reconstruction:
    """At most so many slices of a written reconstruction, evenly spaced, to look at.

    Raises:
        InputError: it can't be read.
    """
    with written_result(path) as written:
        return Reconstruction._of_rows(written, evenly_spaced(written.shape[0], most))


_THUMBNAIL, _THUMBNAILS = 160, 400  # pixels along a side, and how many at most


def write_contact_sheet(picture: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Write a PNG of every slice's image of a written reconstruction, in their order; of more than 400, of so many
    evenly spaced ones, and of large ones every so-many-th pixel.

    Args:
        picture: to be written.
        path: of the reconstruction.

    Raises:
        InputError: the result can't be read, or the picture not written.
    """
    from invdiff.pictures import write_grid

    with reading(path) as file:
        image = _image(file, path)
        count, height, width = image.shape
        step = -(-max(height, width) // _THUMBNAIL)
        chosen = evenly_spaced(count, _THUMBNAILS)
        thumbnails = np.stack([np.abs(image[k])[::step, ::step] for k in chosen])
    write_grid(picture, thumbnails)


def read_reconstructed(path: str | os.PathLike[str]) -> Complex:
    """The ``image`` of a written reconstruction, ``(slices, H, W)`` in its file's units.

    Raises:
        InputError: there is no such file, or it holds no image.
    """
    path = existing_result(path)
    with reading(path) as file:
        return np.asarray(_image(file, path)[()], np.complex64)


def _image(file: "h5py.File", path: str | os.PathLike[str]) -> "h5py.Dataset":
    image = find_dataset(file, "image")
    if image is None or image.ndim != 3 or image.dtype.kind not in "fc":
        raise InputError(f"{path} has no dataset 'image' of shape (slices, H, W); give a reconstruction.h5 of invdiff.")
    return image
