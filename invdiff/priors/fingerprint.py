"""A prior's identity: what tells it from every prior with other answers."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.priors.base import Prior

_HOOKS = ("_forward_pre_hooks", "_forward_hooks")
_DECIDING = {"training", "_parameters", "_buffers", "_modules", *_HOOKS}
_OF_TORCH = set(vars(nn.Module())) - _DECIDING | {"_is_torch_compile", "_compiled_call_impl"}
"""Attributes that torch keeps its books in."""


def fingerprint(prior: Prior) -> str:
    """See `Prior.fingerprint`."""
    digests = {}
    for name, value in _attributes(prior).items():
        try:
            digests[name] = _digest_of(value, (id(prior),))
        except TypeError as error:
            kind = type(prior).__name__
            raise InputError(
                f"{kind}.{name} holds {error}, of which no fingerprint can be made; override {kind}.fingerprint() to "
                "tell this prior from every one with other answers."
            ) from error
    return _digest("prior", _name(type(prior)), _digest_of(digests, ())).hex()


def _attributes(prior: Prior) -> dict[str, Any]:
    """All that a copy of the prior would hold, and what its class says where it holds nothing."""
    of_classes = {
        name: value
        for kind in reversed(type(prior).__mro__)
        for name, value in vars(kind).items()
        if not (name.startswith(("__", "_abc_")) or hasattr(type(value), "__get__"))  # methods, properties
    }
    return of_classes | _state(prior, prior.__getstate__())


def _state(holder: object, state: Any) -> dict[str, Any]:
    """The attributes in a state, as copies and pickles take it, but for what was computed of the others."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    held = {**(attributes or {}), **(slots or {})}
    return {name: held[name] for name in held if not isinstance(getattr(type(holder), name, None), cached_property)}


def _digest(*parts: str | bytes) -> bytes:
    sha = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        sha.update(len(content).to_bytes(8, "big"))  # so that no two lists of parts read alike
        sha.update(content)
    return sha.digest()


def _digest_of(value: Any, path: tuple[int, ...]) -> bytes:
    """The digest of a value inside of others.

    Args:
        value: of any kind.
        path: those others, the outermost first, by their ids.

    Raises:
        TypeError: there is no telling what is in it; the message names its kind.
    """
    if id(value) in path:
        return _digest("what holds it", str(path.index(id(value))))
    inside = (*path, id(value))
    match value:
        case None | bool() | str() | bytes() | complex():
            return _digest(type(value).__name__, repr(value))
        case int() | float():
            return _digest("number", repr(int(value) if value == value // 1 and abs(value) < 2**53 else value))
        case np.generic():
            return _digest_of(value.item(), path)
        case Tensor():
            return _digest_of_tensor(value)
        case np.ndarray() if not value.dtype.hasobject:
            return _digest("array", value.dtype.str, str(value.shape), np.ascontiguousarray(value).tobytes())
        case torch.device():
            return _digest("device")  # where it is decides nothing
        case type():
            return _digest("class", _name(value))
        case ModuleType():
            return _digest("library", value.__name__)
        case tuple() | list():
            return _digest("sequence", *(_digest_of(each, inside) for each in value))
        case set() | frozenset():
            return _digest("set", *sorted(_digest_of(each, inside) for each in value))
        case Mapping():
            pairs = (_digest(_digest_of(key, inside), _digest_of(each, inside)) for key, each in value.items())
            return _digest("mapping", *sorted(pairs))
        case Prior():
            return _digest("inner prior", value.fingerprint())
        case nn.Module():
            network = getattr(value, "_orig_mod", value)  # what torch.compile compiled
            held = {name: each for name, each in vars(network).items() if name not in _OF_TORCH}
            held |= {hooks: list(held[hooks].values()) for hooks in _HOOKS}  # whose keys are counters
            return _digest("network", _name(type(network)), _digest_of(_state(network, held), inside))
        case BaseModel():
            return _digest("model", _name(type(value)), _digest_of(dict(value), inside))
        case FunctionType() if _is_importable(value):
            return _digest("function", _name(value))
        case FunctionType():
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            made_of = (value.__code__, value.__defaults__, value.__kwdefaults__, cells)
            return _digest("local function", _digest_of(made_of, inside))
        case CodeType():
            return _digest("code", value.co_code, _digest_of((value.co_consts, value.co_names), inside))
        case _:
            return _digest_of_copied(value, inside)


def _digest_of_tensor(tensor: Tensor) -> bytes:
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    content = plain.reshape(-1).view(torch.uint8).numpy().tobytes()
    return _digest("tensor", str(plain.dtype), str(tuple(plain.shape)), content)


def _digest_of_copied(value: Any, path: tuple[int, ...]) -> bytes:
    """The digest of what a pickle of the value would hold."""
    try:
        reduced = value.__reduce_ex__(4)
    except Exception as error:  # each kind that can't be pickled says so in its own way
        raise TypeError(f"a {type(value).__name__}") from error
    if isinstance(reduced, str):
        return _digest("global", str(getattr(value, "__module__", None)), reduced)
    make, arguments, state, *items = (*reduced, None)[: max(3, len(reduced))]
    held = _state(value, state) if isinstance(state, dict) else state
    listed = [list(each) if isinstance(each, Iterator) else each for each in items]
    return _digest("copied", _digest_of((make, arguments, held, listed), path))


def _name(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _is_importable(function: FunctionType) -> bool:
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function
