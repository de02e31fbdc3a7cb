"""What other libraries' bridges are given by mistake is refused in a sentence."""

from collections.abc import Callable

import deepinv
import numpy as np
import pytest
import torch
from torch import Tensor

from invdiff.bridges import from_deepinv, from_scipy, from_torch
from invdiff.errors import InputError


class OneNumber(deepinv.physics.LinearPhysics):  # type: ignore[misc]
    """A physics that forgets its batch."""

    def A(self, x: Tensor, **parameters: object) -> Tensor:
        return x.sum()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: from_scipy(np.ones((2, 3, 4)), (4,), (2,)), "ndarray is none .*ndim"),
        (lambda: from_scipy("matrix", (4,), (2,)), "str is none"),
        (lambda: from_torch(torch.sum, (4,)), "complex64 of shape \\(\\) is made"),
        (lambda: from_torch(lambda x: x.numpy(), (4,)), "ndarray is made"),
        (lambda: from_torch(lambda x: x[:1], (4,)), "of shape \\(1, 4\\) is made"),
        (lambda: from_deepinv(OneNumber(), (8, 8)), "one real array of an image, but OneNumber makes .* shape \\(\\)"),
    ],
)
def test_what_is_none_is_told(made: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        made()
