"""Places in a sampler, addressed as its attributes are: ``guidance.solve.at_most``, ``steps.1.snr``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any, get_args

from invdiff.diffusion.grids import Grid
from invdiff.diffusion.sampler import Sampler
from invdiff.diffusion.steps import LangevinStep, PreconditionedLangevin, Predictor, Step
from invdiff.errors import InputError
from invdiff.methods.values import kinds_of, nearest, value_of

ROLES: Mapping[str, tuple[type[Step], ...]] = {
    "predictor": (Predictor,),
    "corrector": (LangevinStep, PreconditionedLangevin),
}
"""Steps of the list that can be addressed by what they are, where there is one of them."""

ROOTS = (*(name for name in kinds_of(Sampler) if name != "cites"), *ROLES)
"""Where a place begins."""


def is_place(name: str) -> bool:
    """Whether a name begins as places in samplers do."""
    return name.split(".")[0] in ROOTS


@dataclass(frozen=True)
class _Stop:
    """A part or a list on the way, what is addressed in it, and of which type that may be."""

    owner: Any
    key: str | int
    kind: Any

    @property
    def held(self) -> Any:
        return self.owner[self.key] if isinstance(self.key, int) else getattr(self.owner, self.key)

    def holding(self, value: Any) -> Any:
        """The owner with another value there."""
        if isinstance(self.key, int):
            return (*self.owner[: self.key], value, *self.owner[self.key + 1 :])
        return replace(self.owner, **{self.key: value})


def kind_at(sampler: Sampler, place: str, where: str) -> Any:
    """The type of what may stand at a place.

    Raises:
        InputError: there is no such place.
    """
    return _way(sampler, place, where)[-1].kind


def changed(sampler: Sampler, place: str, text: str, where: str) -> Sampler:
    """The sampler with what a text means at a place.

    A grid that is exchanged has as many steps as the one before, where the text gives no others.

    Args:
        sampler: to be changed.
        place: names of attributes and numbers in lists, with dots between them, from a sampler's part or a `ROLES` on.
        text: as `value_of` reads it.
        where: of which method, for messages.

    Raises:
        InputError: there is no such place, the text means nothing that can stand there, or parts do not go together.
    """
    stops = _way(sampler, place, where)
    usual = {"steps": sampler.grid.steps} if stops[-1].kind is Grid else {}
    value = value_of(text, stops[-1].kind, f"{where}'s {place}", usual)
    for stop in reversed(stops):
        value = stop.holding(value)
    assert isinstance(value, Sampler)
    return value


def _way(sampler: Sampler, place: str, where: str) -> list[_Stop]:
    first, *rest = place.split(".")
    if first not in ROOTS:
        raise InputError(f"{where} has no {first}{nearest(first, ROOTS)}; its parts are {', '.join(ROOTS)}.")
    stops = _of_role(sampler, first, where) if first in ROLES else [_Stop(sampler, first, kinds_of(Sampler)[first])]
    for name in rest:
        stops.append(_within(stops[-1], name, f"{where}'s {place}"))
    return stops


def _of_role(sampler: Sampler, role: str, where: str) -> list[_Stop]:
    indices = [index for index, step in enumerate(sampler.steps) if isinstance(step, ROLES[role])]
    if len(indices) != 1:
        steps = ", ".join(f"steps.{index} {type(step).__name__}" for index, step in enumerate(sampler.steps))
        raise InputError(f"{where} has {len(indices) or 'no'} {role}s among its steps, which are {steps}; say which.")
    kind = Predictor if role == "predictor" else Step
    return [_Stop(sampler, "steps", Sequence[Step]), _Stop(sampler.steps, indices[0], kind)]


def _within(stop: _Stop, name: str, where: str) -> _Stop:
    owner = stop.held
    if isinstance(owner, tuple):
        if not (name.isascii() and name.isdigit() and len(name) < 4 and int(name) < len(owner)):
            there = f"0 to {len(owner) - 1}" if owner else "none"
            raise InputError(f"{where}: {name!r} is no number in its list; there are {there}.")
        return _Stop(owner, int(name), get_args(stop.kind)[0])
    kinds = kinds_of(type(owner)) if is_dataclass(owner) else {}
    if name not in kinds:
        has = f"it has {', '.join(kinds)}" if kinds else "there is nothing to set in it"
        raise InputError(f"{where}: {type(owner).__name__} has no {name}{nearest(name, [*kinds])}; {has}.")
    return _Stop(owner, name, kinds[name])
