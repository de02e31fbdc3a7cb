"""Diffusion in the operator's own coordinates."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from invdiff.diffusion.context import Context
from invdiff.diffusion.parameters import DataShare, FreshNoise
from invdiff.diffusion.steps.base import Predictor, State
from invdiff.diffusion.steps.ddim import Renoise
from invdiff.errors import InputError
from invdiff.operators import LinearOperator
from invdiff.operators.spectral import Map, Spectral


@dataclass(frozen=True)
class DDRM(Predictor):
    """Denoising diffusion restoration (Kawar 2022, eq. 8), along each right singular vector of A, of singular value s,
    with q = noise_std / s, sigma' = beta' / alpha' and all states over their alpha:

        s = 0:          x_0 + sqrt(1 - eta^2) sigma' (x - x_0) / sigma + eta sigma' z
        sigma' < q:     x_0 + sqrt(1 - eta^2) sigma' (A⁺y - x_0) / q + eta sigma' z
        sigma' >= q:    (1 - eta_b) x_0 + eta_b A⁺y + sqrt(sigma'^2 - eta_b^2 q^2) z

    The vectors are never formed: what is to be done along them is a function of AᴴA, which has to be spectral, such as
    that of Fourier, inpainting and denoising, and of each coil's image by itself.

    Args:
        eta: share of fresh noise where there are no data, or noisier ones than the level.
        eta_b: share of the data where they are less noisy.

    Raises:
        InputError: either is outside [0, 1].
    """

    eta: FreshNoise = 0.85
    eta_b: DataShare = 1.0
    needs = frozenset({"measurement", "data", "noise_std", "no guidance"})
    cites: ClassVar[tuple[str, ...]] = ("kawar2022",)

    def check(self, context: Context) -> None:
        _spectral(context)

    def network_calls(self, k: int, steps: int, guided: int) -> int:
        return 1

    def without_data(self) -> Predictor:
        return Renoise(self.eta)

    def __call__(self, state: State, context: Context) -> State:
        levels, k, gram = context.levels, state.k, _spectral(context)
        x, clean = state.x / levels.alpha[k], context.denoise(state.x, k)
        sigma, after = levels.sigma(k), levels.sigma(k + 1)
        kept = math.sqrt(1 - self.eta**2) * after

        def along(unseen: float, noisy: Map, exact: Map) -> LinearOperator:
            def of(squared: Tensor) -> Tensor:
                seen = squared > squared.max() * torch.finfo(squared.dtype).eps * 8
                q = context.known_noise_std / squared.where(seen, 1).sqrt()
                return torch.where(seen, torch.where(after < q, noisy(q), exact(q)), unseen)

            return gram.map_spectrum(of)

        of_state = along(kept / sigma, torch.zeros_like, torch.zeros_like)
        of_data = along(0.0, lambda q: kept / q.where(q > 0, 1), lambda q: torch.full_like(q, self.eta_b))
        of_noise = along(
            self.eta * after,
            lambda q: torch.full_like(q, self.eta * after),
            lambda q: (after**2 - (self.eta_b * q) ** 2).clamp(min=0).sqrt(),
        )
        moved = clean + of_state(x - clean) + of_data(context.pinv_y - clean) + of_noise(context.noise.like(x))
        return state.at(levels.alpha[k + 1] * moved, k + 1)


def _spectral(context: Context) -> Spectral:
    """AᴴA, with known eigenvalues.

    Raises:
        InputError: they are not known.
    """
    gram = context.operator.gram.spectral_part
    if gram is None:
        raise InputError(
            f"DDRM needs an operator whose singular values are known, such as those of fourier, inpainting and "
            f"denoising, which those of {context.operator!r} are not; use SplitGibbs, or guidance by Proximal."
        )
    return gram
