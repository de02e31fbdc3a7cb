"""Denoisers of the deepinv library as priors."""

from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.priors.base import MAXIMUM_IS_ONE, Intensity
from invdiff.priors.parameterisation import Clean
from invdiff.priors.score_prior import ScorePrior


def from_deepinv(
    denoiser: nn.Module,
    *,
    channels: tuple[int, ...],
    sigma_range: tuple[float, float] = (1e-3, 1e3),
    intensity: Intensity | None = MAXIMUM_IS_ONE,
    data_std: float | None = None,
) -> ScorePrior:
    """A ``deepinv.models.Denoiser`` as a prior: a network such as ``DRUNet``, or total variation, wavelets, BM3D. For
    the other way see `invdiff.bridges.as_denoiser`.

    A denoiser that isn't the mean of a posterior (total variation is a mode) makes a plug-and-play prior: its
    reconstructions are useful, its samples aren't draws from a posterior.

    Args:
        denoiser: called as ``denoiser(x, sigma)`` with real images (batch, channels, height, width) and a number.
        channels: the numbers of channels it accepts, such as (2,) for real and imaginary part.
        sigma_range: noise levels of training; beyond them it is told the nearest. Classical denoisers take all.
        intensity: the scale of its images; deepinv's are at most 1.
        data_std: standard deviation of one real component of its images.

    Raises:
        InputError: ``channels`` or ``sigma_range`` is none; or, when it is called, the result isn't like the image.
    """
    return ScorePrior(
        _WithoutMemory(denoiser),
        Clean(),
        channels=channels,
        sigma_range=sigma_range,
        intensity=intensity,
        data_std=data_std,
    )


class _WithoutMemory(nn.Module):
    """A denoiser that is told one level for all images, and whose answers don't depend on earlier ones."""

    def __init__(self, denoiser: nn.Module) -> None:
        super().__init__()
        self.denoiser = denoiser

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        if "restart" in vars(self.denoiser):
            vars(self.denoiser)["restart"] = True  # total variation would begin at its last answer
        kept = dict(vars(self.denoiser))
        result: Tensor = self.denoiser(x, sigma[0].item())
        vars(self.denoiser).update(kept)  # it is what it was, so it has the same fingerprint
        if result.shape != x.shape:
            raise InputError(
                f"A denoiser gives images like those it takes; {type(self.denoiser).__name__} was given "
                f"{tuple(x.shape)} and gave {tuple(result.shape)}."
            )
        return result
