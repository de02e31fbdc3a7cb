"""What is told of training images as a whole: how strong they are, and at which frequencies."""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from invdiff.training.images import Images

BINS, MOST = 32, 256
"""Of the power spectrum; and how many images are looked at, evenly spaced."""


@dataclass(frozen=True)
class ImageStatistics:
    """Of images in the units of training.

    Attributes:
        data_std: root of half the mean squared magnitude: the standard deviation of one real component once the phase
            is random.
        power_spectrum: mean power (units squared, orthonormal FFT) in bins of equal width of |k|, from 0 to the Nyquist
            frequency.
    """

    data_std: float
    power_spectrum: tuple[float, ...]


def image_statistics(images: Images) -> ImageStatistics:
    """The statistics of up to 256 evenly spaced images, a bin that none has a frequency in taken from the one below."""
    power, count, energy, pixels = np.zeros(BINS), np.zeros(BINS), 0.0, 0
    for index in np.linspace(0, len(images) - 1, min(MOST, len(images))).round().astype(int):
        image = images[int(index)]
        spectrum = np.abs(scipy.fft.fft2(image, norm="ortho")) ** 2
        k = np.hypot(scipy.fft.fftfreq(image.shape[0])[:, None], scipy.fft.fftfreq(image.shape[1])) / 0.5
        within = k <= 1
        bins = np.minimum((k[within] * BINS).astype(int), BINS - 1)
        power += np.bincount(bins, spectrum[within], BINS)
        count += np.bincount(bins, minlength=BINS)
        energy, pixels = energy + float(spectrum.sum()), pixels + image.size
    filled = np.maximum.accumulate(np.where(count > 0, np.arange(BINS), 0))
    mean = power[filled] / count[filled]
    return ImageStatistics(float(np.sqrt(energy / pixels / 2)), tuple(mean.tolist()))
