"""The checkpoint layout of ncsnv2 (Song and Ermon 2020) and csgm-mri-langevin (Jalal et al. 2021).

A list: state dict (names with or without those of wrappers before them, and the levels ``sigmas``), optimizer,
epoch, step and, where training averaged, a dictionary of averaged weights by name. Sampling uses the averaged weights.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from invdiff.errors import InputError
from invdiff.priors.base import Intensity
from invdiff.priors.checkpoints.weights import check_levels, named_tensors, network_from
from invdiff.priors.networks.ncsnv2 import NCSNv2Config
from invdiff.priors.parameterisation import Score
from invdiff.priors.score_prior import ScorePrior


def is_ncsnv2(content: object) -> bool:
    """Whether a loaded file has this layout."""
    return isinstance(content, list) and len(content) >= 4 and isinstance(content[0], Mapping)


def ncsnv2_prior(content: Sequence[Any], config: NCSNv2Config) -> ScorePrior:
    """The prior in a loaded checkpoint: averaged weights where it has them, images whose 99th percentile is 1.

    Raises:
        InputError: names, shapes or noise levels differ from those of ``config``.
    """
    state = named_tensors(content[0])
    levels = state.pop("sigmas", None)
    if levels is not None:
        check_levels(levels, config.sigma_end, config.sigma_begin)
    if len(content) > 4:
        averages = content[4]
        if not isinstance(averages, Mapping):
            raise InputError("its fifth part isn't a dictionary of averaged weights.")
        averages = named_tensors(averages)
        if unaveraged := sorted(state.keys() - averages.keys()):
            raise InputError(f"it has no averages of {len(unaveraged)} weights, such as {unaveraged[0]}.")
        state |= averages
    return ScorePrior(
        network_from(config, state),
        Score(),
        channels=(config.channels,),
        sigma_range=(config.sigma_end, config.sigma_begin),
        intensity=Intensity(percentile=99.0, value=1.0),
    )
