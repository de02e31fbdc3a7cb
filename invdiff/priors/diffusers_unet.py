"""U-Nets of the diffusers library as priors."""

from typing import Any

from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.priors.base import MAXIMUM_IS_ONE, Intensity
from invdiff.priors.labels import StepNumber
from invdiff.priors.parameterisation import Clean, KnownParameterisation, Noise, Velocity
from invdiff.priors.scalings import VPScaling
from invdiff.priors.score_prior import ScorePrior


def from_diffusers(
    unet: nn.Module,
    scheduler: Any,
    *,
    network_range: tuple[float, float] | None = None,
    intensity: Intensity | None = MAXIMUM_IS_ONE,
    data_std: float | None = None,
) -> ScorePrior:
    """A ``diffusers.UNet2DModel`` as a prior, told the noise level by fractional steps of its schedule.

    Args:
        unet: unconditional, with positional time embedding, of images or of real and imaginary parts. Learned
            variances, as many channels again, are left out.
        scheduler: the one of training, such as ``diffusers.DDPMScheduler``: a table ``alphas_cumprod`` and a
            ``prediction_type`` (``epsilon``, ``sample`` or ``v_prediction``).
        network_range: what training showed intensities of 0 and 1 as; by default (-1, 1), as is the custom, and for two
            channels, which have signs already, (0, 1): as they are.
        intensity: the scale of the training images.
        data_std: standard deviation of one real component of the training images.

    Raises:
        InputError: another kind of network or schedule.
    """
    if not any(kind.__name__ == "UNet2DModel" for kind in type(unet).__mro__):
        raise InputError(f"from_diffusers takes a UNet2DModel, not a {type(unet).__name__}.")
    config: Any = unet.config
    channels = config.in_channels
    if config.out_channels not in (channels, 2 * channels):
        raise InputError(f"A U-Net of {channels} channels can't be a prior: it gives {config.out_channels}.")
    if config.time_embedding_type != "positional" or config.class_embed_type or config.num_class_embeds:
        raise InputError("This U-Net needs classes, or has no positional time embedding; only others can be priors.")
    table = getattr(scheduler, "alphas_cumprod", None)
    if not isinstance(table, Tensor):
        raise InputError(f"{type(scheduler).__name__} has no table alphas_cumprod; give the schedule of a DDPM.")
    alpha2 = table.double().cpu()
    alpha2 = alpha2[alpha2 > 0]  # a schedule that ends in pure noise has an infinite level
    label = StepNumber(tuple(((1 - alpha2) / alpha2).sqrt().tolist()))
    shown = network_range or ((0.0, 1.0) if channels == 2 else (-1.0, 1.0))
    gain = shown[1] - shown[0]
    return ScorePrior(
        _Images(unet, channels, 2 ** (len(config.down_block_types) - 1)),
        _parameterisation(scheduler.config.prediction_type, label),
        channels=(channels,),
        sigma_range=(label.sigmas[0] / gain, label.sigmas[-1] / gain),
        intensity=intensity,
        network_range=shown,
        data_std=data_std,
    )


def _parameterisation(prediction: str, label: StepNumber) -> KnownParameterisation:
    match prediction:
        case "epsilon":
            return Noise(label)
        case "v_prediction":
            return Velocity(label)
        case "sample":
            return Clean(label, VPScaling())
    raise InputError(f"A prediction_type is epsilon, sample or v_prediction, not {prediction}.")


class _Images(nn.Module):
    """The images that a U-Net gives, once their sides are known to fit."""

    def __init__(self, unet: nn.Module, channels: int, multiple: int) -> None:
        super().__init__()
        self.unet, self.channels, self.multiple = unet, channels, multiple

    def forward(self, x: Tensor, step: Tensor) -> Tensor:
        if any(side % self.multiple for side in x.shape[2:]):
            height, width = x.shape[2:]
            raise InputError(
                f"This U-Net takes images whose sides are multiples of {self.multiple}, not {height} x {width}; pad or "
                "crop."
            )
        result: Tensor = self.unet(x, step).sample[:, : self.channels]
        return result
