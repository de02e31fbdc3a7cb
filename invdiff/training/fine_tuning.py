"""Training that begins with a prior: what its checkpoint decides, and no configuration can."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from invdiff.errors import InputError
from invdiff.priors import ScorePrior, load_prior
from invdiff.priors.weights import Network


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


def begun_with(source: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration's content with what the checkpoint of a prior decides: network, parameterisation, channels, noise
    levels and, where it says none itself, the intensity of images.

    Args:
        source: of the prior, as `load_prior` takes it.
        content: of a configuration, as YAML has it.

    Raises:
        InputError: as `load_start`.
    """
    prior = load_start(source)
    assert isinstance(prior.network, Network)
    shares = content.get("channels")
    stored = {
        "start": source,
        "network": prior.network.config,
        "parameterisation": prior.parameterisation,
        "channels": {count: shares.get(count, 1.0) if isinstance(shares, dict) else 1.0 for count in prior.channels},
        "sigma_range": prior.sigma_range,
    }
    begun = {**content, **TypeAdapter(Any).dump_python(stored, mode="json")}
    if prior.intensity is not None:
        scale = {"percentile": prior.intensity.percentile, "value": prior.intensity.value}
        begun["data"] = scale if begun.get("data") is None else begun["data"]
        for name in ("data", "validation"):
            if isinstance(begun.get(name), dict):
                begun[name] = scale | begun[name]
    return begun
