"""Linear operators across the border to MRpro, or to a stand-in of its interface where it is not installed."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from invdiff.bridges import from_mrpro, to_mrpro
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, RealPart, fourier, sense
from invdiff.testing import OperatorContract, dense

HAS_MRPRO = find_spec("mrpro") is not None
SHAPE = (3, 4)


class StandIn(nn.Module):
    """What MRpro promises of a ``LinearOperator``: tuples of one tensor, and the adjoint as an operator."""

    def __init_subclass__(cls, adjoint_as_backward: bool = False) -> None: ...

    @property
    def H(self) -> "StandIn":
        return Turned(self)

    @property
    def gram(self) -> "StandIn":
        return After(self.H, self)

    def __matmul__(self, other: "StandIn") -> "StandIn":
        return After(self, other)


class Turned(StandIn):
    def __init__(self, of: StandIn) -> None:
        super().__init__()
        self.of = of

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return self.of.adjoint(x)  # type: ignore[operator]

    def adjoint(self, x: Tensor) -> tuple[Tensor]:
        return self.of(x)  # type: ignore[no-any-return]


class After(StandIn):
    def __init__(self, left: StandIn, right: StandIn) -> None:
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return self.left(*self.right(x))  # type: ignore[no-any-return]

    def adjoint(self, x: Tensor) -> tuple[Tensor]:
        return self.right.adjoint(*self.left.adjoint(x))  # type: ignore[operator]


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MRpro, or the stand-in under its name."""
    if not HAS_MRPRO:
        operators = ModuleType("mrpro.operators")
        operators.LinearOperator = StandIn  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "mrpro", ModuleType("mrpro"))
        monkeypatch.setitem(sys.modules, "mrpro.operators", operators)
    yield
    if not HAS_MRPRO:
        sys.modules.pop("invdiff.bridges.mrpro_operator", None)


if HAS_MRPRO:
    from mrpro.operators import LinearOperator as Base
else:
    Base = StandIn


class Coils(Base):  # type: ignore[misc, valid-type]
    """Coil maps, written as MRpro's users write operators."""

    def __init__(self) -> None:
        super().__init__()
        maps = torch.randn(2, 1, *SHAPE, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
        self.register_buffer("maps", maps)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.maps * x,)

    def adjoint(self, x: Tensor) -> tuple[Tensor]:
        return ((self.maps.conj() * x).sum(-4, keepdim=True),)


class Spectrum(Base):  # type: ignore[misc, valid-type]
    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (torch.fft.fft2(x, norm="ortho"),)

    def adjoint(self, x: Tensor) -> tuple[Tensor]:
        return (torch.fft.ifft2(x, norm="ortho"),)


DOMAIN = (1, 1, *SHAPE)
MASK = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) > 0.4
THEIRS = {
    "coils": Coils,
    "composed": lambda: Spectrum() @ Coils(),
    "gram": lambda: Coils().gram,
    "ours, composed": lambda: to_mrpro(fourier(MASK)) @ Spectrum(),
}


@pytest.mark.parametrize("check", [name for name in dir(OperatorContract) if name.startswith("test_")])
@pytest.mark.parametrize("name", THEIRS)
def test_contract(name: str, check: str) -> None:
    if check == "test_copies" and name == "ours, composed" and not HAS_MRPRO:
        pytest.skip("MRpro is not installed: a class of the stand-in's has no address to be unpickled by")

    class Of(OperatorContract):
        def operator(self) -> LinearOperator:
            shape = SHAPE if name == "ours, composed" else DOMAIN
            return from_mrpro(THEIRS[name](), shape, dtype=torch.complex128)

    getattr(Of(), check)()


def test_it_is_theirs() -> None:
    theirs, x = Spectrum() @ Coils(), torch.randn(5, *DOMAIN, dtype=torch.complex128)
    A = from_mrpro(theirs, DOMAIN)
    assert (A.domain_shape, A.codomain_shape) == (DOMAIN, (2, 1, *SHAPE))
    torch.testing.assert_close(A(x), theirs(x.to(torch.complex64))[0].to(x.dtype), rtol=1e-4, atol=1e-4)
    assert torch.autograd.gradcheck(from_mrpro(theirs, DOMAIN, dtype=torch.complex128), x[:1].requires_grad_())


