"""Priors on disk: weights with the configuration that says how to use them, in one file.

``.safetensors`` holds the configuration as JSON in its metadata; ``.pt`` and ``.pth`` hold ``{"config": JSON, "state":
tensors}``. Either is read as tensors and text alone: nothing in a file is ever run.
"""

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.priors.base import Intensity
from invdiff.priors.checkpoints.hub import SCHEME, download
from invdiff.priors.checkpoints.ncsnv2 import is_ncsnv2, ncsnv2_prior
from invdiff.priors.checkpoints.published import PublishedConfig, find_published
from invdiff.priors.checkpoints.score_sde import NUMPY_SCALARS, is_score_sde, score_sde_prior
from invdiff.priors.checkpoints.weights import Network, NetworkConfig, check_finite, named_tensors, network_from
from invdiff.priors.conditional import ConditionalPrior
from invdiff.priors.device import check_device
from invdiff.priors.networks.ncsnpp import NCSNppConfig
from invdiff.priors.networks.ncsnv2 import NCSNv2Config
from invdiff.priors.parameterisation import EDM, Clean, KnownParameterisation, Noise, Score, Velocity
from invdiff.priors.score_prior import ScorePrior

METADATA_KEY = "invdiff"
SHIPPED = ("builtin", "mc_ddpm")
SUFFIXES = (".safetensors", ".pt", ".pth")


