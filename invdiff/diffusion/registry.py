"""The methods there are, by name."""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

from invdiff.diffusion.part import Part
from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.diffusion.references import Reference
    from invdiff.diffusion.sampler import Sampler
    from invdiff.diffusion.signals import Signal

Build = Callable[..., "Sampler"]


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
    def paper(self) -> "Reference":
        """The paper."""
        from invdiff.diffusion.references import reference

        return reference(self.cites[0])

    @property
    def defaults(self) -> dict[str, Any]:
        """Every parameter with its default."""
        return {name: parameter.default for name, parameter in inspect.signature(self.build).parameters.items()}

    def with_settings(
        self, settings: Mapping[str, str], *, is_complex: bool = True, channels: Collection[int] = (1, 2)
    ) -> "Sampler":
        """The sampler with parameters given as text.

        A ``signal`` that is not given suits image and prior, as `Signal.suiting` says.

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
        for name, text in settings.items():
            if name not in parameters:
                raise InputError(f"{self.name} has no parameter {name}; it has {', '.join(parameters)}.")
            values[name] = self._read(name, text, parameters[name].annotation)
        return self.build(**values)

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


_PLAIN = ("int", "float", "bool", "str")

METHODS: dict[str, Method] = {}


def method(*cites: str, prior: str = "builtin", spread: str | None = None) -> Callable[[Build], Build]:
    """Register a function that returns a sampler as a method, under its own name.

    Args:
        cites: whom the sampler is to cite as a whole, the paper first: keys of `invdiff.diffusion.references`.
        prior: the prior that comes with the package for it.
        spread: as of `Method`.
    """

    def add(build: Build) -> Build:
        @functools.wraps(build)
        def cited(*args: Any, **settings: Any) -> "Sampler":
            return replace(build(*args, **settings), cites=cites)

        METHODS[build.__name__] = Method(build.__name__, cites, cited, prior, spread)
        return cited

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


@functools.cache
def named_parts() -> "dict[type[Part], dict[str, Part]]":
    """The parts that can be given by a name, for each kind of parameter."""
    from invdiff.diffusion import grids, sde, signals, steps
    from invdiff.diffusion.turns import TURNED

    return {
        signals.Signal: {
            "real": signals.RealImage(),
            "split": signals.SplitComplex(),
            "two": signals.TwoChannel(),
            "magnitude-phase": signals.MagnitudePhase(),
            "turned": TURNED,
        },
        grids.Grid: {"karras": grids.Karras(), "uniform": grids.Uniform(), "geometric": grids.Geometric()},
        sde.SDE: {"ve": sde.VE(), "vp": sde.VP(), "subvp": sde.SubVP(), "cosine": sde.Cosine()},
        steps.Predictor: {
            "reverse-diffusion": steps.ReverseDiffusion(),
            "euler-maruyama": steps.EulerMaruyama(),
            "ancestral": steps.Ancestral(),
            "ddpm": steps.Ancestral("forward"),
            "probability-flow": steps.ProbabilityFlow(),
            "ddim": steps.DDIM(),
            "2m": steps.DPMSolver2M(),
            "next-level": steps.NextLevel(),
            "half-quadratic": steps.HalfQuadratic(),
        },
        steps.LangevinStep: {"langevin": steps.Langevin(), "annealed-langevin": steps.AnnealedLangevin()},
    }


def name_of_value(value: object) -> str:
    """How a parameter's value can be given as text: a part by its name."""
    named = {part: name for parts in named_parts().values() for name, part in parts.items()}
    return named.get(value, str(value)) if isinstance(value, Part) else str(value)
