"""What k-space itself says of how it was sampled and where its centre is, against what its file says."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from invdiff.data.centre import Centring, centring_of, energy_peak, lies_across_edges, power_of
from invdiff.data.scan import Scan
from invdiff.data.zeros import measured_of, sampled_of

Complex = NDArray[np.complex64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Interpretation:
    """How the k-space of a file is meant; the same for all its slices.

    Attributes:
        centring: what is shifted.
        mask: what was sampled, bool ``(H, W)``, after that.
        remarks: what differs from the file's own word, in sentences.
    """

    centring: Centring
    mask: Mask = field(repr=False)
    remarks: tuple[str, ...]

    def __call__(self, scan: Scan) -> Scan:
        """The scan, or some of its slices, as it is meant."""
        return scan.changed(
            kspace=self.centring.kspace(scan.kspace),
            mask=None if self.mask.all() else self.mask,
            remarks=(*scan.remarks, *self.remarks),
        )


def interpreted(scan: Scan) -> Scan:
    """A scan in memory as it is meant: without what is padding of its mask, and with its energy at the centre."""
    return interpret(power_of(scan.kspace), scan.sampled, scan.noise_std, lambda: scan.kspace)(scan)


def interpret(
    power: NDArray[np.float64], mask: Mask, noise_std: float | None, shown: Callable[[], Complex]
) -> Interpretation:
    """How k-space is meant.

    Args:
        power: ``(H, W)`` of all slices, as of `invdiff.data.centre.power_of`.
        mask: bool ``(H, W)``, as the file says.
        noise_std: as the file says: where there is no noise, zeros are values.
        shown: gives k-space ``(slices, coils, H, W)`` of some slices, asked for where the zero frequency is in the
            corner.
    """
    measured = _measured(power > 0, mask, noise_std)
    remarks = _on_padding(mask, measured)
    peak = energy_peak(power, measured)
    if peak is None:
        return Interpretation(Centring((0, 0)), measured, remarks)
    centring = centring_of(peak, measured)
    shifted = centring.mask(measured)
    if not centring.is_from_edge(measured.shape):
        done = _on_lines(centring)
    else:
        across = lies_across_edges(centring.kspace(shown()), shifted)
        centring = centring.with_image() if across else centring
        done = _on_edge(across)
    return Interpretation(centring, shifted, (*remarks, f"{_on_peak(peak, measured.shape)}; {done}."))


def _measured(nonzero: Mask, mask: Mask, noise_std: float | None) -> Mask:
    if mask.all():
        return sampled_of(nonzero)
    return mask if noise_std == 0 else measured_of(mask, nonzero)


def _on_padding(mask: Mask, measured: Mask) -> tuple[str, ...]:
    padding = int(np.count_nonzero(mask & ~measured))
    if mask.all() or not padding:
        return ()
    return (
        f"{padding} of the {np.count_nonzero(mask)} k-space positions under the mask, in whole lines or blocks, are "
        "zero in every coil and slice, as padding is; they are taken for not sampled.",
    )


def _on_peak(peak: tuple[int, int], shape: tuple[int, ...]) -> str:
    return (
        f"The strongest samples of k-space lie at row {peak[0]}, column {peak[1]}, but its centre is row "
        f"{shape[0] // 2}, column {shape[1] // 2}"
    )


def _on_lines(centring: Centring) -> str:
    if any(centring.shift):
        return f"k-space was shifted by {centring.shift[0]} rows and {centring.shift[1]} columns"
    return (
        "nothing was shifted, since not all that was sampled would fit the matrix then: expect wrong coil maps and "
        "phases, or write the file with the zero frequency at the centre"
    )


def _on_edge(across: bool | None) -> str:
    done = "as numpy.fft.fft2 leaves it, so k-space was shifted by half its sides (fftshift)"
    if across is None:
        return f"{done}; whether the image is to be shifted too can't be told"
    return f"{done}, and the image by half its field of view, since the object lay across its edges" if across else done
