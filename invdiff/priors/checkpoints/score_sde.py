"""The checkpoint layout of score_sde_pytorch (Song et al. 2020) and score-MRI (Chung and Ye 2022).

A dictionary with ``model`` (state dict, names with or without those of wrappers before them), ``ema`` (its
``shadow_params`` are a list over the trained parameters alone, in the network's order: the fixed Fourier frequencies
stand in ``model`` only), ``optimizer`` and ``step``. Sampling uses the averaged weights.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy._core import multiarray
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors.base import Intensity
from invdiff.priors.checkpoints.weights import (
    check_held,
    check_levels,
    check_shape,
    named_tensors,
    network_from,
    outline,
)
from invdiff.priors.labels import SubVPTime, VPTime
from invdiff.priors.networks.ncsnpp import NCSNppConfig
from invdiff.priors.parameterisation import KnownParameterisation, Noise, Score
from invdiff.priors.scalings import SubVPScaling
from invdiff.priors.score_prior import ScorePrior

# The learning rate after warm-up is a NumPy scalar, named by the path of the NumPy that wrote it.
NUMPY_SCALARS: list[Any] = [
    np.dtype,
    np.dtypes.Float64DType,
    (multiarray.scalar, "numpy.core.multiarray.scalar"),
    (multiarray.scalar, "numpy._core.multiarray.scalar"),
]
FIRST_TIME = 1e-5  # training begins there


def is_score_sde(content: object) -> bool:
    """Whether a loaded file has this layout."""
    return isinstance(content, Mapping) and isinstance(content.get("model"), Mapping)


def score_sde_prior(content: Mapping[Any, Any], config: NCSNppConfig) -> ScorePrior:
    """The prior in a loaded checkpoint: averaged weights where it has them, images with a maximum of 1.

    Raises:
        InputError: names, counts, shapes or noise levels differ from those of ``config``.
    """
    state = named_tensors(content["model"])
    levels = state.pop("sigmas", None)
    parameterisation, (lowest, highest) = _process(config)
    if levels is not None and config.sde == "vesde":
        check_levels(levels, lowest, highest)
    if "ema" in content:
        state |= _averaged(content["ema"], config)
    network_range = (-1.0, 1.0) if config.centered else (0.0, 1.0)
    gain = network_range[1] - network_range[0]
    return ScorePrior(
        network_from(config, state),
        parameterisation,
        channels=(config.channels,),
        sigma_range=(lowest / gain, highest / gain),
        intensity=Intensity(percentile=100.0, value=1.0),
        network_range=network_range,
    )


def _process(config: NCSNppConfig) -> tuple[KnownParameterisation, tuple[float, float]]:
    """What the network gives, and the normalised noise levels beta / alpha of training, on the network's scale."""
    b0, b1 = config.beta_min, config.beta_max
    first, last = (b0 * t + (b1 - b0) * t**2 / 2 for t in (FIRST_TIME, 1.0))  # integrals of beta: -2 ln(alpha)
    match config.sde:
        case "vesde":
            assert config.sigma_max is not None  # the configuration refuses it
            return Score(), (config.sigma_min, config.sigma_max)
        case "vpsde":
            return Noise(VPTime(b0, b1)), (math.sqrt(math.expm1(first)), math.sqrt(math.expm1(last)))
        case "subvpsde":
            levels = (2 * math.sinh(first / 2), 2 * math.sinh(last / 2))
            return Noise(SubVPTime(b0, b1), SubVPScaling()), levels


def _averaged(ema: Any, config: NCSNppConfig) -> dict[str, Tensor]:
    shadow = ema.get("shadow_params") if isinstance(ema, Mapping) else None
    if not isinstance(shadow, list | tuple) or not all(isinstance(tensor, Tensor) for tensor in shadow):
        raise InputError("its 'ema' lacks 'shadow_params', a list of tensors.")
    trained = dict(outline(config).named_parameters())
    if len(shadow) != len(trained):
        raise InputError(
            f"it has averages of {len(shadow)} weights; the network of the given configuration has {len(trained)}."
        )
    for (name, parameter), tensor in zip(trained.items(), shadow, strict=True):
        check_held(f"the average of {name}", tensor)
        check_shape(f"the average of {name}", tensor, parameter.shape)
    return dict(zip(trained, shadow, strict=True))
