"""What the flags of an ISMRMRD acquisition say of a line, and what is done with it.

Flags and numbers as in ``ismrmrd/ismrmrd.h`` of ISMRMRD 1.14; flag n is bit n - 1 of the acquisition's ``flags``.
"""

from dataclasses import dataclass
from enum import Enum


class Use(Enum):
    """What is done with a line that has a flag. Where flags differ, the first of these wins."""

    REFUSED = "the file is refused"
    LEFT_OUT = "left out: it is no line of an image"
    NOISE = "noise of the scan"
    IMAGE = "a line of the image"
    CALIBRATION = "calibration: a line of the image where it fits in, else for coil maps alone"
    REVERSED = "turned round; refused where there are phase correction data, which it needs first"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Flag:
    """A flag of the standard.

    Attributes:
        number: from one.
        name: without ``ACQ_``.
        says: of a line.
        use: what is done.
    """

    number: int
    name: str
    says: str
    use: Use

    @property
    def bit(self) -> int:
        """Its bit of an acquisition's ``flags``."""
        return 1 << (self.number - 1)


_PLACE = "where it stands in a loop, which its counters say, too"
_OWN = "what the sequence's author means by it"

FLAGS = (
    Flag(1, "FIRST_IN_ENCODE_STEP1", _PLACE, Use.NOTHING),
    Flag(2, "LAST_IN_ENCODE_STEP1", _PLACE, Use.NOTHING),
    Flag(3, "FIRST_IN_ENCODE_STEP2", _PLACE, Use.NOTHING),
    Flag(4, "LAST_IN_ENCODE_STEP2", _PLACE, Use.NOTHING),
    Flag(5, "FIRST_IN_AVERAGE", _PLACE, Use.NOTHING),
    Flag(6, "LAST_IN_AVERAGE", _PLACE, Use.NOTHING),
    Flag(7, "FIRST_IN_SLICE", _PLACE, Use.NOTHING),
    Flag(8, "LAST_IN_SLICE", _PLACE, Use.NOTHING),
    Flag(9, "FIRST_IN_CONTRAST", _PLACE, Use.NOTHING),
    Flag(10, "LAST_IN_CONTRAST", _PLACE, Use.NOTHING),
    Flag(11, "FIRST_IN_PHASE", _PLACE, Use.NOTHING),
    Flag(12, "LAST_IN_PHASE", _PLACE, Use.NOTHING),
    Flag(13, "FIRST_IN_REPETITION", _PLACE, Use.NOTHING),
    Flag(14, "LAST_IN_REPETITION", _PLACE, Use.NOTHING),
    Flag(15, "FIRST_IN_SET", _PLACE, Use.NOTHING),
    Flag(16, "LAST_IN_SET", _PLACE, Use.NOTHING),
    Flag(17, "FIRST_IN_SEGMENT", _PLACE, Use.NOTHING),
    Flag(18, "LAST_IN_SEGMENT", _PLACE, Use.NOTHING),
    Flag(19, "IS_NOISE_MEASUREMENT", "noise alone, without excitation", Use.NOISE),
    Flag(20, "IS_PARALLEL_CALIBRATION", "measured for coil sensitivities", Use.CALIBRATION),
    Flag(21, "IS_PARALLEL_CALIBRATION_AND_IMAGING", "measured for both; overrides flag 20", Use.IMAGE),
    Flag(22, "IS_REVERSE", "read from the end of k-space to its beginning", Use.REVERSED),
    Flag(23, "IS_NAVIGATION_DATA", "a navigator, which tells of motion", Use.LEFT_OUT),
    Flag(24, "IS_PHASECORR_DATA", "measured to correct the phase between readouts (EPI)", Use.LEFT_OUT),
    Flag(25, "LAST_IN_MEASUREMENT", "the last of all", Use.NOTHING),
    Flag(26, "IS_HPFEEDBACK_DATA", "feedback of high priority to the scanner", Use.LEFT_OUT),
    Flag(27, "IS_DUMMYSCAN_DATA", "on the way to the steady state", Use.LEFT_OUT),
    Flag(28, "IS_RTFEEDBACK_DATA", "feedback in real time to the scanner", Use.LEFT_OUT),
    Flag(29, "IS_SURFACECOILCORRECTIONSCAN_DATA", "of the scan that evens out coil intensities", Use.LEFT_OUT),
    Flag(30, "IS_PHASE_STABILIZATION_REFERENCE", "what later phases are compared with", Use.LEFT_OUT),
    Flag(31, "IS_PHASE_STABILIZATION", "the phase beside a line of the image", Use.LEFT_OUT),
    Flag(53, "COMPRESSION1", "its numbers are compressed", Use.REFUSED),
    Flag(54, "COMPRESSION2", "its numbers are compressed", Use.REFUSED),
    Flag(55, "COMPRESSION3", "its numbers are compressed", Use.REFUSED),
    Flag(56, "COMPRESSION4", "its numbers are compressed", Use.REFUSED),
    Flag(57, "USER1", _OWN, Use.NOTHING),
    Flag(58, "USER2", _OWN, Use.NOTHING),
    Flag(59, "USER3", _OWN, Use.NOTHING),
    Flag(60, "USER4", _OWN, Use.NOTHING),
    Flag(61, "USER5", _OWN, Use.NOTHING),
    Flag(62, "USER6", _OWN, Use.NOTHING),
    Flag(63, "USER7", _OWN, Use.NOTHING),
    Flag(64, "USER8", _OWN, Use.NOTHING),
)
"""All flags of the standard."""

_BITS = {use: sum(flag.bit for flag in FLAGS if flag.use is use) for use in Use}
_TELLING = (Use.REFUSED, Use.LEFT_OUT, Use.NOISE, Use.IMAGE, Use.CALIBRATION)
_KNOWN = sum(flag.bit for flag in FLAGS)


def use_of(flags: int) -> Use:
    """What is done with a line that has these flags; without one that says more, it is of the image."""
    return next((use for use in _TELLING if flags & _BITS[use]), Use.IMAGE)


def is_reversed(flags: int) -> bool:
    """Whether a line was read from the end of k-space to its beginning."""
    return bool(flags & _BITS[Use.REVERSED])


def has_flag(flags: int, name: str) -> bool:
    """Whether the flag of that name, without ``ACQ_``, is among these flags."""
    return any(flags & flag.bit for flag in FLAGS if flag.name == name)


def unknown_flags(flags: int) -> tuple[int, ...]:
    """Numbers of the flags among these that the standard does not have."""
    left = flags & ~_KNOWN
    return tuple(number for number in range(1, left.bit_length() + 1) if left >> (number - 1) & 1)
