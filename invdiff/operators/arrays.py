"""Arrays as they are given: tensors, or NumPy arrays, which become tensors."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.errors import InputError

Array = Tensor | NDArray[Any]
"""What operators take: tensors, and NumPy arrays, which become tensors."""

PRECISIONS = {torch.float32, torch.float64, torch.complex64, torch.complex128}


def as_tensor(array: Array, taker: object) -> Tensor:
    """The same numbers as a tensor: itself, or a copy of a NumPy array or of a conjugate view.

    Args:
        array: numbers of any kind and shape, floating-point ones in single or double precision.
        taker: what it is given to; errors name it.

    Raises:
        InputError: it is no array, or one of objects, texts, or numbers of half or of extended precision.
    """
    if isinstance(array, np.ndarray):
        try:  # a copy, since torch takes neither foreign byte orders nor negative strides
            tensor = torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))
        except TypeError as error:
            raise InputError(
                f"{taker} can't take NumPy arrays of {array.dtype}; convert them first: x.astype(float)."
            ) from error
    else:
        tensor = array
    if not isinstance(tensor, Tensor):
        kind = type(array).__name__
        raise InputError(f"{taker} takes torch tensors or NumPy arrays but got a {kind}; try torch.as_tensor first.")
    if (tensor.is_floating_point() or tensor.is_complex()) and tensor.dtype not in PRECISIONS:
        wider = "x.to(torch.complex64)" if tensor.is_complex() else "x.float()"
        raise InputError(f"{taker} takes single or double precision but got {tensor.dtype}; convert it first: {wider}.")
    return tensor.resolve_conj().resolve_neg()  # numbers that are only marked as conjugate have no real view
