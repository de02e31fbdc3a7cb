"""What named arrays in a file are: a scan, by the names that projects use for its arrays, or a picture."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from invdiff.data.axes import Axes
from invdiff.data.axes_by_shape import axes_by_shape
from invdiff.data.axis_order import Stored, told_axes
from invdiff.data.domain import is_image
from invdiff.data.formats.contents import FASTEST_FIRST, Contents, Turned
from invdiff.data.formats.geometry_arrays import GEOMETRY_KEYS, PLANE_KEYS, geometry_in
from invdiff.data.formats.header import geometry_of
from invdiff.data.formats.layouts import find_name, is_known, known_axes
from invdiff.data.picture import Picture
from invdiff.data.scan import Coils, Scan
from invdiff.errors import InputError

Opened = Callable[[Path], AbstractContextManager[Contents]]
"""Opens what a file holds by name."""


class Complete(Protocol):
    """Adds to a scan what other files hold."""

    def __call__(self, scan: Coils, slices: int, index: int = 0) -> Coils:
        """The scan with it.

        Args:
            scan: all slices of its file, or one.
            slices: of the file.
            index: of the first.
        """


_ROLES = ("kspace", "mask", "maps", "noise", "noise_std", "ground_truth", "calibration")
KNOWN_KEYS = ("mask", "noise_std", "noise")
"""What there is once for all slices."""
PICTURE_KEYS = ("image", "mask", "noise_std", "ground_truth")
OPTIONAL = {"maps": ("slice", "set", "coil"), "ground_truth": ("slice",)}
"""Axes that arrays of the same y and x may have beside these."""
HEADER = "ismrmrd_header"
"""What fastMRI's files call the XML header of ISMRMRD."""
_SINGLE_COIL = ("acquisition", "patient_id")
"""Attributes of fastMRI's files, whose k-space of three axes is of one coil."""


@dataclass(frozen=True)
class Reading:
    """How the arrays of a file are a scan.

    Attributes:
        names: of the arrays, by what they hold.
        axes: of those that have images or coils.
        slices: how many there are.
        remarks: what of it could be doubted.
    """

    names: Mapping[str, str]
    axes: Mapping[str, Axes]
    slices: int
    remarks: tuple[str, ...] = field(default=())


def reading_of(path: Path, contents: Contents, axes: Axes | None = None) -> Reading:
    """How the arrays of a file are a scan; no more of k-space is read than its axes ask for.

    Args:
        path: of the file.
        contents: of the file.
        axes: of its k-space, as the user says; None: as the layout of that name says, or as the numbers tell.

    Raises:
        InputError: the file holds no k-space, its axes are not told, or shapes do not fit together.
    """
    names = {role: name for role in _ROLES if (name := find_name(contents, role)) is not None}
    only = None
    if list(contents.names) == [""]:
        names["kspace"] = ""
    elif "kspace" not in names and (only := _only_complex(contents)) is not None:
        names["kspace"] = only
    held = {role: array for role, name in names.items() if (array := contents.find(name)) is not None}
    stored = held.get("kspace")
    if stored is None:
        image = find_name(contents, "image")
        raise _no_kspace(
            path,
            contents,
            "" if image is None else f" {image!r} are images: see --operator denoise and invdiff simulate.",
        )
    what = f"{path}: {names['kspace'] or 'k-space'}"
    check_numbers(path, names["kspace"] or "k-space", stored)
    if len(stored.shape) < 2:
        raise InputError(
            f"{what} has shape {tuple(stored.shape)}; it must be (slices, coils, H, W), (slices, H, W), (coils, H, W)."
        )
    found, remarks = _kspace_axes(path, contents, names["kspace"], stored, axes, what)
    if only is not None and axes is None:
        if _is_image(stored, found):
            raise _no_kspace(path, contents, f" {only!r} are images; named 'image', they are for --operator denoise.")
        remarks = (f"{what} was taken for k-space, as the only array of complex numbers in the file.", *remarks)
    shape = tuple(stored.shape)
    lengths = {name: found.length(shape, name) for name in ("coil", "y", "x")} | {"slice": found.stacked(shape)}
    known = {"kspace": found}
    order = [one for name in found.names for one in name.split("*")]
    for role in (*OPTIONAL, "calibration"):
        if role in held:
            check_numbers(path, role, held[role])
            by_row = known_axes(names[role], role, held[role])
            if by_row is None and role in OPTIONAL:
                by_row = fitting_axes(held[role], lengths, OPTIONAL[role], order, f"{path}: {role}")
            if by_row is None or by_row.stacked(held[role].shape) not in (1, lengths["slice"]):
                raise InputError(
                    f"{path}: {role} has shape {tuple(held[role].shape)}, which does not fit the {lengths['slice']} "
                    "slices of kspace."
                )
            known[role] = by_row
    return Reading({role: names[role] for role in held}, known, lengths["slice"], remarks)


