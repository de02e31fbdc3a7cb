"""Neighbouring slices as one problem, whose image is a volume."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from invdiff.diffusion.views.base import without_maps
from invdiff.errors import InputError
from invdiff.operators import Sensitivities, lift
from invdiff.operators.lift import unlifted
from invdiff.problem import Problem


@dataclass(frozen=True, eq=False)
class StackedSlices:
    """Slices of a file as one problem.

    Coil maps that are estimated slice by slice leave the phase of each slice as a whole to chance. In the volume slices
    are turned, so that the maps of each are in phase with those of the slice before.

    Attributes:
        problem: its own, of an image ``(D, H, W)``, or of several map sets ``(sets, D, H, W)``.
        turns: by what slices are multiplied in it, complex ``(D, 1, 1)`` of magnitude one; ``None`` where there are no
            maps.
    """

    problem: Problem
    turns: Tensor | None

    @classmethod
    def of(cls, slices: Sequence[Problem]) -> Self:
        """The slices, in their order.

        Args:
            slices: problems of images ``(H, W)`` that differ in their data, their coil maps and their images to start
                from, and in nothing else.

        Raises:
            InputError: coils see the image in other ways than through their maps.
        """
        first, prefix = slices[0], (len(slices),)
        rest, maps = without_maps(first.operator)
        if maps is None:
            operator, turns, place = lift(prefix, first.operator), None, 0
        else:
            turned, turns = _in_phase([_maps(each) for each in slices])
            alone = unlifted(maps.codomain_shape[:1], rest)
            if alone is None:
                raise InputError(
                    f"{first.operator!r} differs in its coils by more than their maps; leave alternating-planes out."
                )
            operator, place = lift(prefix, alone) @ Sensitivities(turned, image_dims=3), 1
        y = torch.stack([each.y for each in slices], place)
        initial = None
        if first.initial is not None:
            initial = torch.stack([each.initial for each in slices if each.initial is not None])
            initial = initial if turns is None else turns * initial
        return cls(replace(first, operator=operator, y=y, initial=initial), turns)


def _maps(problem: Problem) -> Tensor:
    maps = without_maps(problem.operator)[1]
    assert maps is not None
    return maps.maps


def _in_phase(maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Maps ``(..., coils, D, H, W)``, those of each slice over its turn, and the turns ``(D, 1, 1)``."""
    turned, turns = [maps[0]], [torch.ones((), dtype=maps[0].dtype)]
    for one in maps[1:]:
        alike = torch.vdot(turned[-1].flatten(), one.flatten())
        turns.append(alike / alike.abs() if alike != 0 else turns[0])
        turned.append(one * turns[-1].conj())
    return torch.stack(turned, -3), torch.stack(turns).reshape(-1, 1, 1)
