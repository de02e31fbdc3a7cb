"""Priors of the k-space that was not sampled, given the k-space that was (MC-DDPM; Xie and Li 2022)."""

import math
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors.base import Prior
from invdiff.priors.noise_level import check_positive
from invdiff.priors.score_prior import ScorePrior

if TYPE_CHECKING:
    from invdiff.operators import LinearOperator
    from invdiff.problem import Problem

DOMAIN = "unsampled k-space"
AXES = (-2, -1)


def to_image(kspace: Tensor) -> Tensor:
    """Complex images ``(..., H, W)`` of k-space with its centre at ``(H // 2, W // 2)``; orthonormal."""
    shifted = torch.fft.ifftshift(kspace, dim=AXES)
    image: Tensor = torch.fft.fftshift(torch.fft.ifft2(shifted, norm="ortho"), dim=AXES)
    return image


def to_kspace(image: Tensor) -> Tensor:
    """The inverse of `to_image`."""
    shifted = torch.fft.ifftshift(image, dim=AXES)
    kspace: Tensor = torch.fft.fftshift(torch.fft.fft2(shifted, norm="ortho"), dim=AXES)
    return kspace


def to_channels(x: Tensor) -> Tensor:
    """Complex ``(..., H, W)`` as real ``(..., 2, H, W)``: real part, imaginary part."""
    return torch.view_as_real(x).movedim(-1, -3).contiguous()


def to_complex(x: Tensor) -> Tensor:
    """The inverse of `to_channels`."""
    return torch.complex(x.select(-3, 0), x.select(-3, 1))


class ConditionalPrior(Prior):
    """What the unsampled k-space looks like, given the sampled one: MC-DDPM's network.

    Xie and Li, Measurement-conditioned denoising diffusion probabilistic model for under-sampled medical image
    reconstruction (MICCAI 2022). A network sees the noisy unsampled k-space as an image, and the zero-filled image
    beside it. With u = F⁻¹ m_c x, m_c one on the unsampled set, and F centred and orthonormal, the answer is::

        m_c F (skip u + out network([scale u, zero-filled]))

    The paper's network gives the noise. Here the parameterisation is free, and that of the prior that ships is EDM
    (Karras et al. 2022): then the network gives a correction of bounded size at every level, which suits unsampled
    k-space, whose deviation is a third of an image's.

    The mask and the zero-filled image come from `given`; without them it refuses to denoise.

    Args:
        denoiser: a network of four channels: real and imaginary part of u, then of the zero-filled image. The answer
            is in the first two channels of its result; the others are not used.

    Raises:
        InputError: ``denoiser`` takes anything but four channels.
    """

    domain = DOMAIN
    channels = (2,)

    def __init__(self, denoiser: ScorePrior) -> None:
        if denoiser.channels != (4,):
            raise InputError(
                "A conditional prior's network takes 4 channels, noisy image and zero-filled image; this one takes "
                f"{' or '.join(map(str, denoiser.channels))}."
            )
        self.denoiser = denoiser
        self.intensity = denoiser.intensity
        self.data_std = denoiser.data_std
        self.precision = denoiser.precision

    def given(self, problem: "Problem") -> Prior:
        """The prior of what ``problem`` did not sample, ``denoise`` and ``score`` ready to be asked.

        Args:
            problem: P(Λ) F of images ``(..., H, W)``, or a multiple of it, all coils one after the other, in the
                prior's units.

        Raises:
            InputError: the operator is something else.
        """
        operator, y = problem.operator, problem.y.to(problem.y.dtype.to_complex())
        sampled = _sampled(operator, operator.H(y))
        if sampled is None:
            raise InputError(
                f"This prior knows k-space that was left out, but {operator!r} does more or other than leave out "
                "k-space; it serves undersampled k-space, its coil maps taken off by the view."
            )
        zero_filled = operator.pinv(y)
        shape = (-1, *zero_filled.shape[-2:])
        return _Conditioned(self.denoiser, zero_filled.reshape(shape), ~sampled.reshape(shape))

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Refused: the unsampled k-space is not known before the sampled one.

        Raises:
            InputError: always.
        """
        raise InputError(
            "A conditional prior can't denoise before it is given a measurement: ask prior.given(problem), or let a "
            "sampler do so."
        )

    def to(self, device: str) -> Self:
        """This prior, its network moved to another device."""
        self.denoiser.to(device)
        return self

    def in_precision(self, asked: str) -> Self:
        """This prior, its network computing in that precision; see `Prior.in_precision`."""
        self.precision = self.denoiser.in_precision(asked).precision
        return self


class _Conditioned(Prior):
    """A conditional prior that knows the measurement.

    Args:
        denoiser: as in `ConditionalPrior`.
        zero_filled: complex (images, H, W).
        unsampled: boolean (images, H, W).
    """

    domain = DOMAIN
    channels = (2,)
    is_oriented = True  # its measurement is not turned

    def __init__(self, denoiser: ScorePrior, zero_filled: Tensor, unsampled: Tensor) -> None:
        self.denoiser, self.zero_filled, self.unsampled = denoiser, zero_filled, unsampled
        self.intensity = denoiser.intensity
        self.data_std = denoiser.data_std

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Posterior mean of the unsampled k-space, zero where it was sampled.

        Args:
            x: real (samples * images, 2, H, W), the images of a sample side by side.
            sigma: noise level of one real component, at least 0.

        Raises:
            InputError: another shape or dtype, or a negative level.
        """
        images, *sides = self.unsampled.shape
        if x.is_complex() or x.ndim != 4 or x.shape[1:] != (2, *sides) or x.shape[0] % images:
            raise InputError(
                f"This prior was given a measurement of {images} image(s) of {sides[0]} x {sides[1]}, so it takes real "
                f"k-space (samples * {images}, 2, {sides[0]}, {sides[1]}); it was given {x.dtype} of shape "
                f"{tuple(x.shape)}."
            )
        samples = x.shape[0] // images
        unsampled = self.unsampled[:, None].repeat(samples, 1, 1, 1)
        condition = to_channels(self.zero_filled).to(x.dtype).repeat(samples, 1, 1, 1)
        noisy = to_channels(to_image(to_complex(x * unsampled)))
        scale = self.denoiser.parameterisation.preconditioning(sigma).scale  # the network sees the condition unscaled
        image = self.denoiser.denoise(torch.cat([noisy, condition / scale], dim=1), sigma)[:, :2]
        return unsampled * to_channels(to_kspace(to_complex(image)))

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """By Tweedie from ``denoise``. Raises as it does, and at 0."""
        check_positive(sigma)
        return super().score(x, sigma)

    def to(self, device: str) -> Self:
        """This prior on another device."""
        return type(self)(self.denoiser.to(device), self.zero_filled.to(device), self.unsampled.to(device))


def _sampled(operator: "LinearOperator", like: Tensor) -> Tensor | None:
    """Λ as booleans, like ``like`` in shape and device, if the operator's gram is a multiple of F⁻¹ Λ F;
    else ``None``."""
    generator = torch.Generator().manual_seed(0)
    phase = torch.rand(like.shape, generator=generator, dtype=like.real.dtype).to(like.device) * (2 * math.pi)
    probe = torch.polar(torch.ones_like(phase), phase)  # not plain ones, which other operators could answer alike
    response = to_kspace(operator.gram(to_image(probe))) / probe
    response = response / response.abs().max()
    sampled = response.real > 0.5
    return sampled if bool((response - sampled.to(response.dtype)).abs().max() < 1e-3) else None
