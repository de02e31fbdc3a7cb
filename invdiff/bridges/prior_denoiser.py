"""Priors as denoisers of the deepinv library, which this module imports."""

import torch
from deepinv.models import Denoiser
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors import Prior


class PriorDenoiser(Denoiser):  # type: ignore[misc] # deepinv carries no types
    """A prior as a ``deepinv.models.Denoiser``. Build it by `as_denoiser`."""

    def __init__(self, prior: Prior) -> None:
        super().__init__()
        self.prior = prior

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Posterior means of the images ``x`` (B, C, H, W), at a level for all or one for each."""
        channels = self.prior.channels
        if x.is_complex() or x.ndim != 4 or x.shape[1] not in channels:
            accepted = " or ".join(map(str, channels))
            raise InputError(
                f"This denoiser takes real images (B, {accepted} channels, H, W) but got {x.dtype} of shape "
                f"{tuple(x.shape)}."
            )
        levels = torch.as_tensor(sigma, dtype=torch.float64).flatten()
        if len(levels) not in (1, len(x)):
            raise InputError(f"{len(x)} images have one noise level, or one each, but got {len(levels)}.")
        distinct, which = levels.expand(len(x)).cpu().unique(return_inverse=True)
        result = torch.empty_like(x)
        for number, level in enumerate(distinct.tolist()):
            chosen = (which == number).to(x.device)
            result[chosen] = self.prior.denoise(x[chosen], level)
        return result
