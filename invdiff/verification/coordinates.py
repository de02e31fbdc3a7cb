"""Complex arrays as real vectors: the real and the imaginary part of each number side by side."""

import torch
from torch import Tensor

from invdiff.operators import LinearOperator


def coordinates(x: Tensor, dims: int) -> Tensor:
    """Complex ``(*batch, *array)``, of an array of ``dims`` dimensions, as real ``(*batch, d)``."""
    return torch.view_as_real(x).flatten(-dims - 1)


def from_coordinates(vectors: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Real ``(*batch, d)`` as complex ``(*batch, *shape)``."""
    return torch.view_as_complex(vectors.reshape(*vectors.shape[:-1], *shape, 2).contiguous())


def matrix(operator: LinearOperator) -> Tensor:
    """Matrix of a small operator between coordinates, float64, by applying it to every unit vector."""
    shape = operator.domain_shape
    units = from_coordinates(torch.eye(2 * torch.Size(shape).numel(), dtype=torch.float64), shape)
    return coordinates(operator(units), len(operator.codomain_shape)).T
