"""EDM's preconditioning and weighting (Karras et al. 2022) with a noise level for each image."""

from torch import Tensor, nn


def denoised(network: nn.Module, x: Tensor, sigma: Tensor, data_std: float) -> Tensor:
    """Eq. (7): c_skip x + c_out F(c_in x; ln(sigma) / 4), with ``x`` (batch, channels, H, W) and ``sigma`` (batch,)."""
    s = sigma[:, None, None, None]
    total = s**2 + data_std**2
    output: Tensor = network(x / total.sqrt(), sigma.log() / 4)
    return data_std**2 / total * x + s * data_std / total.sqrt() * output


def weighted(error: Tensor, sigma: Tensor, data_std: float) -> Tensor:
    """The loss, eq. (2) and table 1, of ``error`` (batch, ...): one where the network answers nothing."""
    weight = (sigma**2 + data_std**2) / (sigma * data_std) ** 2
    return (weight * error.square().flatten(1).mean(1)).mean()
