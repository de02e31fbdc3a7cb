"""A classical method on every slice of a scan."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from invdiff.problem import Problem
from invdiff.reconstruction.cases import Cases

Complex = NDArray[np.complex64]


def of_every_slice(method: Callable[[Problem, float], Tensor], cases: Cases) -> Callable[[float], Complex]:
    """The images of all slices, ``(slices, H, W)``, by the weight of the method's penalty. Problems are made once.

    No data speak of pixels without maps, nor of slices that are empty: they are zero.

    Args:
        method: such as `cg_sense`.
        cases: all slices are held in memory.

    Raises:
        InputError: a slice's coil maps can't be found. Of a call: as of the method.
    """
    problems = {number: cases.problem(number) for number in cases.full}
    nothing = np.zeros(problems[cases.full[0]].operator.domain_shape, np.complex64)

    def images(weight: float) -> Complex:
        made = {
            number: (method(problem, weight) * (problem.zero_filled != 0)).numpy()
            for number, problem in problems.items()
        }
        of_all = [cases.one_image(made.get(number, nothing), number) for number in cases.slices]
        return np.stack(of_all).astype(np.complex64)

    return images
