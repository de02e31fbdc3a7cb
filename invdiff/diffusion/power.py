"""What a prior's images are made of, frequency by frequency."""

import numpy as np
import torch
from torch import Tensor

from invdiff.priors.base import Prior


def power_at_frequencies(prior: Prior, images: Tensor) -> Tensor:
    """The mean power of the prior's images at each frequency of images ``(..., H, W)``, frequency zero first: real
    ``(H, W)``, interpolated between the bins of |k| in the logarithm."""
    numbers = 2 if images.is_complex() else 1
    bins = np.array(prior.power_spectrum or (numbers * (prior.data_std or 1.0) ** 2,))
    middles = (np.arange(len(bins)) + 0.5) / len(bins)  # of the bins, in units of the Nyquist frequency
    down, across = (2 * np.fft.fftfreq(side) for side in images.shape[-2:])
    floor = np.finfo(np.float32).tiny
    power = np.exp(np.interp(np.hypot(down[:, None], across), middles, np.log(np.maximum(bins, floor))))
    return torch.from_numpy(power).to(images.device, images.dtype.to_real())
