"""A named recipe of a sampler, with parameters as text."""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from invdiff.diffusion.references import Reference, reference
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.signals import Signal
from invdiff.errors import InputError
from invdiff.methods.named_parts import name_of_value
from invdiff.methods.places import ROOTS, changed, is_place, kind_at
from invdiff.methods.values import choices, kinds_of, nearest, value_of
from invdiff.within import bounds_of, check_within

Build = Callable[..., Sampler]


class Parameter(NamedTuple):
    """A parameter in words.

    Attributes:
        name: its name.
        default: its value where nothing is said.
        meaning: what it is; empty where its name and its values say so.
        values: what it may be.
        usual: between what it usually lies; empty where it is no number.
    """

    name: str
    default: str
    meaning: str
    values: str
    usual: str


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

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every parameter, as it is told to people."""
        kinds, bounds = kinds_of(self.build), bounds_of(self.build)
        return tuple(
            Parameter(
                name,
                name_of_value(default),
                bounds[name].meaning if name in bounds else "",
                bounds[name].span if name in bounds else " | ".join(choices(kinds[name])),
                bounds[name].told if name in bounds else "",
            )
            for name, default in self.defaults.items()
        )

    def with_settings(
        self, settings: Mapping[str, str], *, is_complex: bool = True, channels: Collection[int] = (1, 2)
    ) -> Sampler:
        """The sampler with parameters given as text.

        A name that is none of the method's own parameters is a place in the sampler, such as ``guidance.gamma``,
        ``steps.1.snr``, ``predictor`` or ``noise``, and the text what is to stand there; see `invdiff.methods.places`.
        A ``signal`` that is not given suits image and prior, as `Signal.suiting` says.

        Args:
            settings: parameters by name.
            is_complex: whether images are complex.
            channels: the numbers of channels that the prior takes.

        Raises:
            InputError: the method has no such parameter or part, or a value can't be read as what it is.
        """
        kinds = kinds_of(self.build)
        values: dict[str, Any] = {}
        if "signal" in kinds and "signal" not in settings:
            default: Signal = self.defaults["signal"]
            values["signal"] = default.suiting(is_complex=is_complex, channels=channels)
        for name in settings:
            self._check(name)
        for name in kinds.keys() & settings.keys():
            values[name] = value_of(settings[name], kinds[name], f"{self.name}'s parameter {name}")
        made = self.build(**values)
        for place in sorted(settings.keys() - kinds.keys(), key=lambda place: (place.count("."), place)):
            made = changed(made, place, settings[place], self.name)
        return made

    def kind_of(self, name: str) -> Any:
        """The type of a parameter, or of what may stand at a place in the sampler.

        Raises:
            InputError: there is none of that name.
        """
        self._check(name)
        kinds = kinds_of(self.build)
        return kinds[name] if name in kinds else kind_at(self.build(), name, self.name)

    def _check(self, name: str) -> None:
        names = [*self.defaults]
        if name not in names and not is_place(name):
            raise InputError(
                f"{self.name} has no parameter {name}{nearest(name, [*names, *ROOTS])}; it has {', '.join(names)}, and "
                f"its parts are {', '.join(ROOTS)}."
            )


OF_VOLUMES: Mapping[str, str] = {"correlated_slices": "4"}
"""Settings of any method for files, whose slices may be a volume's; docs/volumes.md tells how they were chosen."""


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
            check_within(build, inspect.signature(build).bind(*args, **settings).arguments)
            return replace(build(*args, **settings), cites=cites)

        REGISTERED[build.__name__] = Method(build.__name__, cites, cited, prior, spread)
        return cited

    return add
