"""Whether what another library calls an operator is one: linear, and with its adjoint."""

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import LinearOperator, Shape

_TOLERANCE = 1e-3
"""Of single precision: adjoints that are approximate, as by interpolation, are wrong by some hundredths."""
_SCALES = (1e-3, 1e3)
"""An offset shows in small arrays, and a power or a limit in large ones."""


def refuse_nonlinear(A: LinearOperator, like: Tensor, name: str) -> None:
    """Refuse a map that is not linear over the real numbers, as a few random arrays show.

    Args:
        A: the map.
        like: of the kind of number, the precision and the device of what it takes.
        name: of it, for the message.

    Raises:
        InputError: A(x + z) is not A x + A z, or A(c x) not c A x.
    """
    generator = torch.Generator().manual_seed(0)
    x, z = (normal((4, *A.domain_shape), like, generator) for _ in range(2))
    with torch.no_grad():
        parts = A(x), A(z)
        both = A(x + z)
        _refuse_difference(both, parts[0] + parts[1], f"{name} is not linear: A(x + z) is not A x + A z")
        for scale in _SCALES:
            _refuse_difference(
                A(scale * x), scale * parts[0], f"{name} is not linear: A({scale:g} x) is not {scale:g} A x"
            )


def refuse_wrong_adjoint(A: LinearOperator, like: Tensor, name: str, advice: str) -> None:
    """Refuse an adjoint that is wrong or only near, as a few random arrays show.

    Args:
        A: the operator.
        like: of the kind of number, the precision and the device of what it takes.
        name: of it, for the message.
        advice: what to do, for the message.

    Raises:
        InputError: Re<A x, y> and Re<x, Aᴴ y> differ by more than 1e-3.
    """
    generator = torch.Generator().manual_seed(0)
    x = normal((4, *A.domain_shape), like, generator)
    with torch.no_grad():
        made = A(x)
        y = normal(made.shape, made, generator)
        left, right = _inner(made, y), _inner(x, A.H(y))
    if not torch.allclose(left, right, rtol=0, atol=_TOLERANCE * float(left.abs().max())):
        raise InputError(
            f"What {name} gives as its adjoint is not the adjoint: <A x, y> is {left[0]:.6g} but <x, Aᴴ y> is "
            f"{right[0]:.6g}; {advice}."
        )


def is_complex_linear(A: LinearOperator, like: Tensor) -> bool:
    """Whether A(i x) = i A x for a few random complex x.

    Args:
        A: linear over the real numbers, from complex arrays to complex ones.
        like: of the precision and the device of what it takes.
    """
    x = normal((4, *A.domain_shape), like, torch.Generator().manual_seed(0))
    with torch.no_grad():
        turned, made = A(1j * x), 1j * A(x)
    return bool((turned - made).norm() <= _TOLERANCE * made.norm())


def normal(shape: Shape, like: Tensor, generator: torch.Generator) -> Tensor:
    """Random normal numbers of the kind of others."""
    return torch.randn(shape, generator=generator, dtype=like.dtype).to(like.device)


def _refuse_difference(made: Tensor, expected: Tensor, sentence: str) -> None:
    size, off = float(expected.norm()), float((made - expected).norm())
    if not off <= _TOLERANCE * size:
        raise InputError(f"{sentence} but off by {off:.3g} of {size:.3g}; operators are linear.")


def _inner(u: Tensor, v: Tensor) -> Tensor:
    return (u * v.conj()).real.flatten(1).sum(1)
