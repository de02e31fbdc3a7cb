"""Drawing within a limit of memory: as many samples side by side as fit."""

from dataclasses import replace

from invdiff.errors import InputError
from invdiff.reconstruction.draw import HERE
from invdiff.reconstruction.executors import Executor
from invdiff.reconstruction.peak_memory import size
from invdiff.reconstruction.trial import Measure, measured_memory
from invdiff.reconstruction.units import Drawing, Unit

_AGAIN = 1.05  # another trial takes a little more or less, and is to be content with what this one says
_SPARE = 1.1  # times what a trial took: the heap breaks up, and pictures and the result are made after it


def within(
    drawing: Drawing, samples: int, limit: int, *, executor: Executor = HERE, measure: Measure = measured_memory
) -> Drawing:
    """The same drawing, with as many samples side by side as the limit leaves room for. Samples do not depend on it.

    One iteration of one sample tells what a process takes, and one of two samples what each more adds. Where samples
    run one after the other, as on the CPU, there is nothing to choose.

    Args:
        drawing: what is to be drawn.
        samples: how many of each case.
        limit: bytes of one process: all that is resident in memory or, on a GPU, its tensors there.
        executor: where it will be computed, and where it is tried.
        measure: tries it.

    Raises:
        InputError: one sample takes more, parts do not fit, or the system does not tell what a process takes.
    """
    cases = drawing.problems.full

    def taken(count: int) -> int:
        return int(_SPARE * measure(drawing, Unit(cases[len(cases) // 2], range(count)), executor).peak_bytes)

    one = taken(1)
    if one == 0:
        raise InputError("This system does not tell what a process takes; leave out --memory-limit.")
    if one > limit:
        raise InputError(
            f"One sample takes {size(one)}, more than --memory-limit {size(limit)} of each process; give "
            f"at least {size(int(_AGAIN * one))} for each."
        )
    together = drawing.side_by_side(samples)
    if together == 1:
        return drawing
    each = max(taken(2) - one, 1)
    return replace(drawing, together=min(together, 1 + (limit - one) // each))
