"""Neighbouring slices as one problem, whose image is a volume."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import matmul
from typing import Self

import torch
from torch import Tensor

from invdiff.diffusion.views.base import without_maps
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, NonUniformFourier, Product, Sensitivities, lift
from invdiff.operators.base import same
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
            slices: problems of images ``(H, W)`` that differ in their data, their coil maps, the points at which they
                were sampled and their images to start from, and in nothing else.

        Raises:
            InputError: coils see the image in other ways than through their maps, or slices differ by more.
        """
        first = slices[0]
        split = [without_maps(each.operator) for each in slices]
        maps = [of_slice.maps for _, of_slice in split if of_slice is not None]
        if not maps:
            operator, turns, place = _stacked([each.operator for each in slices]), None, 0
        else:
            turned, turns = _in_phase(maps)
            operator = _stacked([_of_one_coil(rest, turned.shape[-4]) for rest, _ in split])
            operator, place = operator @ Sensitivities(turned, image_dims=3), 1
        y = torch.stack([each.y for each in slices], place)
        initial = None
        if first.initial is not None:
            initial = torch.stack([each.initial for each in slices if each.initial is not None])
            initial = initial if turns is None else turns * initial
        return cls(replace(first, operator=operator, y=y, initial=initial), turns)


def _of_one_coil(operator: LinearOperator, coils: int) -> LinearOperator:
    """What coils have in common behind their maps."""
    alone = unlifted((coils,), operator)
    if alone is None:
        raise InputError(f"{operator!r} differs in its coils by more than their maps; leave alternating-planes out.")
    return alone


def _stacked(operators: Sequence[LinearOperator]) -> LinearOperator:
    """One operator on all slices from those on each, factor by factor."""
    first = operators[0]
    if all(same(first, each) for each in operators):
        return lift((len(operators),), first)
    products = [each.parts for each in operators if isinstance(each, Product)]
    if len(products) == len(operators):
        return reduce(matmul, map(_stacked, zip(*products, strict=True)))
    along = [each for each in operators if isinstance(each, NonUniformFourier)]
    if len(along) == len(operators):
        return replace(along[0], points=torch.stack([each.points for each in along]))
    raise InputError(f"Slices are seen by {first!r}, and by others of that kind; leave alternating-planes out.")


def _in_phase(maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Maps ``(..., coils, D, H, W)``, those of each slice over its turn, and the turns ``(D, 1, 1)``."""
    turned, turns = [maps[0]], [torch.ones((), dtype=maps[0].dtype)]
    for one in maps[1:]:
        alike = torch.vdot(turned[-1].flatten(), one.flatten())
        turns.append(alike / alike.abs() if alike != 0 else turns[0])
        turned.append(one * turns[-1].conj())
    return torch.stack(turned, -3), torch.stack(turns).reshape(-1, 1, 1)
