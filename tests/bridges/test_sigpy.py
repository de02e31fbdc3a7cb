"""Linear operators across the border to SigPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sigpy
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff.bridges import between_reals, from_scipy, from_sigpy, to_sigpy
from invdiff.errors import InputError
from invdiff.operators import Fourier, Identity, LinearOperator, RealPart, fourier, inpainting, sense
from invdiff.testing import OperatorContract, dense

SHAPE = (3, 4)


def numbers(*shape: int, seed: int = 0) -> Any:
    real, imaginary = np.random.default_rng(seed).standard_normal((2, *shape))
    return real + 1j * imaginary


MASK = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) > 0.4
MAPS = numbers(2, *SHAPE)
SPIRAL = np.random.default_rng(0).uniform(-2, 2, (9, 2))
THEIRS: dict[str, Callable[[], Any]] = {
    "FFT": lambda: sigpy.linop.FFT(SHAPE),
    "finite difference": lambda: sigpy.linop.FiniteDifference(SHAPE),
    "wavelet": lambda: sigpy.linop.Wavelet((4, 4), wave_name="haar"),
    "SENSE": lambda: sigpy.linop.FFT((2, *SHAPE), axes=(-1, -2)) * sigpy.linop.Multiply(SHAPE, MAPS),
    "there and back": lambda: to_sigpy(sense(MASK, torch.as_tensor(MAPS))),
}
every_linop = pytest.mark.parametrize("name", THEIRS)


@pytest.mark.parametrize("check", [name for name in dir(OperatorContract) if name.startswith("test_")])
@pytest.mark.parametrize("name", [*THEIRS, "real numbers"])
def test_contract(name: str, check: str) -> None:
    class Of(OperatorContract):
        def operator(self) -> LinearOperator:
            if name == "real numbers":
                return from_sigpy(sigpy.linop.FiniteDifference(SHAPE), dtype=np.float64)
            return from_sigpy(THEIRS[name](), dtype=np.complex128)

    getattr(Of(), check)()


@every_linop
@given(batch=st.lists(st.integers(0, 2), max_size=2), seed=st.integers(0, 100))
def test_it_is_the_linop(name: str, batch: list[int], seed: int) -> None:
    linop = THEIRS[name]()
    A = from_sigpy(linop, dtype=np.complex128)
    x, y = numbers(*batch, *linop.ishape, seed=seed), numbers(*batch, *linop.oshape, seed=seed)
    for made, given_, function in ((A(x), x, linop), (A.H(y), y, linop.H)):
        items = given_.reshape(int(np.prod(batch)), *function.ishape)
        expected = np.array([function(item) for item in items]).reshape(*batch, *function.oshape)
        np.testing.assert_allclose(made.numpy(), expected, atol=1e-10)


@every_linop
def test_gradients_are_by_the_adjoint(name: str) -> None:
    A = from_sigpy(THEIRS[name](), dtype=np.complex128)
    assert torch.autograd.gradcheck(A, torch.as_tensor(numbers(2, *A.domain_shape)).requires_grad_())


def test_a_nonuniform_fourier_transform() -> None:
    A = from_sigpy(sigpy.linop.NUFFT((4, 4), SPIRAL, oversamp=2, width=6))
    y = A(torch.as_tensor(numbers(4, 4)))
    assert (y.dtype, A.codomain_shape) == (torch.complex128, (9,))
    rows, columns = np.meshgrid(np.arange(4) - 2, np.arange(4) - 2, indexing="ij")
    phases = SPIRAL[:, :1] * rows.ravel() + SPIRAL[:, 1:] * columns.ravel()
    expected = np.exp(-2j * np.pi * phases / 4) @ numbers(4, 4).ravel() / 4
    np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=2e-3)


class Single(sigpy.linop.Linop):  # type: ignore[misc]
    """It knows single precision alone."""

    def __init__(self) -> None:
        super().__init__((2,), (2,))

    def _apply(self, input: Any) -> Any:
        if input.dtype != np.complex64:
            raise TypeError(f"no kernel for {input.dtype}")
        return 2 * input

    def _adjoint_linop(self) -> Any:
        return Single()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
def test_a_library_of_single_precision_never_meets_double(dtype: torch.dtype) -> None:
    A, x = from_sigpy(Single()), torch.ones(3, 2, dtype=dtype)
    assert A(x).dtype == A.H(x).dtype == dtype.to_complex()


class Magnitude(Single):
    def _apply(self, input: Any) -> Any:
        return np.abs(input)


class WrongAdjoint(Single):
    def _adjoint_linop(self) -> Any:
        return 1.01 * Single()


class Missing(Single):
    def _adjoint_linop(self) -> Any:
        raise NotImplementedError("no adjoint here")


@pytest.mark.parametrize(
    ("make", "dtype", "words"),
    [
        (Magnitude, np.complex64, "Magnitude is not linear"),
        (WrongAdjoint, np.complex64, "WrongAdjoint gives as its adjoint is not the adjoint"),
        (Missing, np.complex64, "Missing has no adjoint; mend its _adjoint_linop.*no adjoint here"),
        (Single, np.complex128, "Single can't be applied to arrays of torch.complex128.*no kernel for complex128"),
        (Single, np.longdouble, "declare one such as numpy.complex64"),
        (lambda: np.eye(2), np.complex64, "takes a sigpy.linop.Linop; ndarray is none"),
    ],
)
def test_what_is_no_operator_is_refused(make: Any, dtype: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        from_sigpy(make(), dtype=dtype)
    assert "\n" not in str(caught.value)


# Operators of ours as SigPy's

OURS: dict[str, LinearOperator] = {
    "single coil": fourier(MASK),
    "SENSE": sense(MASK, torch.as_tensor(MAPS)),
    "inpainting": inpainting(MASK),
    "a real image": fourier(MASK) @ RealPart(SHAPE).H,
    "a real convolution": (fourier(MASK) @ RealPart(SHAPE).H).gram,
    "a matrix": from_scipy(numbers(5, 12), SHAPE, (5,)),
}
every_operator = pytest.mark.parametrize("name", OURS)


@every_operator
@pytest.mark.parametrize("single", [False, True])
def test_the_linop_is_the_operator(name: str, single: bool) -> None:
    A = OURS[name]
    between, linop = A if A.is_complex_linear else between_reals(A), to_sigpy(A)
    x, y = numbers(*between.domain_shape), numbers(*between.codomain_shape)
    if not A.is_complex_linear:
        x, y = x.real, y.real
    x, y = (np.asarray(torch.as_tensor(a).to(torch.complex64 if a.dtype == complex else torch.float32)) if single else a
            for a in (x, y))  # fmt: skip
    assert isinstance(linop, sigpy.linop.Linop)
    assert (linop.ishape, linop.oshape) == (list(between.domain_shape), list(between.codomain_shape))
    made, back = linop(x), linop.H(y)
    assert (made.dtype, back.dtype) == (x.dtype, y.dtype)
    np.testing.assert_array_equal(made, between(x))
    np.testing.assert_array_equal(back, between.H(y))
    np.testing.assert_allclose(linop.N(x), linop.H(linop(x)), atol=1e-4 if single else 1e-12)
    np.testing.assert_allclose((2 * linop * linop.N)(x), 2 * linop(linop.N(x)))


def test_sigpy_solves_with_it() -> None:
    A = sense(MASK, torch.as_tensor(MAPS))
    y = A(numbers(*SHAPE)).numpy()
    found = sigpy.app.LinearLeastSquares(to_sigpy(A), y, lamda=0.5, max_iter=200, tol=1e-12, show_pbar=False).run()
    expected = (0.5 * Identity(SHAPE) + A.gram).solve(A.H(y), tol=1e-12)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)


def test_ours_composed_with_theirs() -> None:
    linop = to_sigpy(fourier(MASK)) * sigpy.linop.IFFT(SHAPE)
    A = from_sigpy(linop, dtype=np.complex128)
    torch.testing.assert_close(dense(A), dense(fourier(MASK) @ Fourier(SHAPE).H))