def test_it_keeps_to_itself() -> None:
    theirs, x = Coils(), torch.ones(DOMAIN, dtype=torch.complex128)
    A = from_mrpro(theirs, DOMAIN)
    before = A(x)
    theirs.maps.zero_()
    assert torch.equal(A(x), before)


class Squared(Coils):
    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (x * x,)


class WrongAdjoint(Coils):
    def adjoint(self, x: Tensor) -> tuple[Tensor]:
        return ((self.maps * x).sum(-4, keepdim=True),)


class Two(Coils):
    def forward(self, x: Tensor) -> Any:
        return x, x


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Squared, "Squared is not linear"),
        (WrongAdjoint, "WrongAdjoint gives as its adjoint is not the adjoint.*mend its adjoint"),
        (Two, "Two can't be applied to arrays .*too many values"),
        (lambda: nn.Linear(2, 2), "takes a mrpro.operators.LinearOperator; Linear is none"),
        (lambda: abs, "is none"),
    ],
)
def test_what_is_no_operator_is_refused(make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        from_mrpro(make(), DOMAIN)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "A",
    [fourier(MASK), sense(MASK, torch.randn(2, *SHAPE, dtype=torch.complex128)), fourier(MASK) @ RealPart(SHAPE).H],
    ids=["single coil", "SENSE", "a real image"],
)
def test_theirs_is_the_operator(A: LinearOperator) -> None:
    theirs = to_mrpro(A)
    assert isinstance(theirs, Base)
    x = torch.randn(2, *A.domain_shape, dtype=torch.float64 if A.real_domain else torch.complex128)
    y = torch.randn(2, *A.codomain_shape, dtype=torch.complex128)
    for made, expected in (
        (theirs(x), A(x)), (theirs.H(y), A.H(y)), (theirs.adjoint(y), A.H(y)), (theirs.H.H(x), A(x)),
        (theirs.gram(x), A.gram(x)), ((theirs.H @ theirs)(x), A.H(A(x))),
    ):  # fmt: skip
        assert isinstance(made, tuple)
        assert len(made) == 1
        torch.testing.assert_close(made[0], expected)


def test_there_and_back() -> None:
    A = sense(MASK, torch.randn(2, *SHAPE, dtype=torch.complex128))
    torch.testing.assert_close(dense(from_mrpro(to_mrpro(A), SHAPE, dtype=torch.complex128)), dense(A))


def test_without_mrpro_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mrpro", None)
    monkeypatch.setitem(sys.modules, "mrpro.operators", None)
    monkeypatch.delitem(sys.modules, "invdiff.bridges.mrpro_operator", raising=False)
    with pytest.raises(InputError, match="not installed; pip install mrpro"):
        to_mrpro(fourier(MASK))


@pytest.mark.skipif(not HAS_MRPRO, reason="MRpro is not installed")
def test_mrpro_s_own_operators_and_solvers() -> None:
    from mrpro.algorithms.optimizers import cg
    from mrpro.operators import FastFourierOp, SensitivityOp

    maps = torch.randn(2, 1, *SHAPE, dtype=torch.complex64)
    A = from_mrpro(FastFourierOp(dim=(-2, -1)) @ SensitivityOp(maps), DOMAIN)
    ours = sense(torch.ones(SHAPE, dtype=torch.bool), maps[:, 0])
    x = torch.randn(SHAPE, dtype=torch.complex64)
    torch.testing.assert_close(A(x[None, None]).flatten(-3), ours(x), rtol=1e-4, atol=1e-4)
    (found,) = cg(to_mrpro(ours.gram), ours.H(ours(x)), max_iterations=100)
    torch.testing.assert_close(found, x, rtol=1e-2, atol=1e-2)
