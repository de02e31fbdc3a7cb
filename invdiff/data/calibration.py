"""Coil maps that explain the calibration data: which crop, and how many sets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invdiff.data.centre import power_of
from invdiff.data.espirit import LARGEST_CALIBRATION, Eigenmaps, eigenmaps
from invdiff.data.masks import calibration_region, central
from invdiff.data.noise import estimate_noise
from invdiff.data.scale import largest_part
from invdiff.data.scan import CoilData, Scan
from invdiff.errors import InputError

Complex = NDArray[np.complex64]

FEWEST_COILS = 4
"""For two map sets to be chosen: of fewer coils they explain nearly anything."""

CROPS = (0.9, 0.8, 0.7, 0.5, 0.3, 0.0)
_SECOND_SET = 0.7  # the least crop of two sets: where two images overlap, the second eigenvalue is near one too
_AS_GOOD = 1.03  # residuals within this factor are not told apart, so that the higher crop wins
_UNEXPLAINED = 1.3  # times what noise alone would leave: the maps miss something
_BETTER = 0.35  # of the power that one set leaves beyond noise, a second may leave at most
_NOISE_ALONE = (0.98, 1.05)  # of the norm of calibration data: the rest is chance, and a level beyond is not theirs
_MOSTLY_NOISE = 0.7  # half of the power
_WEIGHT = 1e-3  # of the Tikhonov penalty of the fit, in units of the maps' power


@dataclass(frozen=True, eq=False)
class Calibration:
    """Coil maps, and how well they explain the data that they were made from.

    Attributes:
        maps: complex64 ``(slices, coils, H, W)``; ``(slices, 2, coils, H, W)`` where there are two sets.
        crop: eigenvalues below it were taken for background; None where maps were not estimated here.
        residual: the part of the calibration data, by norm, that no image seen through the maps explains.
        noise_residual: what of it noise alone would leave.
        noise: the part of the calibration data, by norm, that is noise.
    """

    maps: Complex
    crop: float | None
    residual: float
    noise_residual: float
    noise: float = 0.0

    @property
    def sets(self) -> int:
        """How many map sets there are."""
        return self.maps.shape[1] if self.maps.ndim == 5 else 1

    @property
    def excess(self) -> float:
        """The part of the calibration data's power that is left unexplained beyond what noise would leave."""
        return max(self.residual**2 - self.noise_residual**2, 0.0)

    @property
    def explains(self) -> bool:
        """Whether the residual is about what noise alone would leave, or small beside the signal."""
        return self.residual <= max(2 * self.noise_residual, 0.05)

    @property
    def is_of_noise(self) -> bool:
        """Whether maps were estimated from what is mostly noise, which they then explain and learn little from."""
        return self.crop is not None and self.noise >= _MOSTLY_NOISE


def calibrate(scan: CoilData, noise_std: float, *, crop: float | None = None, sets: int | None = None) -> Calibration:
    """ESPIRiT maps from a scan's fully sampled centre, or its calibration, with the highest crop that explains it as
    well as any, and a second set (soft SENSE; Uecker et al. 2014) where one leaves clearly more than noise and two
    clearly less than one.

    Args:
        scan: prewhitened, so that noise is alike in all coils.
        noise_std: of each real number of its k-space.
        crop: to be taken instead of choosing.
        sets: 1 or 2, to be taken instead of choosing.

    Raises:
        InputError: as `invdiff.data.eigenmaps`; the calibration data are noise alone, the crop leaves nothing, or
            ``sets`` is another number.
    """
    if sets not in (None, 1, 2):
        raise InputError(f"There is one map set, or two, but not {sets}.")
    if scan.coils == 1:
        return Calibration(ones_maps(scan), None, 0.0, 0.0)
    scan, noise_std = calibration_of(scan, noise_std)
    found = _eigenmaps(scan, noise_std, sets=2 if sets != 1 else 1)
    one = None if sets == 2 else _choose(scan, found, noise_std, CROPS if crop is None else (crop,), 1)
    if one is not None:
        enough = one.residual <= _UNEXPLAINED * one.noise_residual
        if sets == 1 or enough or scan.coils < FEWEST_COILS:
            return one
    crops = tuple(value for value in CROPS if value >= _SECOND_SET) if crop is None else (crop,)
    two = _choose(scan, found, noise_std, crops, 2)
    return two if one is None or two.excess <= _BETTER * one.excess else one


def estimated_maps(scan: CoilData, noise_std: float, *, crop: float, sets: int) -> Complex:
    """ESPIRiT maps of every slice at a crop and a number of sets that are known, as of `Calibration`.

    Raises:
        InputError: as `invdiff.data.eigenmaps`, or no pixel of a slice has an eigenvalue above the crop.
    """
    maps = np.stack([eigen.maps(crop, sets) for eigen in _eigenmaps(*calibration_of(scan, noise_std), sets)])
    if not maps.any():
        raise _nothing_above(scan, crop)
    return maps if sets > 1 else maps[:, 0]


def calibration_of(scan: CoilData, noise_std: float = 0.0) -> tuple[Scan, float]:
    """The scan whose centre calibrates another, and the noise in each real number of it: the scan itself; or where its
    calibration was measured apart, that in the middle of a matrix as large, with noise of its own.

    Args:
        scan: the other.
        noise_std: of its k-space.
    """
    if scan.calibration is None:
        assert isinstance(scan, Scan)  # along a trajectory, it is brought to a grid first
        return scan, noise_std
    sides = [min(side, n) for side, n in zip(scan.calibration.shape[2:], scan.image_shape, strict=True)]
    kspace = np.zeros((*scan.kspace.shape[:2], *scan.image_shape), np.complex64)
    centre = scan.calibration[:, :, *central(scan.calibration.shape[2:], sides)]
    kspace[:, :, *central(scan.image_shape, sides)] = centre
    mask = np.zeros(scan.image_shape, bool)
    mask[central(scan.image_shape, sides)] = True
    return Scan(kspace, mask, name=scan.name), _noise_of(centre)