def fitting_axes(
    stored: Stored, lengths: Mapping[str, int], optional: Sequence[str], order: Sequence[str], what: str
) -> Axes:
    """The axes of an array that belongs to k-space.

    Args:
        stored: the array.
        lengths: of k-space's axes ``slice``, ``coil``, ``y`` and ``x``.
        optional: axes that it may have beside ``y`` and ``x``.
        order: of axes, where shapes allow several.
        what: it is, for the sentence.

    Raises:
        InputError: its shape fits none.
    """
    required = ["y", "x", *(("coil",) if "coil" in optional and lengths["coil"] > 1 else ())]
    found = axes_by_shape(
        stored.shape,
        lengths,
        required=required,
        optional=[name for name in optional if name not in required],
        order=[*(name for name in (*optional, "y", "x") if name not in order), *order],
        has_parts=stored.dtype.kind != "c" and "coil" in optional,
    )
    if found is None:
        sizes = ", ".join(f"{lengths[name]} along {name}" for name in ("slice", "coil", "y", "x"))
        raise InputError(f"{what} has shape {tuple(stored.shape)}, but kspace asks for {sizes}.")
    return found


def scan_in(path: Path, contents: Contents, reading: Reading, index: int | None = None) -> Scan | None:
    """The scan in a file; of one slice, where its index is given.

    ``None`` where nothing was seen of that slice: its k-space or every coil map is zero.

    Raises:
        InputError: the arrays are no scan.
    """
    arrays: dict[str, Any] = {}
    for role, name in reading.names.items():
        stored = contents.find(name)
        assert stored is not None
        check_numbers(path, role, stored)
        axes = reading.axes.get(role)
        if axes is None:
            arrays[role] = stored[()]
            continue
        stacked = axes.stacked(stored.shape) > 1
        array = axes.arranged(stored[axes.window(stored.shape, index) if index is not None and stacked else ()])
        count = reading.slices if index is None else 1
        arrays[role] = np.broadcast_to(array, (count, *array.shape[1:]))
    if index is not None and not all(np.any(arrays[role]) for role in ("kspace", "maps") if role in arrays):
        return None
    keys = [key for key in GEOMETRY_KEYS if index is None or key not in PLANE_KEYS]
    image_shape = (arrays["kspace"].shape[-2], arrays["kspace"].shape[-1])
    geometry = geometry_in(path, arrays_by(contents, keys), image_shape)
    header = contents.text(HEADER)
    if geometry is None and header is not None:
        geometry = geometry_of(path, header, image_shape)
    truth = arrays.get("ground_truth")
    scan = Scan(
        kspace=arrays["kspace"],
        mask=mask_of(arrays.get("mask"), arrays["kspace"].shape, reading.axes["kspace"], reading.slices),
        maps=arrays.get("maps"),
        noise_std=as_level(path, arrays.get("noise_std")),
        noise=noise_of(arrays.get("noise"), arrays["kspace"].shape[1]),
        ground_truth=None if truth is None else truth[:, 0],
        calibration=arrays.get("calibration"),
        name=path.name,
        attributes=contents.attributes,
        remarks=(*reading.remarks, *(() if geometry is None else geometry.remarks)),
        geometry=geometry,
    )
    return scan if index is None or "mask" in arrays else scan.changed(mask=None)  # all slices tell what zeros mean


