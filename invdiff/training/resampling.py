"""Shifts, rotations and changes of resolution by Fourier transforms, which leave detail as sharp as it was.

Other interpolations weaken high frequencies, and a network that is trained on their results learns to blur. Of ten
heads turned by 7.3 degrees and shifted by half a pixel the power between half and all of the Nyquist frequency stayed
within REPLACE.
"""

import math
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

Image = NDArray[Any]
"""float32 or complex64 ``(H, W)``; so is what comes back."""


def resize(image: Image, shape: tuple[int, int]) -> Image:
    """The same field of view with other numbers of pixels: k-space cut to a rectangle, or filled up with zeros.

    A cut gives the image of a coarser scan. Filling up gives one whose highest frequencies are empty.
    """
    for axis, n in enumerate(shape):
        if n != image.shape[axis]:
            image = scipy.signal.resample(image, n, axis=axis)
    return image


def shift(image: Image, offsets: tuple[float, float]) -> Image:
    """The image moved down and to the right by any number of pixels; what leaves it comes in at the other side."""
    for axis, offset in enumerate(offsets):
        if offset:
            image = _shift_lines(image, np.full(image.shape[1 - axis], offset), axis)
    return image


def rotate(image: Image, angle: float, offsets: tuple[float, float] = (0.0, 0.0)) -> Image:
    """The image turned about its centre pixel by ``angle`` in radians, from rows to columns, and moved by ``offsets``.

    Three shears (Unser, Thévenaz and Yaroslavsky, IEEE Transactions on Image Processing 4, 1995), each of them a
    Fourier shift of every line. Corners show the image mirrored at its edges. Best for angles of up to 45 degrees.
    """
    if not angle:
        return shift(image, offsets)
    along, across = math.tan(angle / 2), math.sin(angle)
    height, width = image.shape
    margin = math.ceil(abs(across) * width / 2) + 2, math.ceil(abs(along) * height / 2) + 2
    margin = min(margin[0], height), min(margin[1], width)
    padded = np.pad(image, [(m, m) for m in margin], mode="symmetric")
    rows, columns = (np.arange(-(n // 2) - m, n - n // 2 + m) for n, m in zip(image.shape, margin, strict=True))
    padded = _shift_lines(padded, -along * rows, axis=1)
    padded = _shift_lines(padded, across * columns + offsets[0], axis=0)
    padded = _shift_lines(padded, offsets[1] - along * (rows - offsets[0]), axis=1)
    return padded[margin[0] : margin[0] + height, margin[1] : margin[1] + width]


def _shift_lines(image: Image, offsets: NDArray[Any], axis: int) -> Image:
    """Every line along ``axis`` moved by its own number of pixels."""
    n = image.shape[axis]
    is_complex = np.iscomplexobj(image)
    k = (-2 * np.pi * (scipy.fft.fftfreq(n) if is_complex else scipy.fft.rfftfreq(n))).astype(np.float32)
    offsets = np.asarray(offsets, np.float32)
    angle = np.multiply.outer(offsets, k) if axis == 1 else np.multiply.outer(k, offsets)
    ramp = np.empty(angle.shape, np.complex64)
    ramp.real, ramp.imag = np.cos(angle), np.sin(angle)
    if is_complex:
        moved: Image = scipy.fft.ifft(scipy.fft.fft(image, axis=axis) * ramp, axis=axis, overwrite_x=True)
    else:
        moved = scipy.fft.irfft(scipy.fft.rfft(image, axis=axis) * ramp, n, axis=axis, overwrite_x=True)
    return moved
