"""Configurations of training as YAML, and sentences about what is wrong in one."""

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ValidationError

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.files.yaml import parse_yaml, read_yaml
from invdiff.training.config import CONFIGS, RunConfig, TrainingConfig, UnsampledKspaceConfig
from invdiff.training.fine_tuning import decided_by, load_start, scaled_as
from invdiff.training.shipped_configs import find_config


def read_config(
    source: str | os.PathLike[str], settings: Mapping[str, str] | None = None, *, start: str | None = None
) -> TrainingConfig | UnsampledKspaceConfig:
    """The configuration in a YAML file.

    Args:
        source: the name of one that comes with the package (``SHIPPED_CONFIGS``), or the path of a file.
        settings: values by dotted key, such as ``{"optimiser.lr": "1e-3", "batches.0.images": "4"}``, that replace the
            file's; each is read as YAML.
        start: a prior to begin with, as `load_prior` takes it; what its checkpoint decides (network, parameterisation,
            channels, noise levels, intensity) replaces the file's.

    Raises:
        InputError: the file is missing or no YAML, a field is unknown, missing or has a value that it can't have, or
            training can't begin with the prior.
    """
    path = find_config(source)
    content = read_yaml(path)
    if content is None:
        content = {}
    prior = None if start is None else load_start(start)
    if prior is not None and start is not None and isinstance(content, dict):
        content |= decided_by(prior, start, content)
    for key, value in (settings or {}).items():
        _put(content, key.split("."), parse_yaml(value, f"--set {key}"), key)
    if prior is not None and isinstance(content, dict):
        content = scaled_as(prior, content)
    model = _model(content, path)
    if prior is not None and "start" not in model.model_fields:
        raise InputError(f"{path}: its task begins with no prior, and {start} is given; leave it out.")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {_complaint(error, content, model)}") from error


def _model(content: Any, path: Path) -> type[TrainingConfig | UnsampledKspaceConfig]:
    """The configuration of the task that a file names, or of score matching."""
    task = content.get("task", "score_matching") if isinstance(content, dict) else "score_matching"
    if not isinstance(task, str) or task not in CONFIGS:
        raise InputError(f"{path}: task is one of {', '.join(CONFIGS)}, not {_shown(task)}.")
    return CONFIGS[task]


def write_config(config: RunConfig, path: str | os.PathLike[str]) -> None:
    """Write YAML with every field, whole or not at all.

    Raises:
        InputError: the folder can't be written to.
    """
    import yaml

    with atomic(Path(path)) as temporary:
        content = config.model_dump(mode="json")
        temporary.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _put(content: Any, keys: Sequence[str], value: Any, name: str) -> None:
    """Set a nested value; what is missing on the way is made."""
    for depth, key in enumerate(keys):
        here, last = ".".join(keys[:depth]) or "the file", depth == len(keys) - 1
        match content:
            case dict() if last:
                content[key] = value
            case dict():
                if content.get(key) is None:
                    content[key] = {}
                content = content[key]
            case list() if key not in map(str, range(len(content))):
                raise InputError(f"--set {name}: {here} is a list of {len(content)}, so '{key}' is none of its items.")
            case list() if last:
                content[int(key)] = value
            case list():
                content = content[int(key)]
            case _:
                raise InputError(f"--set {name}: {here} is {_shown(content)}, which has no field '{key}'.")


def _complaint(error: ValidationError, content: Any, model: type[RunConfig]) -> str:
    """A sentence about the first thing that is wrong."""
    first = error.errors()[0]
    place = _place(first["loc"], content) or "the file"
    match first["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            known = ", ".join(_fields(model, first["loc"][:-1]))
            return f"there is no field {place} (it was given {_shown(first['input'])}); fields there are {known}."
        case "missing":
            return f"{place} is missing."
        case "union_tag_not_found":
            discriminator, given = first["ctx"]["discriminator"], _shown(first["input"])
            return f"{place} needs {discriminator}, which says what it is; given was {given}."
        case "union_tag_invalid":
            tag, expected = first["ctx"]["tag"], first["ctx"]["expected_tags"]
            return f"{place}: {first['ctx']['discriminator'].strip(chr(39))} is one of {expected}, not {_shown(tag)}."
        case "model_type" | "model_attributes_type" | "dataclass_type":
            return f"{place} takes named fields, not {_shown(first['input'])}."
        case "value_error":
            where = f"{place}: " if first["loc"] else ""
            return f"{where}{first['msg'].removeprefix('Value error, ').rstrip('.')}."
    said = first["msg"].replace("Input should be", "it should be")
    return f"{place}: {said[:1].lower()}{said[1:]}; it was given {_shown(first['input'])}."


def _shown(value: Any) -> str:
    """A value as a sentence shows it, which need not be the whole of it."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _place(where: Sequence[str | int], content: Any) -> str:
    """The dotted key of a field; pydantic's path also holds which of several models it took."""
    keys: list[str] = []
    for i, part in enumerate(where):
        inside = range(len(content)) if isinstance(content, list) else content if isinstance(content, Mapping) else ()
        if part in inside:
            content = content[part]
        elif i < len(where) - 1 or part == "[key]":
            continue
        keys.append(str(part))
    return ".".join(keys)


def _fields(model: type[RunConfig], where: Sequence[str | int]) -> list[str]:
    """Names of the fields of the model at pydantic's path."""
    models: list[Any] = [model]
    for part in where:
        if isinstance(part, str):
            inside = [found for model in models for found in _models(_annotations(model).get(part))]
            tagged = [model for model in models if any(part in get_args(kind) for kind in _annotations(model).values())]
            models = inside or tagged
    return list(_annotations(models[0]))


def _annotations(model: Any) -> dict[str, Any]:
    if issubclass(model, BaseModel):
        return {name: field.annotation for name, field in model.model_fields.items()}
    return get_type_hints(model, include_extras=True)


def _models(annotation: Any) -> Iterator[Any]:
    """The models among the types that an annotation is made of."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