def _noise_of(kspace: Complex) -> float:
    try:
        return estimate_noise(kspace).std
    except InputError:  # it holds none that shows
        return 0.0


def ones_maps(scan: CoilData) -> Complex:
    """The maps of a scan whose one coil sees everything alike, ``(slices, 1, H, W)``."""
    return np.ones((scan.slices, 1, *scan.image_shape), np.complex64)


def check_maps(scan: CoilData, maps: Complex, noise_std: float, crop: float | None = None) -> Calibration:
    """How well given maps explain the scan's fully sampled centre.

    An image is fitted to the central samples by least squares, at their resolution, and so is one to white noise of
    the given level, drawn by a fixed seed: what the two fits leave are the residuals. Where there is no fully sampled
    centre of at least four lines, or one coil alone, nothing can be told and both are zero.
    """
    import torch

    from invdiff.operators import Identity, sense

    sides = [min(side, LARGEST_CALIBRATION) for side in calibration_region(scan.filled)]
    if min(sides) < 4 or scan.coils == 1:
        return Calibration(maps, crop, 0.0, 0.0)
    if not isinstance(scan, Scan):
        scan, noise_std = calibration_of(scan.with_calibration())
    grid = tuple(min(2 * side, n) for side, n in zip(sides, scan.image_shape, strict=True))
    nearest = [
        np.rint((np.arange(g) - g // 2) * (n / g)).astype(int) + n // 2
        for g, n in zip(grid, scan.image_shape, strict=True)
    ]
    coarse = maps[..., nearest[0][:, None], nearest[1]]
    coarse = (coarse / (largest_part(coarse) or 1.0)).astype(np.complex64)
    mask = torch.zeros(grid, dtype=torch.bool)
    mask[central(grid, sides)] = True
    samples = scan.kspace[:, :, *central(scan.image_shape, sides)].reshape(scan.slices, scan.coils, -1)
    scale = largest_part(samples) or 1.0  # squares of large numbers overflow
    samples = (samples / scale).astype(np.complex64)
    parts = np.random.default_rng(0).standard_normal((2, *samples.shape), dtype=np.float32)
    noise = (noise_std / scale * (parts[0] + 1j * parts[1])).astype(np.complex64)
    left, total = np.zeros(2), 0.0
    for y, draw, s in zip(samples, noise, coarse, strict=True):
        A = sense(mask, torch.from_numpy(np.ascontiguousarray(s)))
        both = torch.from_numpy(np.stack([y, draw]))
        penalty = _WEIGHT * float((np.abs(s) ** 2).sum(axis=-3).max()) or 1.0
        fit = (penalty * Identity(A.domain_shape) + A.gram).solve(A.H(both), tol=1e-3, max_iter=50)
        left += (both - A(fit)).abs().square().sum(dim=(1, 2)).numpy()
        total += float((np.abs(y) ** 2).sum())
    if total == 0:
        return Calibration(maps, crop, 0.0, 0.0)
    residual, noise_residual = np.sqrt(left / total)
    of_noise = noise_std / scale * np.sqrt(2 * samples.size / total)
    return Calibration(maps, crop, float(residual), float(noise_residual), float(of_noise))


def _eigenmaps(scan: Scan, noise_std: float, sets: int) -> list[Eigenmaps]:
    """The eigenmaps of every slice."""
    region = calibration_region(scan.sampled)
    try:
        return [eigenmaps(kspace, region, sets=sets, noise_std=noise_std) for kspace in scan.kspace]
    except InputError as error:
        raise InputError(f"{scan.name}: {error}") from error


def _nothing_above(scan: CoilData, crop: float) -> InputError:
    return InputError(f"{scan.name}: no pixel has an ESPIRiT eigenvalue above crop = {crop}; take a lower one.")


def _noise_alone(scan: Scan, noise_std: float) -> InputError:
    height, width = calibration_region(scan.sampled)
    row, column = np.unravel_index(np.argmax(power_of(scan.kspace)), scan.image_shape)
    return InputError(
        f"{scan.name}: the fully sampled centre of k-space, {height} x {width}, holds no more than noise of "
        f"{noise_std:.3g}, so no coil maps can come of it (the strongest sample of all is at row {row}, column "
        f"{column}); bring the zero frequency to the centre, sample more of it, give maps in the file, or a lower "
        "--noise-std."
    )


def _choose(scan: Scan, found: list[Eigenmaps], noise_std: float, crops: tuple[float, ...], sets: int) -> Calibration:
    tried = []
    for crop in crops:
        maps = np.stack([eigen.maps(crop, sets) for eigen in found])
        if maps.any():
            tried.append(check_maps(scan, maps if sets > 1 else maps[:, 0], noise_std, crop))
    if not tried:
        raise _nothing_above(scan, crops[-1])
    if _NOISE_ALONE[0] <= tried[0].noise <= _NOISE_ALONE[1]:
        raise _noise_alone(scan, noise_std)
    least = min(max(t.residual, t.noise_residual) for t in tried)  # fitting more than the signal is no merit
    return next(t for t in tried if t.residual <= _AS_GOOD * least)
