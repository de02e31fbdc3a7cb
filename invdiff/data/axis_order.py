"""The order of k-space's axes, told by its numbers.

Signal gathers at one place along the axes of space, and spreads evenly over coils and slices. Coils see one object
through smooth maps: multiplied by a smooth ratio, and so in k-space convolved with a small kernel, one becomes another
(as in SMASH and GRAPPA: Griswold et al., Magnetic Resonance in Medicine 47, 2002). Slices differ by anatomy, which no
small kernel makes of another slice's; where they are alike, a plain factor makes one of the other as well as a kernel.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from invdiff.data.axes import ONE, Axes
from invdiff.data.masks import calibration_region, central
from invdiff.data.scale import largest_part
from invdiff.errors import InputError

Complex = NDArray[np.complexfloating[Any, Any]]

_GATHERED = 0.6  # of an axis, which signal spreads over: above, the axis is not one of space (measured: 0.02 to 0.39)
_MORE_GATHERED = 1.5  # times: axes of space stand out from all others
_COILS, _SLICES = 0.4, 0.25  # explained by kernels; between them nothing is told (measured: see the tests)
_KERNEL, _WINDOW, _FEWEST = 5, 20, 12  # samples of k-space along either axis
_RIDGE = 1e-2  # of the mean power
_CHANNELS = 8  # at most, side by side
_SHORTEST = 16  # side of an image, below which its k-space says nothing
_MOST_COILS = 64  # a longer axis is one of slices or of space


class Stored(Protocol):
    """An array in memory, or in a file whose numbers are read when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its numbers."""

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        """The numbers at these places."""


def spread(array: Complex) -> tuple[float, ...]:
    """The part of each axis that signal spreads over: one where it is the same everywhere, 1 / n where it is at one
    place (the participation ratio of the power)."""
    power = np.abs(array / (largest_part(array) or 1.0)) ** 2
    found = []
    for axis in range(power.ndim):
        profile = power.sum(axis=tuple(other for other in range(power.ndim) if other != axis))
        total = float(profile.sum())
        found.append(1.0 if total == 0 else total**2 / (float((profile**2).sum()) * len(profile)))
    return tuple(found)


def alike_as_coils(kspace: Complex) -> float | None:
    """How much better small kernels make one channel of another than factors do: near one for coils of a slice, near
    zero for slices of a coil; ``None`` where the sampled centre of k-space is too small to tell.

    Of what the best factor leaves of a channel, on lines that it was not fitted to, the part that the best kernel from
    the same other channel explains; the median over channels.

    Args:
        kspace: complex ``(channels, H, W)``.
    """
    first = _middle(len(kspace))
    centre = _centre(kspace[first : first + _CHANNELS])
    if centre is None or len(centre) < 2:
        return None
    patches = sliding_window_view(centre, (_KERNEL, _KERNEL), axis=(-2, -1))
    middle = patches[..., _KERNEL // 2, _KERNEL // 2].reshape(len(centre), -1)
    columns = patches.reshape(len(centre), middle.shape[1], -1)
    halves = np.repeat(np.arange(patches.shape[1]) // 2 % 2 == 0, patches.shape[2])
    found = []
    for channel, target in enumerate(middle):
        level = np.sqrt((np.abs(columns[channel]) ** 2).mean(axis=1))
        if not level.any():
            continue
        level = np.maximum(level, 0.1 * level.mean())  # low frequencies would hide all others
        left = []
        for other in range(len(centre)):
            if other != channel and middle[other].any():
                kernel, factor = (
                    _left(source / level[:, None], target / level, halves)
                    for source in (columns[other], middle[other][:, None])
                )
                left.append((kernel, factor))
        if left:
            kernel, factor = min(left)
            found.append(1 - kernel / max(factor, 1e-12))
    return float(np.median(found)) if found else None


def told_axes(stored: Stored, what: str) -> Axes:
    """The axes of k-space by its numbers, of which no more are read than that takes.

    Usual are (slice, coil, y, x), (slice, y, x) and (y, x), axes of length one aside, and data that do not speak
    against it are so. Real numbers are pairs of real and imaginary parts, along an axis of two, the last or the first,
    or interleaved with the coils along the last.

    Args:
        stored: k-space as its file has it.
        what: it is, for sentences.

    Raises:
        InputError: the data speak against the usual order and for no other, or do not tell coils from slices.
    """
    shape = tuple(stored.shape)
    if stored.dtype.kind == "c":
        block = stored[_middle(shape[0]) : _middle(shape[0]) + _CHANNELS] if len(shape) > 2 else stored[()]
        return Axes(_told(block, lambda: stored[()], what))
    if len(shape) > 2 and shape[-1] == 2:
        return Axes((*_told_whole(_pairs(stored[()], -1), what), "part"))
    if len(shape) > 2 and shape[0] == 2:
        return Axes(("part", *_told_whole(_pairs(stored[()], 0), what)))
    if len(shape) == 4 and shape[-1] % 2 == 0:
        array = stored[()]
        names = _told_whole(array[..., ::2] + 1j * array[..., 1::2], what)
        if names[-1] == "coil":
            return Axes((*names[:-1], "coil*part"))
    raise InputError(
        f"{what} of shape {shape} holds {stored.dtype}, not complex numbers; where real and imaginary parts are pairs, "
        "say along which axis: --axes slice,coil,y,x,part."
    )


def _pairs(array: NDArray[Any], axis: int) -> Complex:
    real, imaginary = np.moveaxis(array, axis, 0)
    found: Complex = real + 1j * imaginary
    return found


def _middle(count: int) -> int:
    return max(0, count // 2 - _CHANNELS // 2)


def _told_whole(array: Complex, what: str) -> tuple[str, ...]:
    return _told(array, lambda: array, what)


def _told(block: Complex, read: Callable[[], Complex], what: str) -> tuple[str, ...]:
    """A name for each axis of k-space.

    Args:
        block: its middle along the first axis.
        read: all of it.
        what: it is, for sentences.
    """
    last = (block.ndim - 2, block.ndim - 1)
    if block.ndim == 2:
        return "y", "x"
    block, space = _finite(block), last
    if not (min(block.shape[-2:]) > _MOST_COILS and max(spread(block)[-2:]) < _GATHERED):
        block = _finite(read())
        space = _space(block, what)
    longer = [axis for axis, n in enumerate(block.shape) if n > 1]
    others = [axis for axis in longer if axis not in space]
    if block.ndim == 4 and space == last and len(others) < 2:
        return "slice", "coil", "y", "x"
    if len(others) > 2:
        raise InputError(f"{what} has shape {block.shape}; say what its axes are, such as --axes slice,coil,y,x.")
    names = [ONE] * block.ndim
    names[space[0]], names[space[1]] = "y", "x"
    alike = [alike_as_coils(_stack(block, axis, space)) for axis in others]
    for axis, name in zip(others, _named(alike, space == last, block.shape, what), strict=True):
        names[axis] = name
    if names.count(ONE) == 1 and "slice" not in names:
        names[names.index(ONE)] = "slice"
    return tuple(names)


def _finite(array: Complex) -> Complex:
    """Zeros in the place of NaN and infinity, which are refused when the scan is read."""
    return np.where(np.isfinite(array), array, 0)


def _space(array: Complex, what: str) -> tuple[int, int]:
    """The two axes of space: the last two, if the numbers do not say clearly that it is two others."""
    last = (array.ndim - 2, array.ndim - 1)
    longer = [axis for axis, n in enumerate(array.shape) if n > 1]
    if len(longer) == 2 and min(array.shape[axis] for axis in longer) >= _SHORTEST:
        return longer[0], longer[1]
    if len(longer) < 3:
        return last
    found = spread(array)
    ranked = sorted(longer, key=lambda axis: found[axis])
    first, second = sorted(ranked[:2])
    is_image = min(array.shape[first], array.shape[second]) >= _SHORTEST
    if (first, second) == last or found[ranked[1]] >= _GATHERED or not is_image:
        return last
    if found[ranked[2]] >= _MORE_GATHERED * found[ranked[1]]:
        return first, second
    if max(found[axis] for axis in last) < _GATHERED:
        return last
    raise InputError(
        f"{what} of shape {array.shape} does not tell which axes are those of space; say what its axes are, such as "
        "--axes slice,coil,y,x."
    )


def _stack(array: Complex, axis: int, space: tuple[int, int]) -> Complex:
    """Channels ``(n, H, W)`` along an axis, at the strongest position of what is left."""
    sides = [array.shape[one] for one in (axis, *space)]
    moved = np.moveaxis(array, (axis, *space), (-3, -2, -1)).reshape(-1, *sides)
    power = (np.abs(moved / (largest_part(moved) or 1.0)) ** 2).sum(axis=(1, 2, 3))
    found: Complex = moved[int(np.argmax(power))]
    return found


def _named(alike: list[float | None], is_last: bool, shape: tuple[int, ...], what: str) -> tuple[str, ...]:
    """What axes beside those of space are, ``coil`` or ``slice``, by how much their channels are alike as coils are."""
    coils = [one is not None and one >= _COILS for one in alike]
    slices = [one is not None and one < _SLICES for one in alike]
    match coils, slices:
        case [[], _]:
            return ()
        case [[True], _]:
            return ("coil",)
        case [_, [True]]:
            return ("slice",)
        case [[True, _], [_, True]]:
            return "coil", "slice"
        case [[_, True], [True, _]]:
            return "slice", "coil"
        case [[_, _], _] if is_last:
            return "slice", "coil"
    told = ", ".join("nothing" if one is None else f"{one:.2f}" for one in alike)
    raise InputError(
        f"{what} of shape {shape} does not tell coils from slices (channels explain each other by {told}; coils do by "
        f"{_COILS:g} or more, slices by less than {_SLICES:g}); say what its axes are: --axes coil,y,x or --axes "
        "slice,y,x, in the order of the shape."
    )


def _centre(kspace: Complex) -> Complex | None:
    """The fully sampled centre ``(channels, h, w)``, about the strongest sample; of each channel, the largest part is
    one, whatever it is to others."""
    power = np.abs(kspace / (largest_part(kspace) or 1.0)).sum(axis=0)
    peak = np.unravel_index(int(np.argmax(power)), power.shape)
    about = tuple(n // 2 - int(place) for n, place in zip(power.shape, peak, strict=True))
    sides = [min(side, _WINDOW) for side in calibration_region(np.roll(power, about, (0, 1)) > 0)]
    if min(sides) < _FEWEST:
        return None
    window = np.roll(kspace, about, (-2, -1))[:, *central(power.shape, sides)]
    return np.stack([channel / (largest_part(channel) or 1.0) for channel in window])


def _left(columns: Complex, target: Complex, halves: NDArray[np.bool_]) -> float:
    """The part of a target's power that columns fitted to one half of its rows leave of the other half."""
    left = 0.0
    for half in (halves, ~halves):
        fitted, judged = columns[half], columns[~half]
        gram = fitted.conj().T @ fitted
        ridge = _RIDGE * float(np.trace(gram).real) / len(gram) * np.eye(len(gram)) if len(gram) > 1 else 0.0
        weights = np.linalg.lstsq(gram + ridge, fitted.conj().T @ target[half])[0]
        left += float((np.abs(target[~half] - judged @ weights) ** 2).sum())
    return left / float((np.abs(target) ** 2).sum())
