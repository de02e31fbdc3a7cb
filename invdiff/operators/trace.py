"""What happened in a run beside its states."""

from dataclasses import dataclass, field

from invdiff.operators.conjugate_gradient import Solution


@dataclass(frozen=True)
class Trace:
    """The record of a run, in the order in which things happened.

    Attributes:
        solves: what each linear system inside of guidance and start came to; those in closed form are not among them.
    """

    solves: list[Solution] = field(default_factory=list)

    @property
    def iterations(self) -> int:
        """Conjugate-gradient iterations in all."""
        return sum(solve.iterations for solve in self.solves)

    @property
    def warning(self) -> str | None:
        """A sentence on systems that were left before they were solved; ``None`` where there were none."""
        open_ones = [solve for solve in self.solves if not solve.converged]
        if not open_ones:
            return None
        return (
            f"{len(open_ones)} of {len(self.solves)} linear systems inside the method were left unsolved after "
            f"{max(solve.iterations for solve in open_ones)} conjugate-gradient iterations, with a relative residual "
            f"of up to {max(solve.residual for solve in open_ones):.1e}: raise cg_steps, or check noise level and coil "
            "maps."
        )
