"""How densely a trajectory samples k-space, as a picture shows it."""

import numpy as np
from numpy.typing import NDArray


def sampling_density(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    """How many samples lie near each position of the grid, ``(H, W)``: each is shared among the four positions around
    it, bilinearly, so that lines between positions stay lines.

    Args:
        points: ``(samples, 2)`` in cycles per pixel, from -1/2 to 1/2.
        shape: (H, W), the centre at ``n // 2``.
    """
    places = points * shape + np.array(shape) // 2
    before = np.floor(places).astype(int)
    after = places - before
    found = np.zeros(np.add(shape, 1))  # what lies past the last position is shared with one beyond it
    for step in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = np.where(step, after, 1 - after).prod(axis=-1)
        np.add.at(found, tuple((before + step).clip(0, shape).T), share)
    return found[: shape[0], : shape[1]].astype(np.float32)
