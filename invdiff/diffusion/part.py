"""What all parts of a sampler answer: what they need of a run, and who invented them."""

from typing import TYPE_CHECKING, ClassVar

from invdiff.within import check_within

if TYPE_CHECKING:
    from invdiff.diffusion.context import Context

NEEDS = {
    "measurement": "a measurement, and there is none: leave it out to sample the prior alone, as "
    "Sampler.without_data() does",
    "noise_std": "the noise level: give Problem(noise_std=...)",
    "data": "a state that the measured samples constrain; UnsampledKspace's holds the others alone: use Sense or Soss",
    "density": "a signal whose states have a density, which MagnitudePhase's have not: use SplitComplex or TwoChannel",
    "complex images": "a complex signal: use SplitComplex or TwoChannel",
    "coil images": "a state of coil images: use the view Soss",
    "no guidance": "the prior's own estimates, for it learns of the data by itself: leave guidance out",
    "volume": "an image (D, H, W) of one map set, as solve, evaluate and tune-lambda make one of neighbouring slices: "
    "a view Sense of an operator on volumes; elsewhere leave it out",
    "coil maps": "coil maps: give a Problem whose operator ends in Sensitivities",
}
"""What a part can need of a problem or of another part, and how a user gives it."""


class Part:
    """A part of a sampler: a frozen dataclass, whose numbers are within the bounds that their types have.

    Attributes:
        cites: whom to cite for it: keys of `invdiff.diffusion.references`.
    """

    cites: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_within(type(self), vars(self))

    @property
    def needs(self) -> frozenset[str]:
        """What must be offered by the problem, the signal and the view: keys of `NEEDS`."""
        return frozenset()

    @property
    def inner(self) -> "tuple[Part, ...]":
        """Parts that this one is made of."""
        return ()

    def check(self, context: "Context") -> None:
        """Refuse a bound run that this part can't serve, before the first network call.

        Raises:
            InputError: it can't.
        """
