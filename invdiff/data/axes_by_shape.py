"""The axes of what belongs to k-space of a known shape: coil maps, masks, images."""

from collections.abc import Mapping, Sequence
from itertools import chain, combinations, permutations

from invdiff.data.axes import ONE, Axes

_MOST_SETS = 4


def axes_by_shape(
    shape: Sequence[int],
    lengths: Mapping[str, int],
    *,
    required: Sequence[str],
    optional: Sequence[str] = (),
    order: Sequence[str],
    has_parts: bool = False,
) -> Axes | None:
    """The axes of an array by the lengths of its axes; ``None`` where they fit no order.

    Where they fit several, as for square images, it is the one with the fewest axes exchanged against ``order``; of
    these, the one with the fewest axes.

    Args:
        shape: of the array; axes of length one may mean nothing.
        lengths: of axes by name; ``set`` has none, and goes up to four.
        required: names of axes that it has.
        optional: names of axes that it may have.
        order: as axes usually stand.
        has_parts: whether one more, the last or the first, is of real and imaginary parts.
    """
    places = {name: place for place, name in enumerate(order)}
    found: list[tuple[int, int, tuple[str, ...]]] = []
    subsets = chain.from_iterable(combinations(optional, size) for size in range(len(optional) + 1))
    for subset in subsets:
        for names in permutations([*required, *subset]):
            for parted in ((*names, "part"), ("part", *names)) if has_parts else (names,):
                fitted = _fitted(parted, shape, lengths)
                if fitted is not None:
                    exchanged = sum(places[a] > places[b] for a, b in combinations(names, 2))
                    found.append((exchanged, len(names), fitted))
    return Axes(min(found, key=lambda one: one[:2])[2]) if found else None


def _fitted(names: Sequence[str], shape: Sequence[int], lengths: Mapping[str, int]) -> tuple[str, ...] | None:
    """The names, with axes of length one that mean nothing between them, or without such that are not there."""
    left = list(names)
    fitted = []
    for n in shape:
        while left and left[0] not in ("set", "part") and lengths[left[0]] == 1 and n != 1:
            if left[0] in ("y", "x"):
                return None
            left.pop(0)
        if left and _allows(left[0], n, lengths):
            fitted.append(left.pop(0))
        elif n == 1:
            fitted.append(ONE)
        else:
            return None
    return tuple(fitted) if all(name not in ("set", "part", "y", "x") and lengths[name] == 1 for name in left) else None


def _allows(name: str, n: int, lengths: Mapping[str, int]) -> bool:
    return {"set": n <= _MOST_SETS, "part": n == 2}.get(name, n == lengths.get(name))
