"""What a sampler returns."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from invdiff.operators.trace import Trace


@dataclass(frozen=True)
class Posterior:
    """Samples of the image given the measurement, in the measurement's units.

    Attributes:
        samples: ``(samples, *image)``, complex or real as the method's signal.
        scale: the intensity that the prior saw as one.
        nfe: network calls for each sample.
        sigmas: the noise levels visited, highest first.
        trace: what happened beside the states.
    """

    samples: Tensor = field(repr=False)
    scale: float
    nfe: int
    sigmas: tuple[float, ...] = field(repr=False)
    trace: Trace = field(default_factory=Trace, repr=False)

    @property
    def mean(self) -> Tensor:
        """The mean of the samples, ``image``."""
        return self.samples.mean(0)

    @property
    def std(self) -> Tensor:
        """Pixelwise standard deviation, real ``image``: sqrt of the mean of abs(x - mean)^2 with n - 1; zero for one
        sample."""
        if len(self.samples) == 1:
            return torch.zeros_like(self.samples[0].abs())
        squares = (self.samples - self.mean).abs().square()
        return (squares.sum(0) / (len(self.samples) - 1)).sqrt()
