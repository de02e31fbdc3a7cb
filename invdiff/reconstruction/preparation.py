"""From a scan's coils to virtual coils with noise that is alike in all, and coil maps that explain them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from invdiff.data.calibration import Calibration, calibrate, check_maps, estimated_maps, ones_maps
from invdiff.data.scan import CoilData, Coils
from invdiff.data.whitening import normalised_before_whitening, prewhiten
from invdiff.errors import InputError

Complex = NDArray[np.complex64]

_WELL_KNOWN = 0.03  # relative uncertainty of a level that is taken as it is
_KNOWN = 0.3  # relative uncertainty of a level that tells noise and misfit apart
_EXPLAINED = 1.1  # times what noise alone would leave of the calibration data


@dataclass(frozen=True)
class ResidualNoise:
    """The noise level that the residual of a fit shows.

    Attributes:
        std: of each real number, in the units of the measurement: noise, and what maps and prior can't explain.
        uncertainty: one relative standard deviation of it, by chance, the probe, what the last round changed and what
            the fit leaves of the image itself.
        freedom: degrees of freedom that the fit left.
    """

    std: float
    uncertainty: float
    freedom: float


@dataclass(frozen=True)
class HeldBack:
    """What samples that were held back say of coil maps.

    Attributes:
        is_refined: whether maps refined with the image were taken.
        gain: what the best maps as estimated leave of the samples, by norm, over what the best refined ones leave.
    """

    is_refined: bool
    gain: float

    @property
    def report(self) -> str:
        """A line on it."""
        if self.is_refined:
            return f"coil maps refined with the image: held-back samples explained {self.gain:.2f} times better"
        return "coil maps kept as estimated: refined with the image they explain held-back samples not clearly better"


@dataclass(frozen=True, eq=False)
class Preparation:
    """What was done to a scan before it is reconstructed, and found out about it.

    Attributes:
        covariance: complex128 ``(coils, coils)`` of the noise that was made white; None: coils are the file's own.
        noise_std: of each real number after that, as first told.
        noise_uncertainty: one relative standard deviation of it; zero where it was given.
        noise_source: where the noise level is from, in words.
        calibration: the coil maps, and how well they explain the calibration data; None where there is one coil.
        remarks: sentences: the scan's own, and on the noise.
        residual: the noise that the residual of a fit shows, what maps misfit included; None where nobody looked.
        held_back: how maps were chosen by samples held back; None where nobody looked.
        noise_times: by what the level that the data term assumes is multiplied, as a search found best.
    """

    covariance: NDArray[np.complex128] | None
    noise_std: float
    noise_uncertainty: float
    noise_source: str
    calibration: Calibration | None = None
    remarks: tuple[str, ...] = ()
    residual: ResidualNoise | None = None
    held_back: HeldBack | None = None
    noise_times: float = 1.0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to warn of, in sentences: the remarks, maps of mostly noise, and maps that leave calibration data
        unexplained, unless they were refined since."""
        found, looked = self.calibration, self.held_back
        if found is None or (looked is not None and looked.is_refined):
            return self.remarks
        of_noise = (_of_noise(found),) if found.is_of_noise else ()
        return *self.remarks, *of_noise, *(() if found.explains else (_unexplained(found),))

    @property
    def data_noise_std(self) -> float:
        """The level that the data term assumes: that of the residual, where somebody looked. Where maps misfit it is
        above the noise, and data are to be believed no more than they can be explained."""
        return self.noise_times * (self.noise_std if self.residual is None else self.residual.std)

    @property
    def data_noise_uncertainty(self) -> float:
        """One relative standard deviation of that."""
        return self.noise_uncertainty if self.residual is None else self.residual.uncertainty

    @property
    def known_noise_std(self) -> float:
        """The noise of each real number, by what knows it better: the first look, or the residual, which can't be below
        the noise; one that is clearly above a level that is known holds misfit."""
        found = self.residual
        if found is None or found.uncertainty >= self.noise_uncertainty:
            return self.noise_std
        is_misfit = self.noise_uncertainty < _KNOWN and found.std > (1 + 3 * self.noise_uncertainty) * self.noise_std
        return self.noise_std if is_misfit else found.std

    @property
    def is_settled(self) -> bool:
        """Whether nothing is gained by looking at a residual: the level was given, or it is well known and the maps
        leave what noise alone would leave."""
        found = self.calibration
        explained = found is None or found.residual <= _EXPLAINED * found.noise_residual
        return self.noise_uncertainty == 0 or (self.noise_uncertainty <= _WELL_KNOWN and explained)

    def virtual_coils(self, kspace: Complex) -> Complex:
        """k-space ``(..., coils, H, W)`` of the file as the reconstruction sees it, at the file's scale."""
        if self.covariance is None:
            return kspace
        return prewhiten(kspace, self.covariance)

    @property
    def decided(self) -> tuple[object, ...]:
        """All that a slice's problem depends on besides its own data."""
        found = self.calibration
        maps = None if found is None else (found.crop, found.sets)
        return self.data_noise_std, self.noise_std, maps, *(() if self.covariance is None else (self.covariance,))

    @property
    def report(self) -> tuple[str, ...]:
        """What to tell a user, a line each."""
        known = f", within {self.noise_uncertainty:.1%}" if self.noise_uncertainty > 0 else ""
        coils = "; coils prewhitened" if self.covariance is not None else ""
        lines = [f"noise: {self.noise_source}{known}{coils}"]
        if self.residual is not None:
            lines[0] += f": {self.noise_std:.3g}"
            lines.append(
                f"residual of a fit: {self.residual.std:.3g}, within {self.residual.uncertainty:.1%}: noise and what "
                "maps misfit together, by which the data are judged"
            )
        if self.noise_times != 1:
            lines.append(f"the data are taken to have {self.noise_times:g} times that noise, as a search found best")
        found = self.calibration
        if found is not None:
            crop = "of the file" if found.crop is None else f"by ESPIRiT, crop {found.crop:g}"
            left = (
                f"; {found.residual:.3f} of the calibration data unexplained, {found.noise_residual:.3f} by noise alone"
                if found.noise_residual > 0
                else ""
            )
            lines.append(f"coil maps: {crop}, {found.sets} set(s){left}")
        if self.held_back is not None:
            lines.append(self.held_back.report)
        return tuple(lines)

    @property
    def attributes(self) -> dict[str, str | float | int | bool]:
        """The same, to be stored with a result."""
        stored: dict[str, str | float | int | bool] = {
            "noise_source": self.noise_source,
            "noise_uncertainty": self.noise_uncertainty,
            "noise_times": self.noise_times,
            "prewhitened": self.covariance is not None,
            "warnings": "\n".join(self.warnings),
        }
        if self.residual is not None:
            stored |= {
                "first_noise_std": self.noise_std,
                "residual_noise_std": self.residual.std,
                "residual_noise_uncertainty": self.residual.uncertainty,
            }
        found = self.calibration
        if found is not None:
            stored |= {
                "map_sets": found.sets,
                "crop": np.nan if found.crop is None else found.crop,
                "calibration_residual": found.residual,
                "calibration_noise_residual": found.noise_residual,
            }
        if self.held_back is not None:
            stored |= {"maps_refined": self.held_back.is_refined, "maps_refined_gain": self.held_back.gain}
        return stored


