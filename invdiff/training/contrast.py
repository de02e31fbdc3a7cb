"""Random contrasts: one data set, heavy in a single contrast, has to serve them all."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Real = NDArray[np.float32]

_STEPS = 256


def monotone_curve(strength: float, rng: np.random.Generator) -> Real:
    """A smooth increasing curve from 0 to 1 at 257 equal steps: the logarithm of its slope is a random cosine series.

    With a ``strength`` of 0.5, curves lie mostly between those of the exponents 0.5 and 2.
    """
    t = np.linspace(0, 1, _STEPS + 1)
    orders = np.arange(1, 5)
    logarithm = np.cos(np.pi * np.outer(t, orders)) @ (rng.normal(0, 2 * strength, 4) / orders)
    slope = np.exp(np.clip(logarithm, -3, 3))
    curve = np.append(0.0, np.cumsum(slope[1:] + slope[:-1]))
    normalised: Real = (curve / curve[-1]).astype(np.float32)
    return normalised


def white(magnitude: Real) -> float:
    """About the 99.5th percentile, of every fourth row and column; zero for a dark image."""
    return float(np.quantile(magnitude[::4, ::4], 0.995))


def change_contrast(image: NDArray[Any], curve: Real, darkest: float | None = None) -> NDArray[Any]:
    """An image with its magnitude taken through a curve, between zero and white; what is brighter goes on straight.

    Args:
        image: float32 or complex64 ``(H, W)``; of a complex one the phase stays.
        curve: from 0 to 1 at equal steps.
        darkest: invert: inside the body, dark becomes white and white becomes ``darkest`` times white; air stays dark.

    Returns:
        The same shape and dtype; an image without anything in it comes back as it is.
    """
    magnitude = np.abs(image)
    top = white(magnitude)
    if top <= 0:
        return image
    position = magnitude * np.float32(_STEPS / top)
    step = np.minimum(position.astype(np.int32), _STEPS - 1)
    curved: Real = curve[step] + (position - step) * np.diff(curve)[step]
    if darkest is not None:
        inverse = np.clip(1 - np.float32(1 - darkest) * curved, 0, None)
        curved = inverse * _body(magnitude / np.float32(top))
    curved *= np.float32(top)
    if not np.iscomplexobj(image):
        return curved
    gain = np.divide(curved, magnitude, out=np.zeros_like(curved), where=magnitude > 0)
    changed: NDArray[Any] = image * gain
    return changed


def _body(magnitude: Real) -> Real:
    """One inside the body and zero in air, from magnitudes in units of white."""
    around = ndimage.uniform_filter(magnitude, 5)
    body: Real = np.clip((np.minimum(magnitude, around) - 0.03) / 0.07, 0, 1)
    return body
