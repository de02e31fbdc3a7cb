"""Frames in a subspace: the basis, its gram as matrices in k-space, and the factory."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import (
    Basis,
    BlockCirculant,
    BlockDiagonal,
    Circulant,
    Diagonal,
    Fourier,
    Identity,
    LinearOperator,
    RealPart,
    Sensitivities,
    Subsample,
    SubspaceGram,
    lift,
    subspace,
    without_structure,
)
from invdiff.operators.block_diagonal import block_diagonal
from invdiff.testing import OperatorContract, dense

FRAMES, COEFFICIENTS, COILS, SHAPE = 4, 2, 2, (2, 3)
GENERATOR = torch.Generator().manual_seed(1)
CHECKS = [name for name in dir(OperatorContract) if name.startswith("test_")]


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=GENERATOR)


POINTS = torch.rand(FRAMES, *SHAPE, generator=GENERATOR) < 0.6
LINES = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]]).bool()[:, None].expand(FRAMES, *SHAPE)
MAPS, SETS, PHI = normal(COILS, *SHAPE), normal(2, COILS, *SHAPE), normal(FRAMES, COEFFICIENTS)
ORTHONORMAL = torch.linalg.qr(PHI).Q
SINGLE = Subsample(POINTS) @ Basis(PHI, SHAPE) @ Fourier(SHAPE)
WEIGHTS = torch.randn(FRAMES, *SHAPE, dtype=torch.float64, generator=GENERATOR)
HERMITIAN = Basis(PHI, SHAPE).pullback(Diagonal(WEIGHTS))

OPERATORS: dict[str, LinearOperator] = {
    "basis": Basis(PHI, SHAPE),
    "orthonormal basis": Basis(ORTHONORMAL, SHAPE),
    "unitary basis": Basis(torch.linalg.qr(normal(2, 2)).Q, SHAPE),
    "real basis": Basis(PHI.real, SHAPE),
    "more coefficients than frames": Basis(PHI.mT, SHAPE),
    "adjoint basis": Basis(ORTHONORMAL, SHAPE).H,
    "matrices": HERMITIAN,
    "matrices turned": 1j * HERMITIAN,
    "convolutions": Fourier((2, *SHAPE), (-2, -1)).pullback(HERMITIAN),
    "convolutions turned": (0.5 - 1j) * Fourier((2, *SHAPE), (-2, -1)).pullback(HERMITIAN),
    "one coil": SINGLE,
    "one coil, real coefficients": SINGLE @ RealPart(SINGLE.domain_shape).H,
    "coils": subspace(POINTS, MAPS, PHI),
    "coils, lines": subspace(LINES, MAPS, ORTHONORMAL),
    "coils, real basis": subspace(POINTS, MAPS, PHI.real),
    "two map sets": subspace(POINTS[:3, :, :2], SETS[..., :2], PHI[:3]),
    "convolutions seen by coils": lift((2,), Sensitivities(MAPS)).pullback(
        BlockCirculant(block_diagonal((COILS, *SHAPE), HERMITIAN.blocks[:, :, None]), (-2, -1))
    ),
}


class Of(OperatorContract):
    def __init__(self, operator: LinearOperator) -> None:
        self._operator = operator

    def operator(self) -> LinearOperator:
        return self._operator


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("check", CHECKS)
def test_keeps_the_contract(check: str, name: str) -> None:
    getattr(Of(OPERATORS[name]), check)()


# The gram


@dataclass(frozen=True)
class Drawn:
    """Frames in a subspace, with masks that differ, or are constant along axes or between frames."""

    mask: Tensor
    maps: Tensor
    basis: Tensor

    @property
    def orders(self) -> tuple[LinearOperator, ...]:
        """P Φ F S, as the factory has it, and P F S Φ, which is the same map."""
        made = subspace(self.mask, self.maps, self.basis)
        image = tuple(self.mask.shape[1:])
        sampled, _, *others = made.factors
        frames = Fourier(image) @ Sensitivities(self.maps, len(image)) @ Basis(self.basis, others[-1].domain_shape[1:])
        return made, sampled @ frames


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    frames, coefficients, coils = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    image = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
    varied = tuple(1 if draw(st.booleans()) and draw(st.booleans()) else n for n in (frames, *image))
    mask = torch.rand(varied, generator=generator) < draw(st.sampled_from([0.4, 0.8, 1.0]))
    mask.view(-1)[0] |= not mask.any()
    sets = (2,) if draw(st.integers(0, 3)) == 0 else ()
    basis, maps = (
        torch.randn(shape, dtype=torch.complex128, generator=generator)
        for shape in ((frames, coefficients), (*sets, coils, *image))
    )
    basis = basis.real.contiguous() if draw(st.booleans()) else basis
    if draw(st.booleans()) and coefficients <= frames:
        basis = torch.linalg.qr(basis).Q
    return Drawn(mask.expand(frames, *image), maps, basis)


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)


def check_gram(A: LinearOperator, gram: LinearOperator) -> None:
    plain = without_structure(A)
    close(dense(gram), dense(plain.H @ plain))


@given(drawn())
@settings(max_examples=60)
def test_a_gram_is_the_product_in_either_order(case: Drawn) -> None:
    factory, written = case.orders
    close(dense(factory), dense(written))
    for A in (factory, written):
        check_gram(A, A.gram)
        check_gram(A, lift((), A).pullback(Identity(A.codomain_shape)))


@given(drawn(), st.integers(0, 2**20))
@settings(max_examples=40)
def test_weights_of_samples_pull_back(case: Drawn, seed: int) -> None:
    A, _ = case.orders
    weights = torch.rand(A.codomain_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    root = Diagonal(weights.sqrt())
    close(dense(A.pullback(Diagonal(weights))), dense(without_structure(root @ A)).T @ dense(root @ A))


@pytest.mark.parametrize("wrong", [PHI.conj(), PHI.flip(0), 1.01 * PHI], ids=["conjugate", "reversed", "scaled"])
def test_another_gram_is_noticed(wrong: Tensor) -> None:
    with pytest.raises(AssertionError):
        check_gram(subspace(POINTS, MAPS, PHI), subspace(POINTS, MAPS, wrong).gram)


def transforms(operator: LinearOperator, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many images the operator transforms, forth and back."""
    count, image = 0, operator.domain_shape[-2:]
    for name in ("fftn", "ifftn"):
        transform = getattr(torch.fft, name)

        def counted(x: Tensor, transform: object = transform, **options: object) -> Tensor:
            nonlocal count
            count += x.numel() // (image[0] * image[1])
            return transform(x, **options)

        monkeypatch.setattr(torch.fft, name, counted)
    operator(normal(*operator.domain_shape))
    monkeypatch.undo()
    return count