def prepare(
    scan: Coils, *, noise_std: float | None = None, map_sets: int | None = None, crop: float | None = None
) -> tuple[Coils, Preparation]:
    """The scan with noise level and maps filled in, its coils prewhitened where their covariance can be told.

    Coils stay as they are where the noise level is given (by the caller or the file), or maps come with the file,
    since these belong to its coils. Maps of virtual coils are scaled such that intensities are those of the file's own
    coils, whose maps have a sum of squares of one. A ground truth of the file is not touched.

    Args:
        scan: as read.
        noise_std: in each real number of k-space, in the scan's units, instead of what the file says.
        map_sets: 1 or 2; None: as the data ask for.
        crop: of ESPIRiT; None: as the data ask for.

    Raises:
        InputError: the noise level is negative or not finite, or maps can't be estimated.
    """
    prepared = _noise(scan, noise_std)
    prepared = replace(prepared, remarks=(*scan.remarks, *prepared.remarks))
    scan = _in_virtual_coils(scan, prepared)
    if scan.coils == 1 and scan.maps is None:
        return scan.changed(maps=ones_maps(scan)), prepared
    if scan.maps is None:
        found = calibrate(scan, prepared.noise_std, crop=crop, sets=map_sets)
    else:
        found = check_maps(scan, scan.maps, prepared.noise_std)
    return _seen_through(found, scan, prepared)


