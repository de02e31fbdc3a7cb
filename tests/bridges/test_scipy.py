"""Operators across the border to SciPy, and to PyLops beyond it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator as ScipyLinearOperator
from scipy.sparse.linalg import aslinearoperator, cg, lsqr
from torch import Tensor

from invdiff.bridges import between_reals, from_scipy, to_scipy
from invdiff.errors import InputError
from invdiff.operators import Identity, LinearOperator, RealPart, fourier, inpainting, sense
from invdiff.testing import OperatorContract, dense, dot_test

DOMAIN, CODOMAIN = (3, 4), (2, 5)


def numbers(*shape: int, seed: int = 0) -> Any:
    real, imaginary = np.random.default_rng(seed).standard_normal((2, *shape))
    return real + 1j * imaginary


REAL, COMPLEX = numbers(10, 12).real, numbers(10, 12)


class Doubled(ScipyLinearOperator):
    """Matrix-free, of real numbers that are seen twice."""

    def __init__(self) -> None:
        super().__init__(np.float64, (10, 5))

    def _matvec(self, x: Any) -> Any:
        return np.tile(x.ravel(), 2)

    def _rmatvec(self, y: Any) -> Any:
        return y.ravel()[:5] + y.ravel()[5:]


class RealPartOfVectors(ScipyLinearOperator):
    """Linear over the real numbers only."""

    def __init__(self) -> None:
        super().__init__(np.complex128, (6, 6))

    def _matvec(self, x: Any) -> Any:
        return x.real

    _rmatvec = _matvec


class RealFourier(ScipyLinearOperator):
    """Half of the spectrum of real numbers, as rfft gives it; the other way Re Aᴴ."""

    def __init__(self) -> None:
        super().__init__(np.complex128, (4, 6))

    def _matvec(self, x: Any) -> Any:
        return np.fft.fft(x.real.ravel())[:4]

    def _rmatvec(self, y: Any) -> Any:
        return 6 * np.fft.ifft(np.concatenate([y.ravel(), [0, 0]])).real


KNOWN: dict[str, Callable[[], LinearOperator]] = {
    "a real matrix": lambda: from_scipy(REAL, DOMAIN, CODOMAIN),
    "a complex matrix": lambda: from_scipy(COMPLEX, DOMAIN, CODOMAIN),
    "a sparse matrix": lambda: from_scipy(scipy.sparse.random_array((10, 12), density=0.4, rng=0), DOMAIN, CODOMAIN),
    "a sparse matrix of integers": lambda: from_scipy(scipy.sparse.eye_array(12, dtype=int, k=1), DOMAIN, (12,)),
    "a real matrix, complex": lambda: from_scipy(REAL, DOMAIN, CODOMAIN, dtype=np.complex128),
    "matrix-free": lambda: from_scipy(Doubled(), (5,), CODOMAIN),
    "the real part": lambda: from_scipy(RealPartOfVectors(), (2, 3), (3, 2)),
    "half a spectrum": lambda: from_scipy(RealFourier(), (2, 3), (4,), dtype=np.float64),
    "there and back": lambda: from_scipy(to_scipy(fourier(MASK)), (3, 4), (int(MASK.sum()),)),
}
MASK = torch.rand(3, 4, generator=torch.Generator().manual_seed(0)) > 0.4
CHECKS = [name for name in dir(OperatorContract) if name.startswith("test_")]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", KNOWN)
def test_contract(name: str, check: str) -> None:
    class Of(OperatorContract):
        def operator(self) -> LinearOperator:
            return KNOWN[name]()

    getattr(Of(), check)()


@given(
    rows=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    columns=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    batch=st.lists(st.integers(0, 3), max_size=2), is_complex=st.booleans(), given_complex=st.booleans(),
    single=st.booleans(), seed=st.integers(0, 100),
)  # fmt: skip
def test_it_is_the_matrix(
    rows: list[int],
    columns: list[int],
    batch: list[int],
    is_complex: bool,
    given_complex: bool,
    single: bool,
    seed: int,
) -> None:
    codomain, domain = tuple(rows), tuple(columns)
    matrix = numbers(int(np.prod(rows)), int(np.prod(columns)), seed=seed)
    matrix = matrix if is_complex else matrix.real
    x = numbers(*batch, *domain, seed=seed + 1)
    x = x if given_complex else x.real
    x = x.astype(np.complex64 if given_complex else np.float32) if single else x
    made = from_scipy(scipy.sparse.csr_array(matrix), domain, codomain)(x)
    expected = (x.reshape(int(np.prod(batch)), matrix.shape[1]) @ matrix.T).reshape(*batch, *codomain)
    assert made.is_complex() == (is_complex or given_complex)
    np.testing.assert_allclose(made.numpy(), expected, rtol=0, atol=(1e-4 if single else 1e-10))
    assert (made.dtype in (torch.float32, torch.complex64)) == single


@pytest.mark.parametrize("name", KNOWN)
def test_gradients_are_by_the_adjoint(name: str) -> None:
    A = KNOWN[name]()
    x = torch.as_tensor(numbers(2, *A.domain_shape))
    x = (x.real if A.real_domain else x).clone().requires_grad_()
    assert torch.autograd.gradcheck(A, x)
    assert torch.autograd.gradgradcheck(A, x)


def test_gradients_of_real_arrays_are_real() -> None:
    x = torch.as_tensor(numbers(*DOMAIN).real).requires_grad_()
    A = from_scipy(COMPLEX, DOMAIN, CODOMAIN)
    A(x).abs().square().sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, 2 * A.H(A(x.detach())).real)


def test_gradients_that_are_only_marked_as_conjugate_pass() -> None:
    x = torch.as_tensor(numbers(*DOMAIN)).requires_grad_()
    A = from_scipy(COMPLEX, DOMAIN, CODOMAIN)
    A(x).backward(torch.as_tensor(numbers(*CODOMAIN)).conj())
    torch.testing.assert_close(x.grad, A.H(torch.as_tensor(numbers(*CODOMAIN).conj())))


class Single(ScipyLinearOperator):
    """It knows single precision alone."""

    def __init__(self) -> None:
        super().__init__(np.complex64, (4, 4))

    def _matvec(self, x: Any) -> Any:
        if x.dtype != np.complex64:
            raise TypeError(f"no kernel for {x.dtype}")
        return 2 * x

    _rmatvec = _matvec


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
def test_a_library_of_single_precision_never_meets_double(dtype: torch.dtype) -> None:
    A, x = from_scipy(Single(), (2, 2), (2, 2)), torch.ones(3, 2, 2, dtype=dtype)
    assert A(x).dtype == A.H(x).dtype == dtype.to_complex()
    with pytest.raises(InputError, match=r"Single can't be applied to arrays of torch.complex128 .* no kernel"):
        from_scipy(Single(), (2, 2), (2, 2), dtype=np.complex128)


def test_it_keeps_to_itself() -> None:
    matrix = REAL.copy()
    A = from_scipy(matrix, DOMAIN, CODOMAIN)
    before = A(np.ones(DOMAIN))
    matrix[:] = 0
    assert torch.equal(A(np.ones(DOMAIN)), before)


class Affine(Doubled):
    def _matvec(self, x: Any) -> Any:
        return super()._matvec(x) + 1e-3


class Clipped(Doubled):
    def _matvec(self, x: Any) -> Any:
        return super()._matvec(x).clip(-50, 50)


class WrongAdjoint(Doubled):
    def _rmatvec(self, y: Any) -> Any:
        return 1.01 * super()._rmatvec(y)


class Missing(Doubled):
    def _rmatvec(self, y: Any) -> Any:
        raise NotImplementedError("no adjoint here")


@pytest.mark.parametrize(
    ("make", "domain", "codomain", "dtype", "words"),
    [
        (Affine, (5,), (10,), None, "Affine is not linear: .* operators are linear"),
        (Clipped, (5,), (10,), None, "Clipped is not linear: A\\(1000 x\\) is not 1000 A x"),
        (WrongAdjoint, (5,), (10,), None, "WrongAdjoint gives as its adjoint is not the adjoint"),
        (Missing, (5,), (10,), None, "Missing has no adjoint; mend its rmatvec.*no adjoint here"),
        (Doubled, (5,), (2, 4), None, "makes 10 numbers of 5, but the domain .* has 5 and the codomain .* 8"),
        (Doubled, (2, 3), (10,), None, "has 6"),
        (lambda: "text", (5,), (10,), None, "str is none"),
        (Doubled, (5,), (10,), np.longdouble, "declare one such as numpy.complex64"),
    ],
)  # fmt: skip
def test_what_is_no_operator_is_refused(make: Any, domain: Any, codomain: Any, dtype: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        from_scipy(make(), domain, codomain, dtype=dtype)
    assert "\n" not in str(caught.value)


# Operators of ours as SciPy's

MAPS = torch.as_tensor(numbers(2, 3, 4))
OURS: dict[str, LinearOperator] = {
    "single coil": fourier(MASK),
    "SENSE": sense(MASK, MAPS),
    "inpainting": inpainting(MASK),
    "a real image": sense(MASK, MAPS) @ RealPart((3, 4)).H,
    "the real part": RealPart((3, 4)),
    "a real convolution": (fourier(MASK) @ RealPart((3, 4)).H).gram,
}
every_operator = pytest.mark.parametrize("name", OURS)


@every_operator
def test_scipy_s_matrix_is_ours(name: str) -> None:
    A = OURS[name]
    linear = to_scipy(A)
    matrix = linear @ np.eye(linear.shape[1])
    np.testing.assert_allclose(linear.H @ np.eye(linear.shape[0]), matrix.conj().T, atol=1e-12)
    np.testing.assert_allclose(np.stack([linear.matvec(unit) for unit in np.eye(linear.shape[1])], 1), matrix)
    between = A if A.is_complex_linear else between_reals(A)
    units = torch.eye(linear.shape[1], dtype=torch.float64).reshape(-1, *between.domain_shape)
    np.testing.assert_allclose(matrix, between(units).flatten(1).T.numpy(), atol=1e-12)
    assert (linear.dtype == np.float64) == (matrix.dtype == np.float64)


@every_operator
@pytest.mark.parametrize("double", [np.float64, np.complex128])
def test_the_precision_declared_is_that_of_the_operator(name: str, double: Any) -> None:
    """SciPy's solvers keep their vectors in double precision, whatever the operator's."""
    A = OURS[name]
    kind = np.float32 if to_scipy(A).dtype == np.float64 else np.complex64
    linear = to_scipy(A, dtype=kind)
    vector = np.ones(linear.shape[1], double if A.is_complex_linear else np.float64)
    assert linear.matvec(vector).dtype in (np.float32, np.complex64)


def test_scipy_s_solvers_run_on_it() -> None:
    A = sense(MASK, MAPS)
    y = A(numbers(3, 4))
    normal, right = to_scipy(Identity((3, 4)) + A.gram), A.H(y).numpy().ravel()
    found, failed = cg(normal, right, rtol=1e-12)
    assert not failed
    expected = (Identity((3, 4)) + A.gram).solve(A.H(y), tol=1e-12)
    np.testing.assert_allclose(found, expected.numpy().ravel(), atol=1e-9)
    found, *_ = lsqr(to_scipy(A), y.numpy().ravel(), damp=1, atol=1e-14, btol=1e-14)
    np.testing.assert_allclose(found, expected.numpy().ravel(), atol=1e-8)


def test_real_numbers_are_refused_where_complex_ones_are_made() -> None:
    with pytest.raises(InputError, match="can't be of float32; declare complex numbers"):
        to_scipy(fourier(MASK), dtype=np.float32)


def test_scipy_s_operators_compose_with_ours() -> None:
    A = from_scipy(aslinearoperator(COMPLEX), DOMAIN, CODOMAIN) @ inpainting(torch.ones(DOMAIN, dtype=torch.bool)).gram
    dot_test(A)
    torch.testing.assert_close(dense(A.gram), dense(A.H) @ dense(A))


# PyLops


def pylops_operators() -> dict[str, Callable[[Any], LinearOperator]]:
    return {
        "first derivative": lambda p: from_scipy(p.FirstDerivative((4, 3), axis=0), (4, 3), (4, 3)),
        "real FFT": lambda p: from_scipy(p.signalprocessing.FFT(6, real=True), (6,), (4,), dtype=np.float64),
        "FFT": lambda p: from_scipy(p.signalprocessing.FFT2D((4, 3)), (4, 3), (4, 3)),
        "composed": lambda p: from_scipy(
            p.Restriction(12, [1, 4, 7]) @ p.Diagonal(np.arange(12.0)), (4, 3), (3,)
        ),
        "ours, composed with theirs": lambda p: from_scipy(
            p.LinearOperator(to_scipy(fourier(MASK))) @ p.Diagonal(np.arange(12.0) + 1j), (3, 4), (int(MASK.sum()),)
        ),
    }  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", pylops_operators())
def test_contract_of_pylops(name: str, check: str) -> None:
    pylops = pytest.importorskip("pylops", reason="PyLops is not installed")

    class Of(OperatorContract):
        def operator(self) -> LinearOperator:
            return pylops_operators()[name](pylops)

    getattr(Of(), check)()


@every_operator
def test_pylops_finds_the_adjoint(name: str) -> None:
    pylops = pytest.importorskip("pylops", reason="PyLops is not installed")
    linear = to_scipy(OURS[name])
    kind = 3 if linear.dtype == np.complex128 else 0
    assert pylops.utils.dottest(pylops.LinearOperator(linear), *linear.shape, complexflag=kind, rtol=1e-10)


def test_pylops_solvers_run_on_it() -> None:
    pylops = pytest.importorskip("pylops", reason="PyLops is not installed")
    A = sense(MASK, MAPS)
    y: Tensor = A(numbers(3, 4))
    found, *_ = pylops.optimization.basic.cgls(
        pylops.LinearOperator(to_scipy(A)), y.numpy().ravel(), niter=50, damp=1.0, tol=1e-20
    )
    expected = (Identity((3, 4)) + A.gram).solve(A.H(y), tol=1e-12)
    np.testing.assert_allclose(found, expected.numpy().ravel(), atol=1e-8)
