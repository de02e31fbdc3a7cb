"""Configurations of published checkpoints, which don't say themselves what network they hold: by name, or in YAML."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from invdiff.errors import InputError
from invdiff.files.yaml import read_yaml
from invdiff.priors.networks.ncsnpp import NCSNppConfig
from invdiff.priors.networks.ncsnv2 import NCSNv2Config

PublishedConfig = NCSNppConfig | NCSNv2Config
_CONFIG: TypeAdapter[PublishedConfig] = TypeAdapter(Annotated[PublishedConfig, Field(discriminator="architecture")])

_CIFAR10 = {"channels": 3, "image_size": 32, "ch_mult": (1, 2, 2, 2), "progressive": "none", "dropout": 0.1}
_NOISE = {"embedding_type": "positional", "scale_by_sigma": False, "centered": True}
_PLAIN = {"fir": False, "progressive_input": "none"}
_RESIDUAL = {"progressive_input": "residual"}
_256 = {"channels": 3, "image_size": 256, "ch_mult": (1, 1, 2, 2, 2, 2, 2), "num_res_blocks": 2}
_1024 = {"channels": 3, "image_size": 1024, "nf": 16, "ch_mult": (1, 2, 4, 8, 16, 32, 32, 32), "num_res_blocks": 1}


def _score_sde() -> dict[str, NCSNppConfig]:
    """The NCSN++ that score_sde_pytorch trains in continuous time, by the paths of its configurations."""
    fields: dict[str, Mapping[str, object]] = {
        "ve/bedroom_ncsnpp_continuous": {**_256, "sigma_max": 378},
        "ve/church_ncsnpp_continuous": {**_256, "sigma_max": 380},
        "ve/celebahq_256_ncsnpp_continuous": {**_256, "sigma_max": 348},
        "ve/ffhq_256_ncsnpp_continuous": {**_256, "sigma_max": 348},
        "ve/celebahq_ncsnpp_continuous": {**_1024, "sigma_max": 1348},
        "ve/ffhq_ncsnpp_continuous": {**_1024, "sigma_max": 1348},
    }
    for depth, blocks in (("", 4), ("_deep", 8)):
        cifar10 = {**_CIFAR10, "num_res_blocks": blocks}
        fields[f"ve/cifar10_ncsnpp{depth}_continuous"] = {**cifar10, **_RESIDUAL, "sigma_max": 50}
        for process in ("vp", "subvp"):
            noise = {**cifar10, **_NOISE, "sde": f"{process}sde"}
            fields[f"{process}/cifar10_ddpmpp{depth}_continuous"] = {**noise, **_PLAIN}
            fields[f"{process}/cifar10_ncsnpp{depth}_continuous"] = {**noise, **_RESIDUAL}
    return {name: NCSNppConfig.model_validate(given) for name, given in fields.items()}


PUBLISHED: Mapping[str, PublishedConfig] = {
    "song2021": NCSNppConfig.song2021(),
    "chung2022": NCSNppConfig.chung2022(),
    "jalal2021": NCSNv2Config.jalal2021(),
    **_score_sde(),
}
"""Networks of papers by the names that ``--prior-config`` takes."""


def find_published(name: str | os.PathLike[str]) -> PublishedConfig:
    """The configuration of that name in ``PUBLISHED``, or in that YAML file of fields of ``NCSNppConfig`` or
    (``architecture: ncsnv2``) ``NCSNv2Config``.

    Raises:
        InputError: neither, or the file can't be read or holds something else.
    """
    if isinstance(name, str) and name in PUBLISHED:
        return PUBLISHED[name]
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        known = ", ".join(PUBLISHED)
        raise InputError(f"{name} is no configuration of a published prior, nor a .yaml file; there are {known}.")
    return _read(path)


def _read(path: Path) -> PublishedConfig:
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no fields of a network's configuration, such as nf: 128.")
    try:
        return _CONFIG.validate_python({"architecture": "ncsnpp", **content})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"][1:])) or "the whole"
        raise InputError(f"{path} is no network's configuration ({place}: {first['msg']}).") from error
