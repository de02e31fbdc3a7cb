"""Priors on disk: weights with the configuration that says how to use them, in one file.

``.safetensors`` holds the configuration as JSON in its metadata; ``.pt`` and ``.pth`` hold ``{"config": JSON, "state":
tensors}``. Either is read as tensors and text alone: nothing in a file is ever run.
"""

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from invdiff.errors import InputError
from invdiff.priors.base import Intensity
from invdiff.priors.conditional import ConditionalPrior
from invdiff.priors.ncsnpp import NCSNpp, NCSNppConfig
from invdiff.priors.parameterisation import EDM, KnownParameterisation, Noise, Score, Velocity
from invdiff.priors.score_prior import ScorePrior
from invdiff.priors.score_sde_checkpoint import NUMPY_SCALARS, is_score_sde, score_sde_prior
from invdiff.priors.unet import UNet, UNetConfig
from invdiff.priors.weights import check_finite, network_from

METADATA_KEY = "invdiff"
SHIPPED = ("builtin", "mc_ddpm")


class PriorConfig(BaseModel):
    """Everything about a prior but its weights; ``domain`` tells a ``ConditionalPrior`` from a ``ScorePrior``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    domain: Literal["image", "unsampled k-space"] = "image"
    architecture: Annotated[UNetConfig | NCSNppConfig, Field(discriminator="architecture")]
    parameterisation: KnownParameterisation
    channels: tuple[int, ...]
    sigma_range: tuple[float, float]
    intensity: Intensity | None
    data_std: float | None
    about: dict[str, str] = {}


def save_prior(
    prior: ScorePrior | ConditionalPrior, path: str | os.PathLike[str], *, dtype: torch.dtype = torch.float32
) -> None:
    """Write a prior to one file, whole or not at all.

    Args:
        prior: with a ``UNet`` or ``NCSNpp`` and one of this package's parameterisations.
        path: ``.safetensors`` (the better choice), ``.pt`` or ``.pth``; an existing file is replaced.
        dtype: of the stored parameters; ``torch.float16`` halves the file. They are read as float32.

    Raises:
        InputError: the network or parameterisation has no written form, a weight isn't finite in ``dtype``, or the
            path can't be written.
    """
    path = Path(path)
    denoiser = prior.denoiser if isinstance(prior, ConditionalPrior) else prior
    network, parameterisation = denoiser.network, denoiser.parameterisation
    if not isinstance(network, UNet | NCSNpp):
        raise InputError(f"Only priors with a UNet or NCSNpp can be saved; this one has a {type(network).__name__}.")
    if not isinstance(parameterisation, Score | Noise | Velocity | EDM):
        kind = type(parameterisation).__name__
        raise InputError(f"Only priors with Score, Noise, Velocity or EDM can be saved; this one has {kind}.")
    config = PriorConfig(
        domain="unsampled k-space" if denoiser is not prior else "image",
        architecture=network.config,
        parameterisation=parameterisation,
        channels=denoiser.channels,
        sigma_range=denoiser.sigma_range,
        intensity=denoiser.intensity,
        data_std=denoiser.data_std,
        about=denoiser.about,
    ).model_dump_json()
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    state |= {name: state[name].to(dtype) for name, _ in network.named_parameters()}  # frequencies stay exact
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        check_finite(state)
        match path.suffix:
            case ".safetensors":
                save_file(state, temporary, metadata={METADATA_KEY: config})
            case ".pt" | ".pth":
                torch.save({"config": config, "state": state}, temporary)
            case _:
                raise InputError("its name should end in .safetensors, .pt or .pth.")
        os.replace(temporary, path)
    except (InputError, OSError, SafetensorError, RuntimeError) as error:  # libraries report a bad folder in many ways
        raise InputError(f"{path} can't be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def load_prior(source: str | os.PathLike[str], *, config: NCSNppConfig | None = None) -> ScorePrior | ConditionalPrior:
    """Read a prior, on the CPU and in float32.

    Args:
        source: one that ships, ``"builtin"`` for images or ``"mc_ddpm"`` for unsampled k-space (a
            ``ConditionalPrior``); or a ``.safetensors``, ``.pt`` or ``.pth`` file.
        config: the network in a ``.pt`` or ``.pth`` of score_sde_pytorch or score-MRI, which doesn't say it itself; for
            instance ``NCSNppConfig.chung2022()``.

    Raises:
        InputError: no such file; damaged, or no checkpoint; a pickle of anything but tensors, numbers and text (it
            isn't run); another architecture; weights that are missing, unknown, of other shapes, or not finite.
    """
    if source in SHIPPED:
        shipped = resources.files("invdiff.priors") / f"{source}.safetensors"
        if not shipped.is_file():
            raise InputError(f'This installation of invdiff comes without "{source}"; give a checkpoint\'s path.')
        with resources.as_file(shipped) as path:
            return load_prior(path, config=config)
    path = Path(source)
    if not path.is_file():
        names = " or ".join(f'"{name}"' for name in SHIPPED)
        raise InputError(f"{path} is not a file; give a checkpoint's path, or {names}.")
    try:
        return _load(path, config)
    except InputError as error:
        raise InputError(f"{path} can't be loaded: {error}") from error


def _load(path: Path, config: NCSNppConfig | None) -> ScorePrior | ConditionalPrior:
    match path.suffix:
        case ".safetensors":
            text, state = _read_safetensors(path)
        case ".pt" | ".pth":
            content = _read_torch(path)
            if is_score_sde(content):
                if config is None:
                    raise InputError(
                        "score_sde_pytorch and score-MRI checkpoints don't say what network they hold; give config, "
                        "for instance NCSNppConfig.chung2022()."
                    )
                return score_sde_prior(content, config)
            text, state = _own_parts(content)
        case _:
            raise InputError("its name should end in .safetensors, .pt or .pth.")
    if config is not None:
        raise InputError("it holds its own configuration; leave config out.")
    stored = _parsed(text)
    denoiser = ScorePrior(
        network_from(stored.architecture, state),
        stored.parameterisation,
        channels=stored.channels,
        sigma_range=stored.sigma_range,
        intensity=stored.intensity,
        data_std=stored.data_std,
        about=stored.about,
    )
    return denoiser if stored.domain == "image" else ConditionalPrior(denoiser)


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
    return text, state


def _read_torch(path: Path) -> Mapping[Any, Any]:
    try:
        with torch.serialization.safe_globals(NUMPY_SCALARS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken or hostile pickle fails in ways that no list holds
        raise InputError(
            "it is damaged, or holds Python objects other than tensors, numbers and text, which are never run; ask its "
            "author for a safetensors file."
        ) from error
    if not isinstance(content, Mapping):
        raise InputError(f"it holds a {type(content).__name__}, not a checkpoint.")
    return content


def _own_parts(content: Mapping[Any, Any]) -> tuple[str, dict[str, Tensor]]:
    text, state = content.get("config"), content.get("state")
    if not isinstance(text, str) or not isinstance(state, dict):
        raise InputError("it has neither invdiff's 'config' and 'state' nor score_sde_pytorch's 'model'.")
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()):
        raise InputError("it holds something other than named tensors among its weights.")
    return text, state
