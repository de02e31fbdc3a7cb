"""What makes one set of parameters better than another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.picture import Picture
from invdiff.data.recording import Recording
from invdiff.errors import InputError
from invdiff.metrics.metrics import nmse, psnr, ssim
from invdiff.named import named
from invdiff.reconstruction import Cases, Measurement, ScanCases
from invdiff.reconstruction.preparation import Preparation

Mask = NDArray[np.bool_]
Image = NDArray[Any]


class Objective(Protocol):
    """A score of reconstructions."""

    @property
    def name(self) -> str:
        """How files and tables call it."""

    @property
    def higher_is_better(self) -> bool:
        """Which way is up."""

    def show(self, measurement: Measurement) -> Cases:
        """What a method may see.

        Raises:
            InputError: the measurement can't be scored by this objective.
        """

    def score(self, measurement: Measurement, shown: Cases, image: Image) -> float:
        """The score of ``image`` (slices, H, W), reconstructed from what was shown, in the measurement's units."""


@dataclass(frozen=True)
class AgainstTruth:
    """A metric of fastMRI, against the ground truth or, for scans that are undersampled here, the full data.

    Args:
        name: of the metric.
        metric: called with truth and image, ``(slices, H, W)`` each.
        higher_is_better: which way is up.
    """

    name: str
    metric: Callable[[Image, Image], float]
    higher_is_better: bool

    def show(self, measurement: Measurement) -> Cases:
        """All of it.

        Raises:
            InputError: there is no truth.
        """
        cases = measurement.cases()
        if cases.ground_truth is None:
            raise InputError(
                f"{measurement.name} has no ground truth, which the objective {self.name} needs; search --by "
                "held-back, or undersample a full scan by --undersample."
            )
        return cases

    def score(self, measurement: Measurement, shown: Cases, image: Image) -> float:
        """The metric, of the field of view."""
        truth = shown.ground_truth
        assert truth is not None
        return self.metric(shown.shown(truth), shown.shown(image))


@dataclass(frozen=True)
class HeldBackError:
    """How well samples that the method never saw are predicted: the squared error of A x over what noise leaves of it.

    Some of the sampled lines (points, where lines are not sampled whole, readouts of a trajectory) outside the
    calibration region are held back, drawn one from each of as many rings about the centre of k-space, or parts of the
    circle. Coil maps and noise are estimated without them. The idea is that of SSDU (Yaman et al., Magnetic Resonance
    in Medicine 84, 2020).

    Args:
        fraction: of the samples outside the calibration region.
        seed: of the draw.
    """

    fraction: float = 0.125
    seed: int = 0

    name = "held-back"
    higher_is_better = False

    def show(self, measurement: Measurement) -> Cases:
        """What is not held back.

        Raises:
            InputError: it is no scan, nothing can be held back, or its noise level is zero.
        """
        if not measurement.kind.is_sampled:
            raise InputError(
                f"{measurement.name} holds no k-space, and only of k-space samples are held back to be predicted; "
                "give it a ground truth."
            )
        try:
            held = measurement.hold_back(self.fraction, self.seed)
        except InputError as error:
            raise InputError(f"{measurement.name}: {error}") from error
        if not _kspace(measurement)[..., held].any():
            raise InputError(f"{measurement.name}: the samples held back are zero; give its true mask.")
        shown = measurement.cases(~held)
        if not shown.noise_std:
            raise InputError(
                f"{measurement.name}: its noise level is zero, by which errors of held-back samples are told; give "
                "--noise-std."
            )
        return shown

    def score(self, measurement: Measurement, shown: Cases, image: Image) -> float:
        """The mean of ``|y - A x|^2 / (2 noise_std^2)`` over the samples held back."""
        assert isinstance(shown, ScanCases)
        assert shown.preparation is not None
        held = measurement.hold_back(self.fraction, self.seed)
        y = _kspace(measurement, shown.preparation)[..., held]
        left = np.abs(y - shown.kspace_of(image)[..., held]).astype(np.float64)
        return float(np.square(left).mean() / (2 * shown.noise_std**2))


def _kspace(measurement: Measurement, preparation: Preparation | None = None) -> NDArray[np.complex64]:
    """Of all coils, or virtual ones: ``(slices, coils, H, W)``, or ``(slices, coils, samples)`` along a trajectory."""
    scan = measurement.measured
    assert not isinstance(scan, Picture | Recording)
    kspace = scan.select(range(scan.slices)).kspace
    whole = kspace if preparation is None else preparation.virtual_coils(kspace)
    return scan.trajectory.sampled(whole) if isinstance(scan, NonCartesianScan) else whole


METRICS: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        AgainstTruth("psnr", psnr, higher_is_better=True),
        AgainstTruth("ssim", ssim, higher_is_better=True),
        AgainstTruth("nmse", nmse, higher_is_better=False),
    )
}
"""Objectives against a truth, by name."""


def find_objective(name: str) -> Objective:
    """The metric of that name, or ``held-back``.

    Raises:
        InputError: there is none.
    """
    return named({**METRICS, HeldBackError.name: HeldBackError()}, name, "objective")


def suiting(measurements: Sequence[Measurement], metric: str | None = None, by: str | None = None) -> Objective:
    """The objective that measurements allow: a metric, where each has a ground truth, else what is held back.

    Args:
        measurements: the validation set.
        metric: of `METRICS`, against a truth; None: psnr.
        by: ``"truth"`` or ``"held-back"``, whatever they allow.

    Raises:
        InputError: there is no such metric or way to judge, or a metric is asked for where there is no truth to hold it
            against.
    """
    if by not in (None, *_BY):
        raise InputError(f"A search judges by {' or '.join(_BY)}, not {by!r}.")
    if metric is not None:
        named(METRICS, metric, "objective")
    if by == HeldBackError.name and metric is not None:
        raise InputError(f"{metric} is held against a truth, so it goes with --by truth.")
    has_truth = all(one.has_ground_truth for one in measurements)
    is_metric = by == "truth" or metric is not None or (by is None and has_truth)
    return METRICS[metric or "psnr"] if is_metric else HeldBackError()


_BY = ("truth", HeldBackError.name)