class PriorConfig(BaseModel):
    """Everything about a prior but its weights; ``domain`` tells a ``ConditionalPrior`` from a ``ScorePrior``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    domain: Literal["image", "unsampled k-space"] = "image"
    architecture: NetworkConfig
    parameterisation: KnownParameterisation
    channels: tuple[int, ...]
    sigma_range: tuple[float, float]
    intensity: Intensity | None
    network_range: tuple[float, float] = (0.0, 1.0)
    data_std: float | None
    power_spectrum: tuple[float, ...] | None = None
    about: dict[str, str] = {}


def save_prior(
    prior: ScorePrior | ConditionalPrior, path: str | os.PathLike[str], *, dtype: torch.dtype = torch.float32
) -> None:
    """Write a prior to one file, whole or not at all.

    Args:
        prior: with a ``UNet``, ``NCSNpp`` or ``NCSNv2`` and one of this package's parameterisations.
        path: ``.safetensors`` (the better choice), ``.pt`` or ``.pth``; an existing file is replaced.
        dtype: of the stored parameters; ``torch.float16`` halves the file. They are read as float32.

    Raises:
        InputError: the network or parameterisation has no written form, a weight isn't finite in ``dtype``, or the
            path can't be written.
    """
    path = Path(path)
    denoiser = prior.denoiser if isinstance(prior, ConditionalPrior) else prior
    network, parameterisation = denoiser.network, denoiser.parameterisation
    if not isinstance(network, Network):
        kind = type(network).__name__
        raise InputError(f"Only priors with a UNet, NCSNpp or NCSNv2 can be saved; this one has a {kind}.")
    if not isinstance(parameterisation, Score | Noise | Clean | Velocity | EDM):
        kind = type(parameterisation).__name__
        raise InputError(f"Only priors with Score, Noise, Clean, Velocity or EDM can be saved; this one has {kind}.")
    config = PriorConfig(
        domain="unsampled k-space" if denoiser is not prior else "image",
        architecture=network.config,
        parameterisation=parameterisation,
        channels=denoiser.channels,
        sigma_range=denoiser.sigma_range,
        intensity=denoiser.intensity,
        network_range=denoiser.network_range,
        data_std=denoiser.data_std,
        power_spectrum=denoiser.power_spectrum,
        about=denoiser.about,
    ).model_dump_json()
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    state |= {name: state[name].to(dtype) for name, _ in network.named_parameters()}  # frequencies stay exact
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path} can't be written: its name should end in .safetensors, .pt or .pth.")
    with atomic(path) as temporary:
        try:
            check_finite(state)
            if path.suffix == ".safetensors":
                save_file(state, temporary, metadata={METADATA_KEY: config})
            else:
                with temporary.open("wb") as file:  # by a name torch would write that name, too
                    torch.save({"config": config, "state": state}, file)
        except (InputError, OSError, SafetensorError, RuntimeError) as error:  # both report a full disk in many ways
            raise InputError(f"{path} can't be written: {error}") from error


def load_prior(
    source: str | os.PathLike[str],
    *,
    config: PublishedConfig | str | os.PathLike[str] | None = None,
    device: str = "cpu",
) -> ScorePrior | ConditionalPrior:
    """Read a prior, in float32.

    Args:
        source: one that ships, ``"builtin"`` for images or ``"mc_ddpm"`` for unsampled k-space (a
            ``ConditionalPrior``); the path of a ``.safetensors``, ``.pt`` or ``.pth`` file; or one on the Hugging Face
            Hub, ``"hf://owner/name"`` with ``@revision`` and ``/file`` where wanted (else ``prior.safetensors``).
        config: the network in a ``.pt`` or ``.pth`` of score_sde_pytorch, score-MRI or csgm-mri-langevin, which doesn't
            say it itself: a name in ``PUBLISHED``, such as ``"chung2022"``, a YAML file of the configuration's fields,
            or the configuration.
        device: where it is to compute: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Raises:
        InputError: there is no such device or file; damaged, or no checkpoint; a pickle of anything but tensors,
            numbers and text (it isn't run); another architecture; weights that are missing, unknown, of other shapes,
            or not finite; or the hub lacks the file or can't be reached.
    """
    check_device(device)
    return _found(source, find_published(config) if isinstance(config, str | os.PathLike) else config).to(device)


def _found(source: str | os.PathLike[str], network: PublishedConfig | None) -> ScorePrior | ConditionalPrior:
    if source in SHIPPED:
        shipped = resources.files("invdiff.priors") / f"{source}.safetensors"
        if not shipped.is_file():
            raise InputError(f'This installation of invdiff comes without "{source}"; give a checkpoint\'s path.')
        with resources.as_file(shipped) as path:
            return _loaded(path, source, network)
    if isinstance(source, str) and source.startswith(SCHEME):
        return _loaded(download(source), source, network)
    path = Path(source)
    if not os.path.isfile(path):  # which answers for a name that is longer than any file's, too
        names = " or ".join(f'"{name}"' for name in SHIPPED)
        raise InputError(f"{path} is not a file; give a checkpoint's path, {names}, or hf://owner/name.")
    return _loaded(path, path, network)


def _loaded(path: Path, name: str | os.PathLike[str], config: PublishedConfig | None) -> ScorePrior | ConditionalPrior:
    try:
        return _load(path, config)
    except InputError as error:
        raise InputError(f"{name} can't be loaded: {error}") from error


def _load(path: Path, config: PublishedConfig | None) -> ScorePrior | ConditionalPrior:
    if path.suffix not in SUFFIXES:
        raise InputError("its name should end in .safetensors, .pt or .pth.")
    if path.suffix == ".safetensors":
        text, state = _read_safetensors(path)
    else:
        content = _read_torch(path)
        if is_score_sde(content) or is_ncsnv2(content):
            return _published(content, config)
        text, state = _own_parts(content)
    if config is not None:
        raise InputError("it holds its own configuration; leave that of a published checkpoint out.")
    stored = _parsed(text)
    denoiser = ScorePrior(
        network_from(stored.architecture, state),
        stored.parameterisation,
        channels=stored.channels,
        sigma_range=stored.sigma_range,
        intensity=stored.intensity,
        network_range=stored.network_range,
        data_std=stored.data_std,
        power_spectrum=stored.power_spectrum,
        about=stored.about,
    )
    return denoiser if stored.domain == "image" else ConditionalPrior(denoiser)


def _published(content: Any, config: PublishedConfig | None) -> ScorePrior:
    """The prior in a layout that doesn't say what network it holds."""
    origin, examples = ("score_sde_pytorch", "chung2022") if is_score_sde(content) else ("ncsnv2", "jalal2021")
    match config:
        case NCSNppConfig() if is_score_sde(content):
            return score_sde_prior(content, config)
        case NCSNv2Config() if is_ncsnv2(content):
            return ncsnv2_prior(content, config)
        case None:
            raise InputError(
                f"a checkpoint of {origin} doesn't say what network it holds; give its configuration, for instance "
                f'config="{examples}" or --prior-config {examples}.'
            )
    raise InputError(f"it has the layout of {origin}, but the given configuration is of {config.architecture}.")


def _parsed(text: str) -> PriorConfig:
    try:
        return PriorConfig.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise InputError(f"its configuration isn't one that invdiff knows ({place}: {first['msg']}).") from error


def _read_safetensors(path: Path) -> tuple[str, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(METADATA_KEY)
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (the handle isn't iterable)
    except (SafetensorError, OSError) as error:
        raise InputError(f"it isn't a whole safetensors file ({error}).") from error
    if text is None:
        raise InputError("its metadata lack invdiff's configuration, which says what its tensors are.")
    return text, named_tensors(state)


def _read_torch(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(NUMPY_SCALARS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken or hostile pickle fails in ways that no list holds
        raise InputError(
            "it is damaged, or holds Python objects other than tensors, numbers and text, which are never run; ask its "
            "author for a safetensors file."
        ) from error


def _own_parts(content: object) -> tuple[str, dict[str, Tensor]]:
    if not isinstance(content, Mapping):
        raise InputError(f"it holds a {type(content).__name__}, not a checkpoint.")
    text, state = content.get("config"), content.get("state")
    if not isinstance(text, str) or not isinstance(state, dict):
        raise InputError("it has neither invdiff's 'config' and 'state' nor score_sde_pytorch's 'model'.")
    return text, named_tensors(state)
