"""Values of parameters and of parts, read from text: literals, named parts and lists of them, and nothing else."""

import functools
import inspect
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from invdiff.diffusion import Context
from invdiff.errors import InputError
from invdiff.methods.named_parts import Make, find_part, named_parts, required
from invdiff.methods.written import Written, written

NONE: Mapping[str, Any] = MappingProxyType({})
_PLAIN = (int, float, bool, str)


def value_of(text: str, kind: Any, where: str, usual: Mapping[str, Any] = NONE) -> Any:
    """The value of a type that a text means.

    Args:
        text: a number or word, or, where ``kind`` is of parts, a part's name, with arguments in brackets where they are
            not its defaults.
        kind: type of a parameter, or of a field of a part.
        where: which parameter, for messages.
        usual: arguments of the part where it gives none.

    Raises:
        InputError: the text means no such value, or the part refuses its arguments.
    """
    is_plain = not any(_is_of_parts(each) or _element(each) for each in alternatives(kind))
    return _plain(text, kind, where) if is_plain else _value(written(text), kind, where, text, usual)


def kinds_of(owner: Any) -> dict[str, Any]:
    """The type of each field of a dataclass, or of each parameter of a function, by name."""
    if isinstance(owner, type):
        hints = get_type_hints(owner, localns={"Context": Context})  # which parts name without importing it
        return {each.name: hints[each.name] for each in fields(owner) if each.init}
    parameters = inspect.signature(owner, eval_str=True).parameters
    return {name: _without_metadata(each.annotation) for name, each in parameters.items()}


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The types that a union is of; of another type that one alone."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _without_metadata(kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        return _without_metadata(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return functools.reduce(operator.or_, map(_without_metadata, get_args(kind)))
    return kind


def nearest(name: str, names: Sequence[str]) -> str:
    """What may have been meant, to follow a sentence's subject: empty, or in brackets."""
    found = get_close_matches(name, names, 1)
    return f" (did you mean {found[0]}?)" if found else ""


def _is_of_parts(kind: Any) -> bool:
    return isinstance(kind, type) and bool(named_parts(kind)) and kind is not object


def _element(kind: Any) -> Any:
    """The type of a list's elements; ``None`` where it is of no lists."""
    origin = get_origin(kind)
    return get_args(kind)[0] if origin is tuple or (isinstance(origin, type) and issubclass(origin, Sequence)) else None


def _value(said: Written, kind: Any, where: str, text: str, usual: Mapping[str, Any] = NONE) -> Any:
    if said.word == "" and said.arguments is not None:
        element = next((found for each in alternatives(kind) if (found := _element(each))), None)
        if element is None or any(name for name, _ in said.arguments):
            raise InputError(f"{where} is no list, which {text!r} is.")
        return tuple(_value(item, element, where, text) for _, item in said.arguments)
    for each in alternatives(kind):
        made = find_part(said.word, each) if _is_of_parts(each) else None
        if made is not None:
            return _made(functools.partial(made, **usual), said, where, text)
    names = list(choices(kind))
    if NoneType in alternatives(kind) and said == Written("None"):
        return None
    plain = [each for each in alternatives(kind) if each in _PLAIN or get_origin(each) is Literal]
    if plain and said.arguments is None:
        return _plain(said.word, functools.reduce(operator.or_, plain), where)
    if not names:
        raise InputError(f"{where} takes no {text!r}.")
    raise InputError(f"{where} is one of {', '.join(names)}, not {text!r}{nearest(said.word, names)}.")


def choices(kind: Any) -> Iterator[str]:
    """The words and the names of parts that a type has."""
    for each in alternatives(kind):
        if _is_of_parts(each):
            yield from named_parts(each)
        elif get_origin(each) is Literal:
            yield from get_args(each)
        elif each is NoneType:
            yield "None"


def _made(made: Make, said: Written, where: str, text: str) -> Any:
    kinds = kinds_of(made.func)
    given: dict[str, Any] = {}
    for place, (name, item) in enumerate(said.arguments or ()):
        field = name or next(iter([*kinds][place:]), None)
        if field is None or field not in kinds or field in given:
            unknown = f"no {name or f'argument {place + 1}'}{nearest(name or '', [*kinds])}"
            called = f"{field} twice" if field in given else unknown
            has = f"it has {', '.join(kinds)}" if kinds else "it takes none"
            raise InputError(f"{where}: {said.word} takes {called}; {has}.")
        given[field] = _value(item, kinds[field], f"{where}: {field} of {said.word}", item.word or text)
    if missing := [name for name in required(made) if name not in given]:
        raise InputError(f"{where}: {said.word} can't be made without {', '.join(missing)}.")
    return made(**given)


def _plain(text: str, kind: Any, where: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    if text == "None" and NoneType in alternatives(kind):
        return None
    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        wanted = f"takes a value of type {kind.__name__}, which {text!r} is not" if kind in _PLAIN else None
        wanted = wanted or error.errors()[0]["msg"].replace("Input should be", "should be") + f", not {text!r}"
        raise InputError(f"{where} {wanted}.") from None