def test_the_cost_is_that_of_coefficient_images(monkeypatch: pytest.MonkeyPatch) -> None:
    A = subspace(POINTS, MAPS, PHI)
    assert transforms(A, monkeypatch) == COEFFICIENTS * COILS
    assert transforms(A.gram, monkeypatch) == 2 * COEFFICIENTS * COILS
    assert transforms(without_structure(A).H @ A, monkeypatch) == 2 * COEFFICIENTS * COILS
    frames = Fourier(SHAPE) @ Sensitivities(MAPS) @ Basis(PHI, SHAPE)
    assert transforms(frames, monkeypatch) == FRAMES * COILS


def test_what_a_gram_is() -> None:
    assert isinstance(subspace(POINTS, MAPS, PHI).gram.fast, SubspaceGram)
    assert subspace(LINES, MAPS, PHI).gram.fast.convolution.axes == (-1,)
    assert isinstance(subspace(POINTS | True, MAPS, PHI).gram, BlockDiagonal)
    assert isinstance(SINGLE.gram, BlockCirculant)
    assert isinstance(Basis(ORTHONORMAL, SHAPE).gram, Identity)


def test_points_that_no_frame_sampled_stay_unseen() -> None:
    """Fewer frames than coefficients at a point leave eigenvalues of exactly zero, which `solve` leaves alone."""
    mask = POINTS.clone()
    mask[1:] = False
    spectrum = (Subsample(mask) @ Basis(PHI, SHAPE) @ Fourier(SHAPE)).gram.spectrum
    assert int((spectrum != 0).sum()) == int(mask.sum())


