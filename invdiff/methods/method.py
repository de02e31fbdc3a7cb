"""A named recipe of a sampler, with parameters as text."""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any, get_args

from invdiff.diffusion.references import Reference, reference
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.signals import Signal
from invdiff.errors import InputError
from invdiff.methods.named_parts import named_parts

Build = Callable[..., Sampler]


@dataclass(frozen=True)
class Method:
    """A named recipe.

    Attributes:
        name: how the command line calls it.
        cites: where it is from, first of all: keys of `invdiff.diffusion.references`.
        build: makes the sampler from the method's parameters.
        prior: the prior that comes with the package for it, as `invdiff.priors.load_prior` calls it.
        spread: for a method of one image, which is no sample: the method whose samples tell how far to trust it.
    """

    name: str
    cites: tuple[str, ...]
    build: Build
    prior: str = "builtin"
    spread: str | None = None

    @property
    def paper(self) -> Reference:
        """The paper."""
        return reference(self.cites[0])

    @property
    def defaults(self) -> dict[str, Any]:
        """Every parameter with its default."""
        return {name: parameter.default for name, parameter in inspect.signature(self.build).parameters.items()}

    def with_settings(
        self, settings: Mapping[str, str], *, is_complex: bool = True, channels: Collection[int] = (1, 2)
    ) -> Sampler:
        """The sampler with parameters given as text.

        A ``signal`` that is not given suits image and prior, as `Signal.suiting` says. Beside a method's own parameters
        ``noise`` and ``correlated_slices`` are those of `Sampler`.

        Args:
            settings: parameters by name.
            is_complex: whether images are complex.
            channels: the numbers of channels that the prior takes.

        Raises:
            InputError: the method has no such parameter, or a value can't be read as what the parameter is.
        """
        parameters = inspect.signature(self.build, eval_str=True).parameters
        values: dict[str, Any] = {}
        if "signal" in parameters and "signal" not in settings:
            default: Signal = parameters["signal"].default
            values["signal"] = default.suiting(is_complex=is_complex, channels=channels)
        common: dict[str, Any] = {}
        for name, text in settings.items():
            if name in _OF_EVERY_SAMPLER:
                common[name] = self._read(name, text, _OF_EVERY_SAMPLER[name])
            elif name in parameters:
                values[name] = self._read(name, text, parameters[name].annotation)
            else:
                has = ", ".join([*parameters, *_OF_EVERY_SAMPLER])
                raise InputError(f"{self.name} has no parameter {name}; it has {has}.")
        return replace(self.build(**values), **common)

    def _read(self, name: str, text: str, kind: Any) -> Any:
        from pydantic import TypeAdapter, ValidationError

        if text == "None" and NoneType in get_args(kind):
            return None
        parts = next((named_parts()[k] for k in (kind, *get_args(kind)) if k in named_parts()), None)
        if parts is not None:
            if text not in parts:
                others = [*parts, *(["None"] if NoneType in get_args(kind) else [])]
                raise InputError(f"{self.name}'s parameter {name} is one of {', '.join(others)}, not {text!r}.")
            return parts[text]
        try:
            return TypeAdapter(kind).validate_python(text)
        except ValidationError as error:
            expected = getattr(kind, "__name__", None)
            wanted = f"takes a value of type {expected}, which {text!r} is not" if expected in _PLAIN else None
            wanted = wanted or error.errors()[0]["msg"].replace("Input should be", "should be") + f", not {text!r}"
            raise InputError(f"{self.name}'s parameter {name} {wanted}.") from None


_OF_EVERY_SAMPLER = {"noise": str, "correlated_slices": int}
"""What a sampler takes beside its parts, and as what it is read; the sampler itself refuses what makes no sense."""

OF_VOLUMES: Mapping[str, str] = {"correlated_slices": "4"}
"""Settings of any method for files, whose slices may be a volume's; docs/volumes.md tells how they were chosen."""

_PLAIN = ("int", "float", "bool", "str")

REGISTERED: dict[str, Method] = {}
"""What `method` has registered so far."""


def method(*cites: str, prior: str = "builtin", spread: str | None = None) -> Callable[[Build], Build]:
    """Register a function that returns a sampler as a method, under its own name.

    Args:
        cites: whom the sampler is to cite as a whole, the paper first: keys of `invdiff.diffusion.references`.
        prior: the prior that comes with the package for it.
        spread: as of `Method`.
    """

    def add(build: Build) -> Build:
        @functools.wraps(build)
        def cited(*args: Any, **settings: Any) -> Sampler:
            return replace(build(*args, **settings), cites=cites)

        REGISTERED[build.__name__] = Method(build.__name__, cites, cited, prior, spread)
        return cited

    return add
