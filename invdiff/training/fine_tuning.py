"""Training that begins with a prior: what its checkpoint decides, and no configuration can."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from invdiff.errors import InputError
from invdiff.priors import ScorePrior, load_prior
from invdiff.priors.checkpoints.weights import Network


def load_start(source: str) -> ScorePrior:
    """The prior whose weights training begins with, by name or path as `load_prior` takes it.

    Raises:
        InputError: it can't be loaded, is no prior of images, or its network is one that training can't go on with.
    """
    prior = load_prior(source)
    if not isinstance(prior, ScorePrior):
        raise InputError(f"start: {source} is no prior of images; give one, such as builtin.")
    if not isinstance(prior.network, Network) or prior.network_range != (0.0, 1.0):
        raise InputError(
            f"start: {source} has a network that sees images from 0 to 1 as {prior.network_range}, and training shows "
            "them as they are; begin with another prior."
        )
    return prior


def decided_by(prior: ScorePrior, source: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a configuration that a prior decides: network, parameterisation, channels and noise levels.

    Args:
        prior: to begin with.
        source: of it, as `load_prior` takes it.
        content: of the configuration, as YAML has it; how often a batch has so many channels stays as it is there.
    """
    assert isinstance(prior.network, Network)
    shares = content.get("channels")
    fields = {
        "start": source,
        "network": prior.network.config,
        "parameterisation": prior.parameterisation,
        "channels": {count: shares.get(count, 1.0) if isinstance(shares, dict) else 1.0 for count in prior.channels},
        "sigma_range": prior.sigma_range,
    }
    decided: dict[str, Any] = TypeAdapter(Any).dump_python(fields, mode="json")
    return decided


def scaled_as(prior: ScorePrior, content: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration's content with images of the intensity that a prior knows, where it says none itself."""
    if prior.intensity is None:
        return dict(content)
    scale = {"percentile": prior.intensity.percentile, "value": prior.intensity.value}
    named = {name: content[name] for name in ("data", "validation") if isinstance(content.get(name), dict)}
    return {**content, **{name: scale | source for name, source in named.items()}}