# The circulant nearest to it


def check_nearest(A: LinearOperator) -> None:
    modes = torch.eye(dense(A).shape[0] // 2, dtype=torch.complex128).reshape(-1, *A.domain_shape)
    modes = torch.fft.ifftn(modes, dim=(-2, -1), norm="ortho")
    nearest = A.nearest_circulant()
    assert isinstance(nearest, Circulant)
    values = (modes.conj() * A(modes)).flatten(1).sum(1)
    close(nearest(modes), values.reshape(-1, 1, 1, 1) * modes)


@pytest.mark.parametrize("mask", [POINTS, LINES, POINTS | True], ids=["points", "lines", "full"])
@pytest.mark.parametrize("seen", ["coils", "one coil"])
def test_the_nearest_circulant_has_its_value_at_each_frequency(mask: Tensor, seen: str) -> None:
    one = Subsample(mask) @ Basis(PHI, SHAPE) @ Fourier(SHAPE)
    check_nearest(subspace(mask, MAPS, PHI).gram if seen == "coils" else one.gram)


def test_the_nearest_circulant_of_two_map_sets() -> None:
    A = subspace(POINTS, SETS, PHI).gram
    modes = torch.fft.ifftn(torch.eye(24, dtype=torch.complex128).reshape(24, *A.domain_shape), dim=(-2, -1))
    nearest, size = A.nearest_circulant(), SHAPE[0] * SHAPE[1]
    assert nearest is not None
    close((modes.conj() * nearest(modes)).flatten(1).sum(1) * size, (modes.conj() * A(modes)).flatten(1).sum(1) * size)


def test_another_circulant_is_noticed() -> None:
    class Broken(SubspaceGram):
        def nearest_circulant(self) -> LinearOperator:
            return SubspaceGram(self.maps.conj(), self.convolution).nearest_circulant()

    with pytest.raises(AssertionError):
        check_nearest(Broken(MAPS, subspace(POINTS, MAPS, PHI).gram.fast.convolution))


# What is refused


@pytest.mark.parametrize(
    ("values", "shape", "words"),
    [
        (PHI[0], SHAPE, "matrix (frames, coefficients)"),
        (PHI, (), "at least one dimension"),
        (torch.ones(3, 2, dtype=torch.int64), SHAPE, "convert it first"),
        (PHI * float("nan"), SHAPE, "NaN"),
        (0 * PHI, SHAPE, "nothing but zeros"),
    ],
)
def test_a_basis_that_is_none_is_refused(values: Tensor, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(InputError) as caught:
        Basis(values, shape)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("mask", "maps", "basis", "words"),
    [
        (POINTS, MAPS, PHI[:3], "4 frames but the basis has 3 rows"),
        (POINTS, MAPS[..., :2], PHI, "must end alike"),
        (POINTS[0, 0], MAPS, PHI, "must end alike"),
        (POINTS.double(), MAPS, PHI, "boolean"),
    ],
)
def test_what_does_not_fit_is_refused(mask: Tensor, maps: Tensor, basis: Tensor, words: str) -> None:
    with pytest.raises(InputError) as caught:
        subspace(mask, maps, basis)
    assert words in str(caught.value)


def test_it_measures_the_samples_of_all_frames() -> None:
    A, x = subspace(POINTS, MAPS, PHI), normal(COEFFICIENTS, *SHAPE)
    frames = Basis(PHI, SHAPE)(x)
    kspace = Fourier(SHAPE)(Sensitivities(MAPS)(frames))
    close(A(x), A.factors[0](kspace))
    close(A(x), kspace[POINTS[:, None].expand_as(kspace)])
    assert repr(A) == "P(Λ) Φ F S"
