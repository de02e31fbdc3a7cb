"""Images that need no file: random heads, drawn when they are asked for."""

import math
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from invdiff.errors import InputError
from invdiff.priors import Intensity
from invdiff.training.positive import Positive
from invdiff.training.sources.base import Images, Split

Real = NDArray[np.float32]


class PhantomImages(BaseModel):
    """Random phantoms of random contrast with the parts of a head: scalp, skull, folds, ventricles, lesions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["phantoms"] = Field("phantoms", description="Random heads that the package draws.")
    count: int = Field(10_000, ge=1, le=1_000_000_000, description="How many to train on.")
    val_count: int = Field(
        64, ge=1, le=1_000_000_000, description="How many to validate on; none of them is trained on."
    )
    side: int = Field(128, ge=32, le=1024, description="Side of the square images.")
    seed: int = Field(0, ge=0, description="Image i follows from it and i alone.")
    percentile: float = Field(
        99.9, gt=0, le=100, description="Percentile of an image's magnitude that becomes `value`."
    )
    value: Positive = Field(1.0, description="What `percentile` becomes: white in training.")

    def read(self, split: Split, strict: bool = False) -> Images:
        """The images of one split; nothing can be bad, so ``strict`` changes nothing."""
        return _Phantoms(self, split)


class _Phantoms(Images):
    def __init__(self, config: PhantomImages, split: Split) -> None:
        self.intensity = Intensity(config.percentile, config.value)
        self._config, self._stream = config, ("train", "val").index(split)
        self._count = config.count if split == "train" else config.val_count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> NDArray[Any]:
        if not -self._count <= index < self._count:
            raise IndexError(index)
        rng = np.random.default_rng((self._config.seed, self._stream, index % self._count))
        image = draw_head(self._config.side, rng)
        white = float(np.percentile(image, self.intensity.percentile))
        if not white > 0:
            raise InputError(
                f"The {self.intensity.percentile:g}th percentile of a random head is {white:g}, so it can't be scaled; "
                "raise data.percentile."
            )
        return image * np.float32(self.intensity.value / white)


def draw_head(side: int, rng: np.random.Generator) -> Real:
    """One random head, float32 ``(side, side)``, at least zero, of no particular scale.

    Its outline is an ellipse with a few harmonics; tissues lie in shells of it and in ellipses on both sides of a
    midline, folds are a random field of nearly one wavelength cut at a level (which gives labyrinths like those of
    the cortex), and vessels are where a smoother field is zero. Edges are a pixel wide.
    """
    half = side / 2
    y, x = np.ogrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    tilt = rng.normal(0, 0.15)
    y, x = y - rng.normal(0, 0.04), x - rng.normal(0, 0.04)
    v = (math.cos(tilt) * y + math.sin(tilt) * x).astype(np.float32)
    u = (math.cos(tilt) * x - math.sin(tilt) * y).astype(np.float32)
    height, width = rng.uniform(0.62, 0.92), rng.uniform(0.55, 0.8)
    angle = np.arctan2(v / height, u / width)
    outline = 1 + sum(rng.normal(0, 0.05 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in range(2, 6))
    depth = (1 - np.hypot(v / height, u / width) / outline).astype(np.float32)  # one at the centre, zero on the skin
    radius = half * (height + width) / 2

    def below(level: float | Real) -> Real:
        """Where ``depth`` is above a level, with an edge of a pixel."""
        inside: Real = np.clip((depth - level) * radius + 0.5, 0, 1)
        return inside

    fat, marrow, fluid, grey, white = rng.uniform(0.15, 1.0, 5).astype(np.float32)
    folds = _field(side, max(3.0, radius * rng.uniform(0.12, 0.3)), 0.25, rng)
    smooth = _field(side, radius, 0.5, rng)
    fine = _field(side, max(3.0, radius * rng.uniform(0.1, 0.3)), 0.6, rng)
    texture = _field(side, 4.0, 0.5, rng)

    skull = rng.uniform(0.04, 0.1) * (1 + 0.2 * smooth)
    inner = skull + rng.uniform(0.04, 0.09)
    cortex = inner + rng.uniform(0.01, 0.05) * (1 + 0.3 * smooth)
    image = fat * (1 + 0.15 * folds) * below(0)
    _blend(image, marrow * rng.uniform(0, 0.5) * np.clip(1 + 0.4 * texture, 0, None), below(skull))
    _blend(image, rng.uniform(0, 0.12), below(skull) - below(skull + 0.02) + below(inner - 0.02) - below(inner))
    _blend(image, fluid, below(inner))
    rind = rng.uniform(0.1, 0.35)  # how deep the folds reach
    ribbon = np.clip((folds + 1.5 - 3 * (depth - cortex) / rind) * radius * 0.1 + 0.5, 0, 1)
    _blend(image, white + (grey - white) * ribbon, below(cortex))
    sulci = _line(folds - rng.uniform(0.2, 0.8), rng.uniform(0.4, 1.2)) * np.clip(1 - (depth - inner) / rind, 0, 1)
    _blend(image, fluid, sulci * below(inner))

    brain = below(cortex)
    aside = np.abs(u + 0.02 * smooth)  # both sides alike, but not quite
    for tissue in [fluid, fluid, grey, *rng.uniform(0.1, 1.0, 2)]:  # ventricles, nuclei
        place = rng.uniform(0.05, 0.22), rng.uniform(-0.3, 0.3)
        size = rng.uniform(0.03, 0.12), rng.uniform(0.04, 0.22)
        _blend(image, tissue, brain * _ellipse(aside, v + 0.03 * smooth, place, size, rng.normal(0, 0.5), half))
    midline = _line(u + 0.02 * smooth, rng.uniform(0.4, 1.0)) * np.clip(3 * np.abs(v), 0, 1)
    _blend(image, rng.uniform(0, 1), brain * midline)
    vessels = _line(fine + rng.uniform(-1, 1), rng.uniform(0.3, 1.0)) * np.clip(smooth * 2, 0, 1)
    _blend(image, rng.uniform(0, 1.5), rng.uniform(0.3, 1) * brain * vessels)
    for _ in range(rng.integers(0, 9)):  # lesions, and whatever else is round
        where, extent = rng.normal(0, 0.35, 2), np.exp(rng.uniform(math.log(0.015), math.log(0.2), 2))
        softness, turn = rng.uniform(0.2, 1), rng.uniform(0, np.pi)
        blob = _ellipse(u + 0.03 * fine, v + 0.03 * smooth, where, extent, turn, half * softness)
        _blend(image, rng.uniform(0, 1.2), rng.uniform(0.3, 1) * below(0) * blob)

    image *= 1 + rng.uniform(0.01, 0.08) * texture + rng.uniform(0, 0.06) * fine
    image *= np.exp(rng.uniform(0, 0.3) * smooth)  # as coils are near or far
    head: Real = np.clip(image, 0, None)
    return head


def _blend(image: Real, value: float | Real, weight: Real) -> None:
    """Lay a value over the image, in place."""
    image += weight * (value - image)


def _ellipse(x: Real, y: Real, place: Any, size: Any, angle: float, pixels: float) -> Real:
    """One inside, zero outside, with an edge of a pixel where ``pixels`` a unit are right, and softer where fewer."""
    x, y = x - np.float32(place[0]), y - np.float32(place[1])
    c, s = math.cos(angle), math.sin(angle)
    radius = np.hypot((c * x + s * y) / size[0], (c * y - s * x) / size[1])
    inside: Real = np.clip((1 - radius) * (pixels * min(size)) + 0.5, 0, 1).astype(np.float32)
    return inside


def _line(field: Real, width: float) -> Real:
    """One where a field is zero, falling off within ``width`` pixels."""
    slope = np.hypot(*np.gradient(field))
    line: Real = np.exp(-np.square(field / (width * slope + 1e-6))).astype(np.float32)
    return line


def _field(side: int, wavelength: float, octaves: float, rng: np.random.Generator) -> Real:
    """A Gaussian field of unit variance with wavelengths about ``wavelength`` pixels, log-normally spread."""
    k = np.hypot(scipy.fft.fftfreq(side)[:, None], scipy.fft.rfftfreq(side))
    k[0, 0] = np.inf
    weight = np.exp(-0.5 * (np.log(k * wavelength) / octaves) ** 2).astype(np.float32)
    noise = rng.standard_normal((side, side), dtype=np.float32)
    field: Real = scipy.fft.irfft2(scipy.fft.rfft2(noise) * weight, (side, side))
    return field / max(float(field.std()), 1e-6)
