"""From a magnitude slice to a random complex training image: contrast, geometry, resolution, phase."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

Complex = NDArray[np.complex64]


def random_contrast(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random monotone curve on [0, 1], half the time: one contrast-heavy data set must serve many contrasts."""
    if rng.random() < 0.5:
        return image
    exponent = math.exp(rng.uniform(math.log(0.5), math.log(1.8)))
    curved: NDArray[np.float32] = np.clip(image, 0, None) ** exponent
    if rng.random() < 0.25:  # dark becomes bright inside the body, air stays black
        curved = curved.max() * (image > 0.03) - curved * (image > 0.03)
        curved = ndimage.gaussian_filter(curved, 0.5)
    return curved.astype(np.float32)


def random_resolution(image: Complex, rng: np.random.Generator, smallest: float = 0.4) -> Complex:
    """Cut k-space to a random smaller square, half the time: the image a coarser scan would have given."""
    if rng.random() < 0.5:
        return image
    scale = math.exp(rng.uniform(math.log(smallest), 0.0))
    height, width = (max(32, 2 * round(side * scale / 2)) for side in image.shape)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    if top <= 0 or left <= 0:
        return image
    kspace = np.fft.fftshift(np.fft.fft2(image))[top : top + height, left : left + width]
    factor = height * width / (image.shape[0] * image.shape[1])
    coarse: Complex = (np.fft.ifft2(np.fft.ifftshift(kspace)) * factor).astype(np.complex64)
    return coarse


def random_phase(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth random phase in radians: a constant, a ramp and a coarse random field of random strength and
    smoothness."""
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    phase = rng.uniform(-np.pi, np.pi) + rng.normal(0, 1.0) * x + rng.normal(0, 1.0) * y
    knots = int(rng.integers(2, 9))
    coarse = torch.from_numpy(rng.normal(0, rng.uniform(0, 1.2), (1, 1, knots, knots)))
    field = torch.nn.functional.interpolate(coarse, shape, mode="bicubic", align_corners=True)
    return np.asarray(phase + field[0, 0].numpy(), dtype=np.float32)


def random_crop(image: Complex, side: int, rng: np.random.Generator) -> Complex:
    """A square of the given side, flipped and turned at random; a smaller image is set into zeros."""
    pad = [max(0, side - n) for n in image.shape]
    if any(pad):
        image = np.pad(image, [(p // 2, p - p // 2) for p in pad])
    top, left = (int(rng.integers(0, n - side + 1)) for n in image.shape)
    patch = image[top : top + side, left : left + side]
    patch = np.rot90(patch, int(rng.integers(4)))
    return patch[::-1] if rng.random() < 0.5 else patch


def training_image(magnitude: NDArray[np.uint8], side: int, rng: np.random.Generator) -> Complex:
    """One random complex image (side, side) of a magnitude slice whose 99.9th percentile is 250; scale: that becomes
    about 1."""
    image = random_contrast((magnitude / 250).astype(np.float32), rng)
    image = image * math.exp(rng.uniform(math.log(0.7), math.log(1.2)))
    crooked = image * np.exp(1j * random_phase((image.shape[0], image.shape[1]), rng))
    crooked = random_resolution(crooked.astype(np.complex64), rng)
    for _ in range(4):  # prefer a patch with something in it
        patch = random_crop(crooked, side, rng)
        if np.abs(patch).mean() > 0.03:
            break
    return np.ascontiguousarray(patch)
