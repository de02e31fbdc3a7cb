"""A method and its settings in a YAML file: what a search writes and ``invdiff solve --config`` reads."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.files.yaml import read_yaml


class MethodConfig(BaseModel):
    """A method with settings.

    Attributes:
        method: its name.
        settings: of its parameters; the others keep their defaults.
        noise_times: by what the noise level that the data term assumes is multiplied.
        search: how the settings were found; a record, which nothing depends on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    settings: dict[str, bool | int | float | str] = Field(default_factory=dict)
    noise_times: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    search: dict[str, Any] = Field(default_factory=dict)

    @property
    def texts(self) -> Mapping[str, str]:
        """The settings as `invdiff.methods.registry.Method.with_settings` takes them."""
        return {name: str(value) for name, value in self.settings.items()}


def read_config(path: str | os.PathLike[str]) -> MethodConfig:
    """The configuration in a YAML file.

    Raises:
        InputError: as `invdiff.files.yaml.read_yaml`, or the file holds something else.
    """
    path = Path(path)
    content = read_yaml(path)
    try:
        return MethodConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(
            f"{path} is no configuration of a method: {where}: {first['msg']}. It holds 'method' and 'settings', as "
            "invdiff tune-lambda writes them."
        ) from error


def write_config(config: MethodConfig, path: str | os.PathLike[str]) -> None:
    """Write YAML that `read_config` reads back equal; whole or not at all.

    Raises:
        InputError: the folder can't be written to.
    """
    import yaml

    with atomic(Path(path)) as temporary:
        content = config.model_dump(exclude_defaults=True)
        temporary.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