def arrays_by(contents: Contents, keys: Sequence[str]) -> dict[str, NDArray[Any]]:
    """What there is of these names."""
    return {key: stored[()] for key in keys if (stored := contents.find(key)) is not None}


def mask_of(
    mask: NDArray[Any] | None, shape: tuple[int, ...], axes: Axes | Sequence[str], slices: int
) -> NDArray[Any] | None:
    """A mask ``(H, W)`` or ``(W,)`` of one that may be repeated for every slice and coil; what fits nothing stays as it
    is, for `Scan` to refuse.

    Args:
        mask: as a file has it.
        shape: of k-space, (slices, coils, H, W).
        axes: in whose order those of the mask are, where shapes allow several.
        slices: in the whole file.
    """
    if mask is None or mask.ndim < 2:
        return mask
    names = axes.names if isinstance(axes, Axes) else axes
    order = [*names, *(name for name in ("slice", "coil", "y", "x") if name not in names)]
    lengths = {"slice": slices, "coil": shape[1], "y": shape[2], "x": shape[3]}
    if mask.size == shape[3]:
        return mask.reshape(-1)
    found = axes_by_shape(mask.shape, lengths, required=("y", "x"), optional=("slice", "coil"), order=order)
    if found is None:
        return mask
    every = found.arranged(mask)
    return every[0, 0] if (every == every[:1, :1]).all() else mask


def noise_of(noise: NDArray[Any] | None, coils: int) -> NDArray[Any] | None:
    """Samples of noise ``(coils, n)`` of an array with an axis of coils, the first of that length; what has none stays
    as it is, for `Scan` to refuse."""
    if noise is None:
        return None
    if not np.iscomplexobj(noise) and noise.ndim > 2 and noise.shape[-1] == 2:
        noise = noise[..., 0] + 1j * noise[..., 1]
    axis = next((axis for axis, n in enumerate(noise.shape) if n == coils and noise.ndim > 1), None)
    return noise if axis is None else np.moveaxis(noise, axis, 0).reshape(coils, -1)


def _no_kspace(path: Path, contents: Contents, hint: str) -> InputError:
    held = ", ".join(contents.described) or "no datasets at all"
    return InputError(f"{path} has no dataset 'kspace'; it holds {held}.{hint}")


def _only_complex(contents: Contents) -> str | None:
    """The name of the only array of complex numbers that could be k-space, where nothing is called so."""
    names = [
        name
        for name, stored in contents.arrays.items()
        if stored.dtype.kind == "c" and sum(n > 1 for n in stored.shape) > 1 and not is_known(name)
    ]
    return names[0] if len(names) == 1 else None


def _is_image(stored: Stored, axes: Axes) -> bool:
    """Whether the middle one of what is stacked is an image rather than its k-space."""
    middle = axes.stacked(stored.shape) // 2
    array = axes.arranged(stored[axes.window(stored.shape, middle) if middle else ()])
    return bool(np.isfinite(array).all()) and is_image(array)


def _kspace_axes(
    path: Path, contents: Contents, name: str, stored: Stored, axes: Axes | None, what: str
) -> tuple[Axes, tuple[str, ...]]:
    shape = tuple(stored.shape)
    if axes is not None:
        return axes.fitted(shape, what), ()
    by_row = known_axes(name, "kspace", stored)
    if by_row is not None:
        return by_row, ()
    usual = _usual(contents, len(shape))
    if usual is not None and len(shape) == 3 and stored.dtype.kind == "c" and _is_single_coil(path, contents):
        return usual, ()
    found = _told_axes(contents, stored, what)
    if usual == found or (len(shape) == 2 and stored.dtype.kind == "c"):
        return found, ()
    other = "" if usual is None else f"; --axes {usual} reads it otherwise"
    return found, (f"{what} of shape {shape} was read as axes {found}, as its numbers tell{other}.",)


def _usual(contents: Contents, count: int) -> Axes | None:
    """So many axes of k-space in the usual order of a file."""
    names = {3: ("slice", "y", "x"), 4: ("slice", "coil", "y", "x")}.get(count)
    return None if names is None else Axes(tuple(name for name in contents.order if name in names))


