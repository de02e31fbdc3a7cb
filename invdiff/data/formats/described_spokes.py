"""Spokes where an ISMRMRD header says that they are, of readouts that do not say it themselves.

The standard has names of trajectories and no formulas. Of those in use, the golden angle is the same to all programs
that compute it (SIRF, MRpro); others differ by program, in the angles of evenly spread spokes and in scale and
direction of Hargreaves' spirals, and are not guessed.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.formats.acquisition_flags import is_reversed
from invdiff.data.formats.readouts import centre_of, length_of
from invdiff.data.golden_angle import GOLDEN_ANGLE, tiny_golden_angle
from invdiff.errors import InputError

_SPIRAL = "hargreavesvds2000"


def trajectory_kind(encoding: Any) -> str:
    """What the header calls the trajectory, in lower case."""
    return str(getattr(encoding.trajectory, "value", encoding.trajectory)).lower()


def described_angle(path: Path, encoding: Any) -> float:
    """From one spoke to the next, in radians: the golden angle, or the tiny golden angle of a number that is in the
    identifier of the header's description.

    Args:
        path: of the file, for the sentence.
        encoding: of the header.

    Raises:
        InputError: the header describes something else, or nothing.
    """
    kind = trajectory_kind(encoding)
    said = str(getattr(encoding.trajectoryDescription, "identifier", "")).lower()
    number = re.fullmatch(r"\D*([1-9]\d?)\D*", said)
    if "tiny" in said and number is not None:
        return tiny_golden_angle(int(number[1]))
    if "tiny" not in said and (kind == "goldenangle" or "golden" in said):
        return GOLDEN_ANGLE
    if "tiny" in said:
        why = f"nor does the header, whose {said!r} has no number"
    elif said == _SPIRAL:
        why = (
            "and the header gives limits of gradients alone (HargreavesVDS2000), of which programs make points of "
            "another scale and direction each"
        )
    elif kind == "radial":
        why = "nor does the header say the angle from one to the next, as 'goldenangle' would"
    else:
        why = "nor does the header"
    raise InputError(
        f"{path} holds a {kind} scan whose readouts do not say where they lie, {why}; write their trajectory with them."
    )


def described_spoke(readout: Any, angle: float) -> NDArray[np.float64]:
    """Where the samples of a readout that count lie, ``(samples, 2)``, in cycles per pixel.

    Args:
        readout: as an object of the library ``ismrmrd``.
        angle: as of `described_angle`.
    """
    along = (np.arange(length_of(readout)) - centre_of(readout)) / length_of(readout)
    turned = angle * readout.idx.kspace_encode_step_1
    direction = np.array([np.cos(turned), np.sin(turned)])
    spoke: NDArray[np.float64] = (along[::-1] if is_reversed(readout.flags) else along)[:, None] * direction
    return spoke
