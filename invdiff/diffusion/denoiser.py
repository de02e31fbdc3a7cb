"""A prior as a denoiser of states."""

from dataclasses import dataclass, field

from torch import Tensor

from invdiff.diffusion.noise import NoiseStream
from invdiff.diffusion.signals import Signal
from invdiff.priors.base import Prior


@dataclass
class Denoiser:
    """The prior seen through a signal, at any level alpha x_0 + beta z; it counts its calls.

    Attributes:
        calls: network calls so far; one is one evaluation for one sample.
        latest: the clean images that were believed last, to be looked at; ``None`` since they were taken.
    """

    prior: Prior
    signal: Signal
    calls: int = 0
    latest: Tensor | None = field(default=None, repr=False)

    def denoise(self, x: Tensor, alpha: float, beta: float, noise: NoiseStream) -> Tensor:
        """E[x_0 | x] for states (samples, ...): D(x / alpha, beta / alpha); ``noise`` draws how a signal shows them."""
        self.calls += x.shape[0]
        signal = self.signal.drawn(noise, x.shape)
        mean = signal.decode(self.prior.denoise(signal.encode(x / alpha), beta / alpha), x.shape)
        self.latest = mean.detach()  # whose graph ends with the caller's
        return mean

    def score(self, x: Tensor, alpha: float, beta: float, noise: NoiseStream) -> Tensor:
        """The score of the noisy density at ``x``, native where the prior has one and the signal is linear."""
        if not self.signal.is_linear:
            return (alpha * self.denoise(x, alpha, beta, noise) - x) / beta**2
        self.calls += x.shape[0]
        signal = self.signal.drawn(noise, x.shape)
        score = signal.decode(self.prior.score(signal.encode(x / alpha), beta / alpha), x.shape) / alpha
        self.latest = ((x + beta**2 * score) / alpha).detach()
        return score

    def take(self) -> Tensor | None:
        """`latest`, which is forgotten."""
        taken, self.latest = self.latest, None
        return taken
