"""A whole run as a file: the arguments and options of a command, by name, in YAML.

Its fields are the command's own parameters, so each is described once, and its bounds are those of the option.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from invdiff.errors import InputError

VERSION = 1
"""Of what such a file means; one of a later version is refused."""

OF_A_CALL = frozenset({"config", "print_config", "dry_run", "as_json", "quiet", "force", "shard", "help"})
"""Parameters that are of one call and not of the run."""

_RECORD = "search"  # how the settings were found, which nothing depends on


def from_file(context: typer.Context, path: Path | None) -> Path | None:
    """The callback of ``--config``: what the command line does not say is taken from the file.

    Raises:
        InputError: the file is missing, no YAML, of a later version, or has a field that is unknown or takes no such
            value.
    """
    if path is not None:
        context.default_map = read_run(context, path)
    return path


def read_run(context: typer.Context, path: Path) -> dict[str, Any]:
    """The values in a file as a command line would give them, by the names of the command's parameters.

    Raises:
        InputError: as `from_file`.
    """
    from invdiff.files.yaml import read_yaml
    from invdiff.methods.values import nearest

    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} is no run: it holds no fields, such as 'method: fast'; see --print-config.")
    version = content.pop("version", VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f"{path}: version is a whole number from 1, not {_shown(version)}.")
    if version > VERSION:
        raise InputError(
            f"{path} is a run of version {version}, and this invdiff knows versions up to {VERSION}; update invdiff, "
            "or write the run anew with --print-config."
        )
    content.pop(_RECORD, None)
    fields = _fields(context)
    taken: dict[str, Any] = {}
    for name, value in content.items():
        if name not in fields:
            raise InputError(f"{path}: there is no field {_shown(name)}{nearest(str(name), list(fields))}.")
        if value is not None:
            taken[name] = _as_given(fields[name], value, f"{path}: {name}")
            try:
                fields[name].process_value(context, taken[name])
            except typer.BadParameter as error:
                raise InputError(f"{path}: {name}: {error.message.rstrip('.')}.") from error
    return taken


def settings_of(context: typer.Context, given: list[str] | None) -> list[str]:
    """``--set`` of the file and then of the command line, which wins."""
    return [*(context.default_map or {}).get("settings", ()), *_given(context, "settings", given or [])]


def is_given(context: typer.Context, name: str) -> bool:
    """Whether the command line itself has a value of a parameter."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def written_run(context: typer.Context, instead: Mapping[str, Any]) -> str:
    """A run as a file that `from_file` takes: every value that there is, defaults included.

    Args:
        context: of the command.
        instead: values that stand for what was given, by name.
    """
    said = {name: {**context.params, **instead}.get(name) for name in _fields(context)}
    return run_as_text({name: _plain(name, value) for name, value in said.items()})


def run_as_text(fields: Mapping[str, Any]) -> str:
    """YAML that `from_file` takes; what has no value is left out.

    Args:
        fields: plain values by the names of parameters, and the record of a search.
    """
    import yaml

    content = {name: value for name, value in fields.items() if value not in (None, (), [], {})}
    text: str = yaml.safe_dump({"version": VERSION, **content}, sort_keys=False, allow_unicode=True)
    return text


def _fields(context: typer.Context) -> dict[str, Any]:
    return {param.name: param for param in context.command.params if param.name not in OF_A_CALL}


def _given(context: typer.Context, name: str, value: list[str]) -> list[str]:
    return value if is_given(context, name) else []


def _as_given(field: Any, value: Any, where: str) -> Any:
    """A value of YAML as the texts that a command line would have."""
    if field.name == "settings":
        if not isinstance(value, dict) or not all(map(_is_scalar, value.values())):
            raise InputError(f"{where} takes names with one value each, such as {{steps: 50}}, not {_shown(value)}.")
        return [f"{key}={inner}" for key, inner in value.items()]
    values = value if isinstance(value, list) else [value]
    several = field.nargs == -1 or getattr(field, "multiple", False)
    if not all(map(_is_scalar, values)) or (isinstance(value, list) and not several):
        raise InputError(f"{where} takes {'values in a list' if several else 'one value'}, not {_shown(value)}.")
    return [str(one) for one in values] if several else str(value)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _plain(name: str, value: Any) -> Any:
    """A value as YAML has it."""
    if name == "settings":
        from invdiff.files.yaml import number_or_text

        return {key: number_or_text(text) for key, text in value.items()}
    if isinstance(value, list | tuple):
        return [_plain("", one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."
