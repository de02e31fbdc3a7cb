"""What happened in a run, iteration by iteration."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from invdiff.errors import InputError
from invdiff.operators.trace import Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Iteration(NamedTuple):
    """What one iteration of one sample came to.

    Attributes:
        sample: index of the sample.
        sigma: the noise level that the iteration began at.
        change: norm of what the estimate of the clean image changed by since the last one, over its own norm; ``None``
            of the first estimate, and where none was asked for.
        residual: norm of A x_0 - y over the norm that noise alone is expected to have, sqrt(n) noise_std for n real
            numbers in y; ``None`` where it was not recorded (see `ResidualRecord`), and where the noise is unknown or
            none.
    """

    sample: int
    sigma: float
    change: float | None = None
    residual: float | None = None


@dataclass(frozen=True)
class RunTrace(Trace):
    """The record of a run, in the order in which things happened.

    Attributes:
        course: every iteration of every sample.
    """

    course: list[Iteration] = field(default_factory=list)

    def of_sample(self, sample: int) -> list[Iteration]:
        """The iterations of the sample of that index."""
        return [iteration for iteration in self.course if iteration.sample == sample]

    def plot(self) -> "Figure":
        """A figure of the course: noise level, change and, where it was recorded, residual over the iterations, with a
        line for each sample.

        Raises:
            InputError: there is no course.
        """
        from invdiff.pictures import draw_course

        if not self.course:
            raise InputError("This trace holds no iterations to be drawn; it was made before they were recorded.")
        every = [self.of_sample(sample) for sample in dict.fromkeys(one.sample for one in self.course)]
        lines: dict[str, list[list[float | None]]] = {"sigma": [[one.sigma for one in each] for each in every[:1]]}
        lines |= {"change of the estimate": [[one.change for one in each] for each in every]}
        if any(one.residual is not None for one in self.course):
            lines |= {"residual / noise": [[one.residual for one in each] for each in every]}
        return draw_course(lines)
