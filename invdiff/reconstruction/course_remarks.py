"""What is remarkable of the course of runs."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from invdiff.reconstruction.course import Course
from invdiff.reconstruction.written_result import written_result

FAR = 2.0
"""A residual is far from the noise where it is so many times as large or, of samples, as small."""

_NAMED = 8  # slices, at most
_WHY_LOUD = "the noise is louder than was said, coil maps or mask are not those of the data, or steps are too few"
_WHY_QUIET = "there is less noise than was said, or the method fits it"


def course_remarks(path: str | os.PathLike[str]) -> list[str]:
    """`remarks` on a written reconstruction.

    Raises:
        InputError: it can't be read.
    """
    with written_result(path) as written:
        return remarks({name: written.course(name) for name in written.courses}, written.slices)


def remarks(courses: Mapping[str, Course], slices: Sequence[int]) -> list[str]:
    """Sentences on runs whose residual ends far from the noise. That of samples of the posterior is expected to be one;
    an image that is none may fit a part of the noise.

    Args:
        courses: of the ``estimate`` and the ``samples``, by these names.
        slices: their numbers.
    """
    found = []
    for of, course in courses.items():
        ends = np.nan_to_num(np.median(course.residual[..., -1], axis=-1), nan=1.0)
        loud, quiet = ends > FAR, (ends < 1 / FAR) & (of == "samples")
        for which, worst, why in ((loud, np.max, _WHY_LOUD), (quiet, np.min, _WHY_QUIET)):
            if which.any():
                listed = [str(number) for number, its in zip(slices, which, strict=True) if its]
                some = ", ".join(listed[:_NAMED]) + (", ..." if len(listed) > _NAMED else "")
                found.append(
                    f"slice {some}: the residual of the {of} ends at {worst(ends[which]):.2g} times what noise alone "
                    f"would leave, where about one is expected; {why}"
                )
    return found