def with_map_sets(scan: Coils, preparation: Preparation, sets: int) -> tuple[Coils, Preparation]:
    """A scan that was prepared, with maps of as many sets.

    Args:
        scan: prepared.
        preparation: its own.
        sets: 1 or 2; maps of that many sets stay.

    Raises:
        InputError: there are fewer coils.
    """
    at_hand = preparation.calibration
    if at_hand is not None and at_hand.sets == sets:
        return scan, preparation
    return _seen_through(calibrate(scan, preparation.noise_std, sets=sets), scan, preparation)


def _seen_through(found: Calibration, scan: Coils, preparation: Preparation) -> tuple[Coils, Preparation]:
    found = replace(found, maps=at_own_intensities(found.maps, preparation))
    return scan.changed(maps=found.maps), replace(preparation, calibration=found)


def at_own_intensities(maps: Complex, preparation: Preparation) -> Complex:
    """Maps ``(..., coils, H, W)`` scaled such that an image has the intensities that the file's own coils give it."""
    return maps if preparation.covariance is None else normalised_before_whitening(maps, preparation.covariance)


def prepare_alike(scan: Coils, preparation: Preparation) -> Coils:
    """Another slice of a scan, prepared as others were: the same virtual coils, noise level, crop and map sets.

    Args:
        scan: one slice, as read.
        preparation: of other slices.

    Raises:
        InputError: the slice's maps can't be estimated.
    """
    scan = _in_virtual_coils(scan, preparation)
    found = preparation.calibration
    if scan.maps is not None:
        return scan
    if found is None or found.crop is None:
        return scan.changed(maps=ones_maps(scan))
    maps = estimated_maps(scan, preparation.noise_std, crop=found.crop, sets=found.sets)
    return scan.changed(maps=at_own_intensities(maps, preparation))


def _in_virtual_coils(scan: Coils, preparation: Preparation) -> Coils:
    scan = scan.with_calibration() if scan.maps is None and scan.coils > 1 else scan
    calibration = None if scan.calibration is None else preparation.virtual_coils(scan.calibration)
    kspace = preparation.virtual_coils(scan.kspace)
    return scan.changed(kspace=kspace, calibration=calibration, noise_std=preparation.noise_std)


def _noise(scan: CoilData, given: float | None) -> Preparation:
    if given is not None and not 0 <= given < np.inf:
        raise InputError(f"{scan.name}: noise_std is {given}; it must be a finite number, zero or more.")
    if given is not None:
        return Preparation(None, given, 0.0, "as given")
    if scan.noise_std is not None:
        return Preparation(None, scan.noise_std, 0.0, "as the file says")
    try:
        noise = scan.own_noise()
    except InputError as error:
        raise InputError(f"{scan.name}: {error}") from error
    warnings: tuple[str, ...] = ()
    if noise.unevenness > 1:
        warnings = (
            f"The noise at one edge of k-space is {noise.unevenness:.1f} times that at the other, so the data were "
            f"filtered and no one level describes it; {noise.std:.3g} is assumed. Compare with a --noise-std of your "
            "own.",
        )
    if scan.noise is not None and noise.covariance is None:
        warnings += (
            f"The noise scan of the {scan.coils} coils has a covariance that can't be inverted (a coil without noise, "
            "or two alike), so coils are not prewhitened and one noise level is assumed; leave out dead coils.",
        )
    whitens = scan.coils > 1 and scan.maps is None
    return Preparation(
        noise.covariance if whitens else None, noise.std, noise.uncertainty, noise.source, remarks=warnings
    )


def _of_noise(found: Calibration) -> str:
    return (
        f"The noise level is {found.noise:.2g} of the norm of the calibration data, so coil maps that are estimated "
        "from them are unsure: give maps in the file, sample more central lines, or average."
    )


def _unexplained(found: Calibration) -> str:
    return (
        f"The coil maps leave {found.residual:.3f} of the calibration data unexplained, "
        f"{found.residual / max(found.noise_residual, 1e-6):.1f} times what noise alone would leave: expect artefacts. "
        + (
            "The maps of the file may be of another scan or another position; leave them out to have them estimated."
            if found.crop is None
            else "Sample more central lines, try --map-sets 2, or give maps in the file."
        )
    )
