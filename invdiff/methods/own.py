"""Methods of one's own: what an installed package offers, and what a file holds."""

import importlib.util
import inspect
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from invdiff.diffusion.sampler import Sampler
from invdiff.errors import InputError
from invdiff.methods.method import Method

GROUP = "invdiff.methods"
"""The group of entry points by which a package offers methods: functions as those of this package, by name."""


def offered(name: str) -> Method | None:
    """The method that an installed package offers under that name; ``None`` where none does.

    Raises:
        InputError: it can't be loaded, or is no method.
    """
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    if found is None:
        return None
    try:
        build = found.load()
    except Exception as error:  # a package may raise anything
        raise InputError(f"The method {name} of {found.value} can't be loaded: {_told(error)}.") from error
    return _method(name, build, found.value)


def method_of_file(text: str) -> Method:
    """The method of ``FILE.py:FUNCTION``, of that name. The file is run: it can do whatever the user may do.

    Raises:
        InputError: there is no such file or function, it can't be run, or is no method.
    """
    path, _, name = text.rpartition(":")
    if not (path.endswith(".py") and Path(path).is_file()):
        raise InputError(f"A method of your own is FILE.py:FUNCTION, and there is no file of {text!r}.")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # it may raise anything
        raise InputError(f"{path} can't be run: {_told(error)}.") from error
    if not hasattr(module, name):
        raise InputError(f"{path} has no function {name!r}.")
    return _method(text, getattr(module, name), text)


def _method(name: str, build: Any, where: str) -> Method:
    try:
        parameters = inspect.signature(build).parameters.values()
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} is no function that makes a sampler.") from error
    bare = [each.name for each in parameters if inspect.Parameter.empty in (each.default, each.annotation)]
    if bare:
        raise InputError(f"Each parameter of {where} needs a type and a default, and {', '.join(bare)} has not both.")
    try:
        made = build()
    except Exception as error:  # it may raise anything
        raise InputError(f"{where} can't be built: {_told(error)}.") from error
    if not isinstance(made, Sampler):
        raise InputError(f"{where} is to return a Sampler, but returned {type(made).__name__}.")
    return Method(name, made.cites, build)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).rstrip('.')}"