def _told_axes(contents: Contents, stored: Stored, what: str) -> Axes:
    """The axes that the numbers tell; of a file whose first axis is the fastest, by them in the opposite order, where
    an axis of length one tells nothing: third, it may be of coils as well as of partitions, before coils."""
    if contents.order != FASTEST_FIRST:
        return told_axes(stored, what)
    if len(stored.shape) > 3 and 1 in stored.shape:
        return _told_axes(contents, stored[()].squeeze(), what).fitted(stored.shape, what)
    try:
        found = told_axes(Turned(stored), what)
    except InputError as error:
        raise InputError(
            f"{what} of shape {tuple(stored.shape)}, {stored.dtype}, does not tell what its axes are; say it in the "
            "order of the shape, such as --axes y,x,coil,slice or y,x,coil,part."
        ) from error
    swapped = {"y": "x", "x": "y"}
    return Axes(tuple(swapped.get(name, name) for name in found.names[::-1]))


def _is_single_coil(path: Path, contents: Contents) -> bool:
    """Whether a file is of fastMRI's single-coil data, whatever its numbers tell."""
    said = any(name in contents.attributes for name in _SINGLE_COIL) or contents.text(HEADER) is not None
    return said or "singlecoil" in path.name.lower()


def read_picture_in(opened: Opened, path: Path) -> Picture:
    """The picture in a file of named arrays.

    Raises:
        InputError: it is broken, or does not hold a picture.
    """
    with opened(path) as contents:
        held = {key: contents.find(name) for key in PICTURE_KEYS if (name := find_name(contents, key)) is not None}
        for key, stored in held.items():
            if stored is not None:
                check_numbers(path, key, stored)
        arrays = {key: stored[()] for key, stored in held.items() if stored is not None}
        if contents.order == FASTEST_FIRST:  # slices are the last axis
            arrays = {key: np.moveaxis(one, -1, 0) if one.ndim == 3 else one for key, one in arrays.items()}
    return picture_of(path, arrays)


def known_of(path: Path, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What arrays by ``KNOWN_KEYS`` say of all slices of a `Scan`, by its arguments.

    Raises:
        InputError: they are no numbers.
    """
    for key in arrays.keys() & set(KNOWN_KEYS):
        check_numbers(path, key, arrays[key])
    return {
        "mask": arrays.get("mask"),
        "noise_std": as_level(path, arrays.get("noise_std")),
        "noise": arrays.get("noise"),
    }


def picture_of(path: Path, arrays: Mapping[str, Any]) -> Picture:
    """The picture that arrays by ``PICTURE_KEYS`` are.

    Raises:
        InputError: they are no picture.
    """
    if "image" not in arrays:
        raise InputError(f"{path} has no dataset 'image', which inpainting and denoising begin from.")
    for key, array in arrays.items():
        check_numbers(path, key, np.asarray(array))
    mask, truth = arrays.get("mask"), arrays.get("ground_truth")
    return Picture(
        as_images(arrays["image"]),
        None if mask is None else np.asarray(mask) != 0,
        as_level(path, arrays.get("noise_std")),
        None if truth is None else as_images(truth),
        str(path),
    )


def as_images(array: NDArray[Any]) -> NDArray[np.inexact]:
    """Numbers as images ``(slices, H, W)`` in single precision; a single image has an axis of one slice."""
    with np.errstate(over="ignore"):  # too large for single precision becomes infinity, refused later
        array = array.astype(np.complex64 if np.iscomplexobj(array) else np.float32)
    return array[None] if array.ndim == 2 else array


def as_level(path: Path, level: Any) -> float | None:
    """A noise level, where there is one.

    Raises:
        InputError: it is not one real number.
    """
    if level is None:
        return None
    if np.size(level) != 1 or np.asarray(level).dtype.kind not in "fiu":
        raise InputError(f"{path}: noise_std must be one number, not {np.shape(level)} of {np.asarray(level).dtype}.")
    return float(np.asarray(level).item())


def check_numbers(path: Path, key: str, stored: Any) -> None:
    """Refuse an array of texts or records.

    Raises:
        InputError: it is one.
    """
    if stored.dtype.kind not in "biufc":
        raise InputError(f"{path}: {key} of shape {tuple(stored.shape)} holds {stored.dtype}, not numbers.")
