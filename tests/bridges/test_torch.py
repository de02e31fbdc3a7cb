"""Linear functions and modules of torch as operators."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from invdiff.bridges import from_torch
from invdiff.errors import InputError
from invdiff.operators import Fourier, LinearOperator
from invdiff.testing import OperatorContract, dense

SHAPE = (4, 6)


def convolution(**settings: Any) -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(1, 2, 3, bias=False, **settings).double()


def spectrum(x: Tensor) -> Tensor:
    return torch.fft.fftn(x, dim=(-2, -1))


def half_spectrum(x: Tensor) -> Tensor:
    return torch.fft.rfft(x)


def real_part(x: Tensor) -> Tensor:
    return x.real


def conjugate(x: Tensor) -> Tensor:
    return x.conj()


def times(factor: complex, x: Tensor) -> Tensor:
    return factor * x


def shrunk(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x[:, None], 2)[:, 0]


def enlarged(y: Tensor) -> Tensor:
    return y.repeat_interleave(2, -1).repeat_interleave(2, -2) / 4


DOUBLE, COMPLEX = torch.float64, torch.complex128
KNOWN: dict[str, Callable[[], LinearOperator]] = {
    "a module": lambda: from_torch(convolution(), (1, *SHAPE), dtype=DOUBLE),
    "a module with a stride": lambda: from_torch(convolution(stride=2, padding=1), (1, *SHAPE), dtype=DOUBLE),
    "a complex function": lambda: from_torch(spectrum, (2, 3), dtype=COMPLEX),
    "a complex factor": lambda: from_torch(partial(times, 2 - 1j), (2, 3), dtype=COMPLEX),
    "complex of real": lambda: from_torch(half_spectrum, (6,), dtype=DOUBLE),
    "real of complex": lambda: from_torch(real_part, (2, 3), dtype=COMPLEX),
    "over the reals only": lambda: from_torch(conjugate, (2, 3), dtype=COMPLEX),
    "a pair": lambda: from_torch(shrunk, SHAPE, adjoint=enlarged, dtype=DOUBLE),
}
every = pytest.mark.parametrize("name", KNOWN)


@pytest.mark.parametrize("check", [name for name in dir(OperatorContract) if name.startswith("test_")])
@every
def test_contract(name: str, check: str) -> None:
    class Of(OperatorContract):
        def operator(self) -> LinearOperator:
            return KNOWN[name]()

    getattr(Of(), check)()


@every
def test_gradients_pass_both_ways(name: str) -> None:
    A = KNOWN[name]()
    for B, real in ((A, A.real_domain), (A.H, A.real_codomain)):
        x = torch.randn(2, *B.domain_shape, dtype=DOUBLE if real else COMPLEX, requires_grad=True)
        assert torch.autograd.gradcheck(B, x)


@given(
    sides=st.tuples(st.integers(3, 7), st.integers(3, 7)), padding=st.integers(0, 2), stride=st.integers(1, 3),
    batch=st.lists(st.integers(0, 2), max_size=2), seed=st.integers(0, 100),
)  # fmt: skip
def test_it_is_the_module_and_its_adjoint_the_transposed_one(
    sides: tuple[int, int], padding: int, stride: int, batch: list[int], seed: int
) -> None:
    module = convolution(padding=padding, stride=stride)
    A, generator = from_torch(module, (1, *sides), dtype=DOUBLE), torch.Generator().manual_seed(seed)
    x = torch.randn(*batch, 1, *sides, dtype=DOUBLE, generator=generator)
    made = A(x)
    count = int(torch.tensor(batch).prod())
    with torch.no_grad():
        if count:
            torch.testing.assert_close(made, module(x.reshape(count, 1, *sides)).reshape(made.shape))
        y = torch.randn(count, *A.codomain_shape, dtype=DOUBLE, generator=generator)
        left = [(side + 2 * padding - 3) % stride for side in sides]
        back = functional.conv_transpose2d(y, module.weight, None, stride, padding, left)
        if count:
            torch.testing.assert_close(A.H(y), back)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_the_adjoint_is_there_without_gradients(mode: Any) -> None:
    A = from_torch(spectrum, SHAPE, dtype=COMPLEX)
    with mode():
        y = torch.randn(SHAPE, dtype=COMPLEX)
        made = A.H(y)
    torch.testing.assert_close(made, 24 * torch.fft.ifftn(y))
    assert not made.requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
def test_a_module_of_single_precision_never_meets_double(dtype: torch.dtype) -> None:
    A = from_torch(convolution().float(), (1, *SHAPE), dtype=torch.float32)
    x = torch.randn(1, *SHAPE, dtype=dtype)
    assert (A(x).dtype, A.H(A(x)).dtype) == (dtype, dtype)


def test_it_keeps_to_itself() -> None:
    module, x = convolution(), torch.randn(1, *SHAPE, dtype=DOUBLE)
    A = from_torch(module, (1, *SHAPE), dtype=DOUBLE)
    before = A(x)
    with torch.no_grad():
        module.weight.zero_()
    assert torch.equal(A(x), before)
    assert not before.requires_grad
    assert module.weight.requires_grad


def test_it_is_known_by_its_name() -> None:
    assert repr(from_torch(spectrum, SHAPE)) == "spectrum"
    assert repr(KNOWN["a module"]()) == "Conv2d"
    torch.testing.assert_close(dense(from_torch(spectrum, SHAPE, dtype=COMPLEX).gram), 24 * torch.eye(48, dtype=DOUBLE))


def test_it_composes() -> None:
    A = from_torch(partial(times, 2j), SHAPE, dtype=COMPLEX) @ Fourier(SHAPE)
    torch.testing.assert_close(A.pinv(A(torch.ones(SHAPE, dtype=COMPLEX))), torch.ones(SHAPE, dtype=COMPLEX))


def detached(x: Tensor) -> Tensor:
    return 2 * x.detach()


def through_numpy(x: Tensor) -> Tensor:
    return torch.from_numpy(2 * x.numpy())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: from_torch(nn.Conv2d(1, 1, 3), (1, 4, 4), dtype=torch.float32), "Conv2d is not linear"),
        (lambda: from_torch(torch.abs, SHAPE), "abs is not linear"),
        (lambda: from_torch(functional.relu, SHAPE, dtype=torch.float32), "relu is not linear"),
        (lambda: from_torch(functional.hardtanh, (3,), dtype=torch.float32), "is not linear"),
        (lambda: from_torch(torch.nan_to_num, SHAPE, dtype=torch.int32), "declare single or double precision"),
        (lambda: from_torch(convolution(), (1, *SHAPE)), r"can't be applied to arrays of torch.complex64 .*dtype|type"),
        (lambda: from_torch(lambda x: x.sum(0), SHAPE), "an array of each is asked for"),
        (lambda: from_torch(lambda x: (x, x), SHAPE), "an array of each is asked for, but tuple is made"),
        (lambda: from_torch(detached, SHAPE), "gives as its adjoint is not the adjoint.* adjoint="),
        (lambda: from_torch(through_numpy, SHAPE), "through_numpy has no adjoint; give the right one as adjoint="),
        (lambda: from_torch(spectrum, SHAPE, adjoint=torch.fft.ifftn), "is not the adjoint: <A x, y> is"),
        (lambda: from_torch(spectrum, SHAPE, adjoint=lambda y: y[..., :3]), r"makes arrays of shape \(4, 3\), not"),
    ],
)
def test_what_is_no_operator_is_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
