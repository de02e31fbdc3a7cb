"""Images that are noisy or have holes: what inpainting and denoising begin from."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from invdiff.data.geometry import Geometry
from invdiff.errors import InputError
from invdiff.files.digest import digest_of

_FEWEST_WAVELETS = 32  # the median of so many is right to a sixth


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """An image ``(slices, H, W)``, float32 or complex64, and what is known of it.

    Args:
        image: what was seen.
        mask: bool ``(H, W)``, true where pixels are known; ``None``: all of them.
        noise_std: of each real number; ``None`` where unknown.
        ground_truth: the image without noise and holes, of the same shape.
        name: for messages.
        geometry: of the pixels, and where every slice lies; ``None`` where unknown.

    Raises:
        InputError: shapes do not agree, numbers are not finite, or everything known is zero.
    """

    image: NDArray[np.inexact]
    mask: NDArray[np.bool_] | None = None
    noise_std: float | None = None
    ground_truth: NDArray[np.inexact] | None = None
    name: str = "image"
    geometry: Geometry | None = None

    def __repr__(self) -> str:
        known = "unknown" if self.noise_std is None else f"{self.noise_std:.3g}"
        return f"Picture({self.name!r}, {self.image.shape} {self.image.dtype}, noise_std: {known})"

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.size == 0:
            raise InputError(
                f"{self.name}: the image has shape {self.image.shape}; it must be (slices, H, W) or (H, W)."
            )
        shape = self.image.shape
        if self.mask is not None and self.mask.shape != shape[1:]:
            raise InputError(
                f"{self.name}: the mask has shape {self.mask.shape} but the image {shape[1:]}; they must agree."
            )
        if self.ground_truth is not None and self.ground_truth.shape != shape:
            raise InputError(f"{self.name}: ground_truth has shape {self.ground_truth.shape} but the image {shape}.")
        if self.ground_truth is not None and not np.isfinite(self.ground_truth).all():
            raise InputError(f"{self.name}: ground_truth holds NaN or infinity; mend it or leave it out of the file.")
        if self.noise_std is not None and not 0 <= self.noise_std < np.inf:
            raise InputError(f"{self.name}: noise_std is {self.noise_std}; it must be a finite number, zero or more.")
        if not self.sampled.any():
            raise InputError(f"{self.name}: the mask of shape {shape[1:]} says that no pixel is known.")
        seen = self.image[:, self.sampled]
        if not np.isfinite(seen).all():
            raise InputError(f"{self.name}: the image holds NaN or infinity; mark those pixels as unknown in a mask.")
        if not seen.any():
            raise InputError(f"{self.name}: the image is zero everywhere.")
        if self.geometry is not None:
            self.geometry.check(self.name, self.image_shape, self.slices)

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """The mask, all true where there is none."""
        return np.ones(self.image.shape[1:], bool) if self.mask is None else self.mask

    @property
    def slices(self) -> int:
        """Number of slices."""
        return len(self.image)

    def digest(self, index: int) -> str:
        """The SHA-256 of all that is known of a slice."""
        truth = None if self.ground_truth is None else self.ground_truth[index]
        return digest_of(self.noise_std, self.image[index], self.sampled, truth)

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.image.shape[1], self.image.shape[2]

    @property
    def empty(self) -> frozenset[int]:
        """Slices of which nothing was seen: every known pixel is zero."""
        return frozenset(np.flatnonzero(~self.image[:, self.sampled].any(axis=1)).tolist())

    def select(self, slices: Sequence[int]) -> Self:
        """The picture of these slices alone."""
        index = list(slices)
        truth = None if self.ground_truth is None else self.ground_truth[index]
        geometry = None if self.geometry is None else self.geometry.select(index)
        return dataclasses.replace(self, image=self.image[index], ground_truth=truth, geometry=geometry)

    def with_noise_std(self) -> Self:
        """The picture with its noise level; where unknown, the median magnitude of its finest diagonal Haar wavelets
        tells it (Donoho & Johnstone 1994), of those alone whose four pixels are known, so holes are no noise.

        Raises:
            InputError: too few known pixels lie together.
        """
        if self.noise_std is not None:
            return self
        from scipy.stats import norm

        known = self.sampled
        whole = known[:-1, :-1] & known[:-1, 1:] & known[1:, :-1] & known[1:, 1:]
        if np.count_nonzero(whole) < _FEWEST_WAVELETS:
            raise InputError(
                f"{self.name}: too few known pixels lie together to tell the noise; give noise_std in the file, or "
                "--noise-std."
            )
        x = np.where(known, self.image, 0)
        wavelets = ((x[:, :-1, :-1] - x[:, :-1, 1:] - x[:, 1:, :-1] + x[:, 1:, 1:]) / 2)[:, whole]
        parts = np.abs([wavelets.real, wavelets.imag])
        parts = parts[parts > 0]  # a background set to zero, or a real image's lack of an imaginary part
        level = float(np.median(parts) / norm.ppf(0.75)) if parts.size else 0.0
        return dataclasses.replace(self, noise_std=level)
