"""The checkpoint layout of score_sde_pytorch (Song et al. 2020) and score-MRI (Chung and Ye 2022).

A dictionary with ``model`` (state dict, names with or without the ``module.`` of data parallelism), ``ema`` (its
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
from invdiff.priors.ncsnpp import NCSNppConfig
from invdiff.priors.parameterisation import Score
from invdiff.priors.score_prior import ScorePrior
from invdiff.priors.weights import check_shape, network_from, outline

# The learning rate after warm-up is a NumPy scalar, named by the path of the NumPy that wrote it.
NUMPY_SCALARS: list[Any] = [
    np.dtype,
    np.dtypes.Float64DType,
    (multiarray.scalar, "numpy.core.multiarray.scalar"),
    (multiarray.scalar, "numpy._core.multiarray.scalar"),
]


def is_score_sde(content: Mapping[Any, Any]) -> bool:
    """Whether a loaded file has this layout."""
    return isinstance(content.get("model"), Mapping)


def score_sde_prior(content: Mapping[Any, Any], config: NCSNppConfig) -> ScorePrior:
    """The prior in a loaded checkpoint: averaged weights where it has them, images with a maximum of 1.

    Raises:
        InputError: names, counts, shapes or noise levels differ from those of ``config``.
    """
    state = {str(name).removeprefix("module."): tensor for name, tensor in content["model"].items()}
    levels = state.pop("sigmas", None)
    if not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise InputError("it holds something other than tensors among its weights.")
    if isinstance(levels, Tensor) and levels.is_floating_point() and levels.numel():
        _check_levels(float(levels.min()), float(levels.max()), config)
    if "ema" in content:
        state |= _averaged(content["ema"], config)
    return ScorePrior(
        network_from(config, state),
        Score(),
        channels=(config.channels,),
        sigma_range=(config.sigma_min, config.sigma_max),
        intensity=Intensity(percentile=100.0, value=1.0),
    )


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
        check_shape(f"the average of {name}", tensor, parameter.shape)
    return dict(zip(trained, shadow, strict=True))


def _check_levels(lowest: float, highest: float, config: NCSNppConfig) -> None:
    if not (
        math.isclose(lowest, config.sigma_min, rel_tol=1e-3) and math.isclose(highest, config.sigma_max, rel_tol=1e-3)
    ):
        raise InputError(
            f"it was trained for noise levels {lowest:.4g} to {highest:.4g}; the given configuration says "
            f"{config.sigma_min:.4g} to {config.sigma_max:.4g} (sigma_min, sigma_max)."
        )
