"""Arrays in contracts: what they are drawn as, and how far they may be apart."""

from collections.abc import Callable

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import Shape


def normal(shape: Shape, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Standard normal numbers, complex ones with unit variance in each part."""
    if dtype.is_complex:
        return torch.view_as_complex(torch.randn(*shape, 2, dtype=dtype.to_real(), generator=generator))
    return torch.randn(shape, dtype=dtype, generator=generator)


def length(x: Tensor) -> float:
    """L2 norm."""
    return float(torch.linalg.vector_norm(x))


def largest(*arrays: Tensor) -> float:
    """Largest magnitude in any of the arrays."""
    return max(float(x.abs().max()) for x in arrays)


def close(actual: Tensor, expected: Tensor, tol: float, what: str, *, scale: float | None = None) -> None:
    """Raise an AssertionError unless the arrays agree to ``tol`` times ``scale``, by default their largest number."""
    assert actual.shape == expected.shape, f"{what} has shape {tuple(actual.shape)}, not {tuple(expected.shape)}."
    scale = largest(actual, expected) if scale is None else scale
    error = float((actual - expected).abs().max())
    assert error <= tol * scale, f"{what} is off by {error:.3g}, where numbers are about {scale:.3g}."


def shaped(x: Tensor, shape: Shape, what: str) -> None:
    """Raise an AssertionError unless the array has that shape."""
    assert tuple(x.shape) == shape, f"{what} has shape {tuple(x.shape)}, not {shape}."


def refused(call: Callable[[], object], names: str) -> None:
    """Raise an AssertionError unless the call is refused with a sentence that holds what ``names`` says."""
    try:
        call()
    except InputError as error:
        message = str(error)
    else:
        raise AssertionError(f"An array was accepted that had to be refused by a message with {names}.")
    assert names in message, f"The message doesn't name {names}: {message}"
