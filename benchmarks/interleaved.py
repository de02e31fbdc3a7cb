"""Side-by-side timing: all take turns, so that what else the machine does meets all alike."""

import statistics
import time
from collections.abc import Callable, Mapping

WARM_UP = 3


def medians(
    sides: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Seconds of each side by a clock, the median of its turns after the first three."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(WARM_UP + repeats):
        for name, run in sides.items():
            begin = clock()
            run()
            if repeat >= WARM_UP:
                taken[name].append(clock() - begin)
    return {name: statistics.median(times) for name, times in taken.items()}
