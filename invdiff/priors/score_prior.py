"""Any trained network as a prior."""

import math
from collections.abc import Callable, Mapping
from typing import Self

import torch
from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.priors.base import Intensity, Prior
from invdiff.priors.memory import peak_bytes
from invdiff.priors.noise_level import check_non_negative, check_positive
from invdiff.priors.parameterisation import Parameterisation
from invdiff.priors.precision import choose_precision, computing_in


class ScorePrior(Prior):
    """A prior whose denoiser is a network, with its parameterisation said once.

    The network is put in evaluation mode and its parameters stop requiring gradients. It runs under the caller's
    gradient and autocast modes; x, preconditioning and result keep the dtype of x. Images are passed in micro-batches
    of fixed size, so on the CPU a result is the same bit for bit whatever else is in the batch.

    A level outside ``sigma_range`` is clamped into it for the network's label, and not for the preconditioning.

    Images, levels and everything that is said of images are on one scale, on which a real image is in [0, 1]. A network
    of another scale, such as one trained on 2x - 1, is shown that by ``network_range``.

    Args:
        network: ``network(image, label)`` with image (batch, channels, height, width) and label (batch,).
        parameterisation: ``Score()``, ``Noise()``, ``Velocity()``, ``EDM(sigma_data)`` or your own.
        channels: the numbers of channels it accepts, such as ``(1,)`` or ``(1, 2)``.
        sigma_range: lowest and highest normalised noise level (beta / alpha) of training.
        intensity: the scale of the training images.
        network_range: what the network was shown intensities of 0 and 1 as: (-1, 1) after training on 2x - 1.
        data_std: standard deviation of one real component of the training images.
        power_spectrum: mean power of the training images (intensity units squared, orthonormal FFT) in bins of equal
            width of |k|, from 0 to the Nyquist frequency.
        micro_batch: images in a network call; by default as many as fit the budget.
        memory_budget: bytes that the tensors of a network call may take; by default half of what the device has free,
            and on the CPU what one image takes, which is fastest there.
        about: free notes (name, data, licence) that travel with a checkpoint.

    Raises:
        InputError: ``channels`` is empty, ``sigma_range`` is not 0 < lowest < highest, ``network_range`` is not finite
            and ascending, ``micro_batch``, ``memory_budget`` or ``data_std`` is not above 0, or ``power_spectrum`` is
            empty or has a bin that is not a finite number of at least 0.
    """

    def __init__(
        self,
        network: nn.Module,
        parameterisation: Parameterisation,
        *,
        channels: tuple[int, ...],
        sigma_range: tuple[float, float],
        intensity: Intensity | None = None,
        network_range: tuple[float, float] = (0.0, 1.0),
        data_std: float | None = None,
        power_spectrum: tuple[float, ...] | None = None,
        micro_batch: int | None = None,
        memory_budget: int | None = None,
        about: Mapping[str, str] | None = None,
    ) -> None:
        if not channels or min(channels) < 1:
            raise InputError(
                f"A prior needs the numbers of channels it accepts, such as (1,) or (1, 2); it was given {channels}."
            )
        if not 0 < sigma_range[0] < sigma_range[1] < math.inf:
            raise InputError(f"A prior's sigma_range must be 0 < lowest < highest; it was given {sigma_range}.")
        if not -math.inf < network_range[0] < network_range[1] < math.inf:
            raise InputError(f"A prior's network_range must be what 0 and 1 are shown as, not {network_range}.")
        if micro_batch is not None and micro_batch < 1:
            raise InputError(f"micro_batch must be at least 1, not {micro_batch}.")
        if memory_budget is not None and memory_budget < 1:
            raise InputError(f"memory_budget is a number of bytes, at least 1, not {memory_budget}.")
        if data_std is not None and not 0 < data_std < math.inf:
            raise InputError(f"A prior's data_std must be a finite number above 0, not {data_std}.")
        if power_spectrum is not None and not (
            power_spectrum and all(0 <= power < math.inf for power in power_spectrum)
        ):
            raise InputError(
                f"A prior's power_spectrum must be finite numbers of at least 0, one a bin, not {power_spectrum}."
            )
        self.network = network.eval().requires_grad_(False)
        self.parameterisation = parameterisation
        self.channels = tuple(channels)
        self.sigma_range = sigma_range
        self.intensity = intensity
        self.network_range = network_range
        self.data_std = data_std
        self.power_spectrum = None if power_spectrum is None else tuple(power_spectrum)
        self.micro_batch = micro_batch
        self.memory_budget = memory_budget
        self._bytes_of_image: dict[torch.Size, int] = {}
        self.about = dict(about or {})

    def __getstate__(self) -> dict[str, object]:
        """Without what was measured of this machine's memory."""
        return vars(self) | {"_bytes_of_image": {}}

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Posterior mean of the clean image.

        Args:
            x: real, (batch, channels, height, width), at unit signal scale and the prior's intensity.
            sigma: noise level of one real component, at least 0.

        Raises:
            InputError: wrong axes, channels or dtype, or a negative level.
        """
        check_non_negative(sigma)
        skip, out, scale = self.parameterisation.preconditioning(self._gain * sigma)
        return skip * x + out / self._gain * self._call(x, scale, sigma) - (1 - skip) * self._offset

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """Gradient of the log density of noisy images: a score network's output. Raises as ``denoise``, and at 0."""
        check_positive(sigma)
        skip, out, scale = self.parameterisation.preconditioning(self._gain * sigma)
        # (denoise - x) / sigma^2 with the coefficients subtracted first, in double precision, so that no pixel cancels
        score = out / (self._gain * sigma**2) * self._call(x, scale, sigma)
        return score if skip == 1 else score - (1 - skip) / sigma**2 * (x + self._offset)

    @property
    def _gain(self) -> float:
        return self.network_range[1] - self.network_range[0]

    @property
    def _offset(self) -> float:
        """The network is shown ``gain * (x + offset)``."""
        return self.network_range[0] / self._gain

    def to(self, device: str) -> Self:
        """This prior, its network moved to another device."""
        self.network.to(device)
        return self

    def in_precision(self, asked: str) -> Self:
        """This prior, its network computing in that precision; see `Prior.in_precision`."""
        self.precision = choose_precision(asked, self.device)
        channels_last = torch.channels_last if self.precision == "bf16" else torch.contiguous_format
        self.network.to(memory_format=channels_last)
        return self

    def _call(self, x: Tensor, scale: float, sigma: float) -> Tensor:
        """The network's output at the label of ``sigma`` for ``scale`` times the images on its scale."""
        if x.is_complex() or not x.is_floating_point() or x.ndim != 4 or x.shape[1] not in self.channels:
            accepted = " or ".join(str(count) for count in self.channels)
            raise InputError(
                f"This prior takes real images (batch, {accepted} channels, height, width); it was given {x.dtype} of "
                f"shape {tuple(x.shape)}. Choose a signal that presents the image so, or another prior."
            )
        dtype = next((p.dtype for p in self.network.parameters()), x.dtype)
        trained = min(max(sigma, self.sigma_range[0]), self.sigma_range[1])
        label = self.parameterisation.label(self._gain * trained)
        images = (scale * self._gain * (x + self._offset)).to(dtype)
        if self.precision == "bf16":
            images = images.contiguous(memory_format=torch.channels_last)

        def call(part: Tensor) -> Tensor:
            with computing_in(self.precision, x.device):
                result: Tensor = self.network(part, torch.full((len(part),), label, dtype=dtype, device=x.device))
            if part.requires_grad and not result.requires_grad:  # the preconditioning alone would pass one
                raise InputError(
                    f"No gradient passes through {type(self.network).__name__}, and this method needs that of the "
                    "prior's answer; choose another prior, or a method whose guidance differentiates nothing."
                )
            return result

        outputs = [call(part) for part in torch.split(images, self._images_together(call, images))]
        return torch.cat(outputs).to(x.dtype)

    def _images_together(self, call: Callable[[Tensor], Tensor], images: Tensor) -> int:
        """How many images a network call takes; a call with one tells the first time that a budget has to be kept."""
        if self.micro_batch is not None:
            return self.micro_batch
        if images.device.type == "cpu" and self.memory_budget is None:
            return 1
        shape = images.shape[1:]
        if shape not in self._bytes_of_image:
            _, self._bytes_of_image[shape] = peak_bytes(lambda: call(images[:1]))
        budget, needed = (
            self.memory_budget or torch.cuda.mem_get_info(images.device)[0] // 2,
            self._bytes_of_image[shape],
        )
        if needed > budget:
            raise InputError(
                f"One image of {tuple(shape)} takes {needed} bytes in this network, more than the memory_budget of "
                f"{budget}; raise it, or reconstruct smaller images."
            )
        return budget // max(needed, 1)
