"""The methods there are, by name."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.diffusion.sampler import Sampler
    from invdiff.diffusion.signals import Signal

Build = Callable[..., "Sampler"]


@dataclass(frozen=True)
class Method:
    """A named recipe.

    Attributes:
        name: how the command line calls it.
        paper: where it is from.
        build: makes the sampler from the method's parameters.
    """

    name: str
    paper: str
    build: Build

    @property
    def defaults(self) -> dict[str, Any]:
        """Every parameter with its default."""
        return {name: parameter.default for name, parameter in inspect.signature(self.build).parameters.items()}

    def with_settings(self, settings: Mapping[str, str], *, is_complex: bool = True) -> "Sampler":
        """The sampler with parameters given as text.

        A ``signal`` that is not given suits the image: real for real ones, and for complex ones the default, or
        `SplitComplex` where that is for real images.

        Raises:
            InputError: the method has no such parameter, or a value can't be read as what the parameter is.
        """
        from pydantic import TypeAdapter, ValidationError

        parameters = inspect.signature(self.build, eval_str=True).parameters
        values: dict[str, Any] = {}
        if "signal" in parameters and "signal" not in settings:
            values["signal"] = _suiting(parameters["signal"].default, is_complex)
        for name, text in settings.items():
            if name not in parameters:
                raise InputError(f"{self.name} has no parameter {name}; it has {', '.join(parameters)}.")
            kind = parameters[name].annotation
            if kind not in (int, float, bool, str):
                values[name] = _named_signal(self.name, name, text)
                continue
            try:
                values[name] = TypeAdapter(kind).validate_python(text)
            except ValidationError:
                raise InputError(
                    f"{self.name}'s parameter {name} takes a value of type {kind.__name__}, which {text!r} is not."
                ) from None
        return self.build(**values)


METHODS: dict[str, Method] = {}


def method(paper: str) -> Callable[[Build], Build]:
    """Register a function that returns a sampler as a method, under its own name."""

    def add(build: Build) -> Build:
        METHODS[build.__name__] = Method(build.__name__, paper, build)
        return build

    return add


def find_method(name: str) -> Method:
    """The method of that name.

    Raises:
        InputError: there is none.
    """
    import invdiff.diffusion.methods  # noqa: F401 - registers them

    if name not in METHODS:
        raise InputError(f"There is no method {name!r}; there are {', '.join(METHODS)}.")
    return METHODS[name]


def _suiting(default: "Signal", is_complex: bool) -> "Signal":
    from invdiff.diffusion.signals import RealImage, SplitComplex

    if not is_complex:
        return RealImage()
    return default if default.is_complex else SplitComplex()


def _named_signal(method: str, parameter: str, text: str) -> Any:
    from invdiff.diffusion.signals import RealImage, SplitComplex, TwoChannel

    signals = {"real": RealImage(), "split": SplitComplex(), "two": TwoChannel()}
    if text not in signals:
        raise InputError(f"{method}'s parameter {parameter} is one of {', '.join(signals)}, not {text!r}.")
    return signals[text]
