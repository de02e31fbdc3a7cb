"""What every prior answers: what would the clean image be?"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

from invdiff.notebook import card
from invdiff.priors.precision import Precision, choose_precision

if TYPE_CHECKING:
    from invdiff.problem import Problem


@dataclass(frozen=True)
class Intensity:
    """The scale of the images a prior was trained on: their ``percentile`` of the magnitude was ``value``."""

    percentile: float = 99.9
    value: float = 1.0


MAXIMUM_IS_ONE = Intensity()


class Prior(ABC):
    """A belief about images, given as the best guess of a clean image from a noisy one.

    A prior sees real arrays ``(batch, channels, height, width)`` (analytic priors: any event shape after ``batch``) at
    unit signal scale: ``x = x_0 + sigma z``, ``z`` standard normal for each real number.

    Attributes:
        channels: the numbers of channels it accepts: ``(1,)`` real images, ``(2,)`` real and imaginary part,
            ``(1, 2)`` both.
        intensity: the scale of its training images, or ``None`` where it says nothing of scale (then data are left as
            they are).
        data_std: standard deviation of one real component of its images, where known.
        power_spectrum: mean power of its images in bins of equal width of |k|, from 0 to the Nyquist frequency, where
            known.
        precision: in which numbers it computes, as `in_precision` chose it.
        domain: what its arrays are: an ``"image"``, or ``"unsampled k-space"``, which is zero where samples are given.
        is_oriented: whether an image turned (mirrored, transposed, of another phase) is another to it. A network that
            was trained on turned images knows none; what is known exactly does.
    """

    channels: tuple[int, ...] = (1, 2)
    intensity: Intensity | None = None
    data_std: float | None = None
    power_spectrum: tuple[float, ...] | None = None
    domain: str = "image"
    is_oriented: bool = False
    precision: Precision = "f32"

    @abstractmethod
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Posterior mean of the clean image, E[x_0 | x_0 + sigma z = x]; shape, dtype and device of ``x``."""

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """Gradient of the log density of noisy images, (D(x) - x) / sigma^2 (Tweedie; Vincent 2011)."""
        return (self.denoise(x, sigma) - x) / sigma**2

    def given(self, problem: "Problem") -> "Prior":
        """The prior once the measurement is known: ``problem`` as the view sees it, in the prior's units. Conditional
        networks override this."""
        return self

    def to(self, device: str) -> Self:
        """This prior on another device."""
        return self

    def in_precision(self, asked: str) -> Self:
        """This prior computing in ``"f32"`` or ``"bf16"``, or in what its device is fastest in (``"auto"``): only
        networks have a choice. Results are the same bit for bit within a precision and a machine.

        Raises:
            InputError: as `choose_precision`.
        """
        choose_precision(asked, self.device)
        return self

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of all that decides this prior's answers: its class and every attribute, those of
        networks, parameterisations and inner priors too. Two priors that differ in anything have two; a prior that is
        copied, pickled, moved to another device and back, or loaded again keeps its own.

        Raises:
            InputError: an attribute is of a kind that can't be looked into, as one that can't be pickled; the class is
                to override this then.
        """
        from invdiff.priors.fingerprint import fingerprint

        return fingerprint(self)

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor among its attributes, those of networks and of other priors too: what tells it from others."""
        for value in vars(self).values():
            match value:
                case Tensor():
                    yield value
                case nn.Module():
                    yield from value.state_dict().values()
                case Prior():
                    yield from value.tensors()

    def _described(self) -> dict[str, str]:
        """What tells it from others at a glance."""
        intensity, numbers = self.intensity, sum(tensor.numel() for tensor in self.tensors())
        return {
            "domain": self.domain,
            "channels": " or ".join(map(str, self.channels)),
            "intensity": f"{intensity.value:g} at percentile {intensity.percentile:g}" if intensity else "any",
            "numbers": f"{numbers:,}",
            "computes": f"in {self.precision} on {self.device}",
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}: {value}' for name, value in self._described().items())})"

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        return card(type(self).__name__, self._described())

    @property
    def device(self) -> torch.device:
        """Where its tensors are; the CPU if it has none."""
        return next((tensor.device for tensor in self.tensors()), torch.device("cpu"))
