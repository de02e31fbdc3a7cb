"""The tables of simplification rules: what the usual operators become, and that every row is right and is used."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch

from invdiff.operators import (
    Basis,
    Circulant,
    Crop,
    Diagonal,
    Fourier,
    Gram,
    Identity,
    LinearOperator,
    Mask,
    NonUniformFourier,
    Pad,
    RealPart,
    Regularised,
    SenseGram,
    Sensitivities,
    Stack,
    Structure,
    Subsample,
    Sum,
    Toeplitz,
    fourier,
    inpainting,
    sense,
    without_structure,
)
from invdiff.operators.lift import lift
from invdiff.operators.rules import PRODUCT, PULLBACK, SUM, Rules
from invdiff.testing import dense

SHAPE = (4, 5)
GENERATOR = torch.Generator().manual_seed(5)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=GENERATOR)


POINTS = torch.rand(SHAPE, generator=GENERATOR) > 0.5
LINES = torch.tensor([True, False, True, True, False]).expand(SHAPE).contiguous()
MAPS = normal(3, *SHAPE)
NORMALISED = MAPS / MAPS.abs().square().sum(0).sqrt()

ID, F, S = Identity(SHAPE), Fourier(SHAPE), Sensitivities(MAPS)
P, L = Subsample(POINTS), Mask(POINTS)
D, R = Diagonal(normal(*SHAPE)), Diagonal(normal(*SHAPE).real)
C, B = Circulant(SHAPE, normal(*SHAPE), (-2, -1)), Circulant(SHAPE, normal(5).real, (-1,))
RE, CROP = RealPart(SHAPE), Crop(SHAPE, (2, 3))
A = sense(POINTS, MAPS)
K = NonUniformFourier(torch.rand(7, 2, generator=GENERATOR) - 0.5, SHAPE, eps=1e-13)
SMALL = Diagonal(normal(2, 3))
PHI = Basis(normal(3, 2), SHAPE)
COIL_PHI = Basis(normal(2, 2), (3, *SHAPE))
BLOCKS = PHI.pullback(Diagonal(normal(3, *SHAPE).real))
COIL_BLOCKS = COIL_PHI.pullback(Diagonal(normal(2, 1, *SHAPE).real.expand(2, 3, *SHAPE)))
EACH_F, EACH_S = Fourier((2, *SHAPE), (-2, -1)), lift((2,), S)

EXAMPLES: dict[str, dict[str, tuple[LinearOperator, LinearOperator]]] = {
    "product": {
        "I A": (ID, F),
        "A I": (F, ID),
        "Aᴴ A": (F.H, F),
        "A Aᴴ": (P, P.H),
        "P(Λ)ᴴ P(Λ)": (P.H, P),
        "P(Λ₂) P(Λ₁)": (Subsample(torch.arange(P.codomain_shape[0]) % 3 > 0), P),
        "P(Λ) Λ": (P, L),
        "Λ P(Λ)ᴴ": (L, P.H),
        "Λ Λ": (L, L),
        "C Cᴴ": (CROP, CROP.H),
        "Re Reᴴ": (RE, RE.H),
        "D₁ D₂": (D, R),
        "(Fᴴ D₁ F) (Fᴴ D₂ F)": (B, B),
    },
    "pullback": {
        "I M I": (ID, F),
        "Aᴴ I A": (F, ID),
        "(a A)ᴴ M (a A)": (2j * S, lift((3,), L)),
        "Aᴴ (a M) A": (F, 2 * A.gram),
        "(A B)ᴴ M (A B)": (P @ F, Identity(P.codomain_shape)),
        "Cᴴ I C": (CROP, Identity((2, 3))),
        "Cᴴ D C": (CROP, SMALL),
        "C D Cᴴ": (Pad((2, 3), SHAPE), R),
        "Dᴴ I D": (D, ID),
        "D₁ᴴ D₂ D₁": (D, R),
        "Fᴴ D F": (F, R),
        "Re D Reᴴ": (RE.H, D),
        "Re Fᴴ D F Reᴴ": (RE.H, C),
        "Sᴴ I S": (S, Identity((3, *SHAPE))),
        "Sᴴ D S": (S, lift((3,), R)),
        "Sᴴ D_c S": (S, Diagonal(normal(3, *SHAPE))),
        "Sᴴ C S": (S, Circulant((3, *SHAPE), normal(1, *SHAPE), (-2, -1))),
        "Sᴴ (Fᴴ D F) S": (S, lift((3,), C)),
        "Sᴴ (C Fᴴ D F Cᴴ) S": (S, lift((3,), Toeplitz(SHAPE, normal(8, 10)))),
        "[A; B]ᴴ I [A; B]": (Stack((P, F)), Identity((int(POINTS.sum()) + 20,))),
        "Φᴴ I Φ": (PHI, Identity((3, *SHAPE))),
        "Φᴴ D Φ": (PHI, Diagonal(normal(3, *SHAPE).real)),
        "Φᴴ (I ⊗ D) Φ": (PHI, lift((3,), R)),
        "Fᴴ B F": (EACH_F, BLOCKS),
        "Sᴴ B S": (EACH_S, COIL_BLOCKS),
        "Sᴴ (Fᴴ B F) S": (EACH_S, lift((2, 3), F).pullback(COIL_BLOCKS)),
        "F(k)ᴴ I F(k)": (K, Identity((7,))),
        "F(k)ᴴ D F(k)": (K, Diagonal(normal(7))),
        "P(Λ)ᴴ I P(Λ)": (P, Identity(P.codomain_shape)),
        "P(Λ)ᴴ D P(Λ)": (P, Diagonal(normal(*P.codomain_shape))),
        "(I ⊗ P(Λ))ᴴ D (I ⊗ P(Λ))": (lift((2,), P), Diagonal(normal(2, *P.codomain_shape))),
        "P(Λ) D P(Λ)ᴴ": (P.H, D),
        "(Fᴴ D F)ᴴ I (Fᴴ D F)": (C, ID),
        "(Fᴴ D₁ F)ᴴ (Fᴴ D₂ F) (Fᴴ D₁ F)": (C, Circulant(SHAPE, normal(*SHAPE), (-2, -1))),
    },
    "sum": {
        "a I + b I": (2 * ID, 3j * ID),
        "D₁ + D₂": (D, L),
        "a I + D": (2 * ID, L),
        "Fᴴ D₁ F + Fᴴ D₂ F": (C, C.H),
        "a I + Fᴴ D F": (2 * ID, C),
        "a I + B": (2 * Identity((2, *SHAPE)), BLOCKS),
        "a I + Fᴴ B F": (2 * Identity((2, *SHAPE)), EACH_F.pullback(BLOCKS)),
        "a I + Aᴴ A": (2 * ID, A.gram),
        "a I + b Aᴴ A": (2 * ID, 3 * A.gram),
        "a I + (b I + c Aᴴ A)": (2 * ID, ID + 3 * A.gram),
    },
}
TABLES = {"product": PRODUCT, "pullback": PULLBACK, "sum": SUM}
WRITTEN_OUT: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "product": lambda a, b: a @ b,
    "pullback": lambda a, b: a.T @ b @ a,
    "sum": lambda a, b: a + b,
}
PAIRS = [(table, row) for table, rows in EXAMPLES.items() for row in rows]


@contextmanager
def recorded(table: Rules) -> Iterator[set[object]]:
    """The rules of a table that make something of a pair while the block runs."""
    fired: set[object] = set()
    kept = table._rules

    def watched(rule: Callable[..., LinearOperator | None]) -> Callable[..., LinearOperator | None]:
        def apply(left: LinearOperator, right: LinearOperator) -> LinearOperator | None:
            found = rule(left, right)
            if found is not None:
                fired.add(rule)
            return found

        return apply

    table._rules = {kinds: [watched(rule) for rule in rules] for kinds, rules in kept.items()}
    try:
        yield fired
    finally:
        table._rules = kept


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_an_example_and_every_rule_is_used(name: str) -> None:
    table = TABLES[name]
    assert {before for before, _ in table.rows()} == EXAMPLES[name].keys()
    with recorded(table) as fired:
        for left, right in EXAMPLES[name].values():
            table.find(left, right)
    assert fired == {rule for rules in table._rules.values() for rule in rules}


@pytest.mark.parametrize(("name", "row"), PAIRS)
def test_a_row_is_right(name: str, row: str) -> None:
    left, right = EXAMPLES[name][row]
    found = TABLES[name].find(left, right)
    assert found is not None
    kind = torch.float64 if (left.real_domain and name == "pullback") or right.real_domain else torch.complex128
    expected = WRITTEN_OUT[name](dense(left), dense(right))
    torch.testing.assert_close(dense(found, kind), expected)


@pytest.mark.parametrize(("name", "row"), PAIRS)
def test_a_row_holds_for_lifted_operators(name: str, row: str) -> None:
    left, right = (lift((2,), operator) for operator in EXAMPLES[name][row])
    found = TABLES[name].find(left, right)
    assert found is not None
    assert found.domain_shape[0] == found.codomain_shape[0] == 2


# What users see


@pytest.mark.parametrize(
    ("made", "prints"),
    [
        (F.H @ F, "I"),
        (F @ F.H, "I"),
        (P @ P.H, "I"),
        (P.H @ P, "Λ"),
        (L @ L, "Λ"),
        (Sensitivities(NORMALISED).H @ Sensitivities(NORMALISED), "I"),
        (sense(POINTS, MAPS), "P(Λ) F S"),
        (sense(POINTS, MAPS).H, "Sᴴ Fᴴ P(Λ)ᴴ"),
        (fourier(POINTS), "P(Λ) F"),
        (fourier(POINTS) @ RE.H, "P(Λ) F Reᴴ"),
        (inpainting(POINTS), "P(Λ)"),
        (2 * sense(POINTS, MAPS), "2 P(Λ) F S"),
        (sense(POINTS, MAPS).gram, "Sᴴ Fᴴ D F S"),
        (2 * ID + 3 * sense(POINTS, MAPS).gram, "2 I + 3 Sᴴ Fᴴ D F S"),
        (Stack((P, F)), "[P(Λ); F]"),
        (C + S.H @ S, "Fᴴ D F + Sᴴ S"),
        (P @ (C + S.H @ S), "P(Λ) (Fᴴ D F + Sᴴ S)"),
        ((C + S.H @ P.H @ Subsample(POINTS) @ S), "Fᴴ D F + Sᴴ Λ S"),
    ],
)
def test_prints(made: LinearOperator, prints: str) -> None:
    assert repr(made) == prints


def test_identities_are_identities() -> None:
    for made in (F.H @ F, P @ P.H, CROP @ CROP.H, RE @ RE.H, Sensitivities(NORMALISED).gram, F.gram):
        assert isinstance(made, Identity)


def test_diagonals_merge() -> None:
    merged = D @ R @ L
    assert isinstance(merged, Diagonal)
    torch.testing.assert_close(merged.values, D.values * R.values * POINTS)


def test_scales_move_to_the_front_and_join() -> None:
    made = (2 * P) @ (-3 * F)
    assert repr(made) == "-6 P(Λ) F"
    assert 0.5 * (2 * P) is P
    assert isinstance((2 * F.H) @ (0.5 * F), Identity)


def test_a_scaled_product_still_cancels() -> None:
    assert repr(F.H @ (2 * (F @ S))) == "2 S"


def test_sums_merge() -> None:
    assert repr(2 * ID + ID) == "3 I"
    assert isinstance(D + L + 2 * ID, Diagonal)
    assert isinstance(C + C + ID, Circulant)
    assert isinstance(ID + A.gram + ID, Regularised)
    assert (ID + A.gram + ID).shift == 2
    assert isinstance(A.gram + C, Sum)


def test_structure_comes_from_the_parts() -> None:
    assert (P @ F).is_co_isometry
    assert not (P @ F).is_isometry
    assert (F @ Sensitivities(NORMALISED)).is_isometry
    assert (S.H @ F.H @ R.gram @ F @ S).is_positive
    assert (F.H @ Mask(POINTS) @ F).is_positive
    assert Circulant(SHAPE, POINTS.double(), (-2, -1)).is_projection
    assert sense(POINTS, MAPS).gram.fast.is_positive


@pytest.mark.parametrize("structure", Structure.__members__.values())
def test_structure_of_an_adjoint(structure: Structure) -> None:
    swapped = {Structure.ISOMETRY: Structure.CO_ISOMETRY, Structure.CO_ISOMETRY: Structure.ISOMETRY}
    assert structure.adjoint == swapped.get(structure, structure)


def test_a_gram_of_lines_transforms_one_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    gram = sense(LINES, MAPS).gram
    assert isinstance(gram, Gram)
    assert isinstance(gram.fast, SenseGram)
    assert gram.fast.convolution.axes == (-1,)

    transformed, transform = [], torch.fft.fftn
    monkeypatch.setattr(
        torch.fft, "fftn", lambda x, dim, **options: transformed.append(dim) or transform(x, dim=dim, **options)
    )
    x = normal(*SHAPE)
    found = gram(x)
    assert set(transformed) == {(-1,)}
    monkeypatch.undo()
    plain = without_structure(sense(LINES, MAPS))
    torch.testing.assert_close(found, plain.H(plain(x)))


def test_a_gram_of_points_transforms_both_axes() -> None:
    assert sense(POINTS, MAPS).gram.fast.convolution.axes == (-2, -1)


def test_a_gram_of_lines_in_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    import invdiff.operators.sense_gram as module

    x = normal(2, *SHAPE)
    whole = sense(LINES, MAPS).gram(x)
    monkeypatch.setattr(module, "BLOCK_BYTES", 2 * MAPS[:, 0].numel() * 16)
    torch.testing.assert_close(sense(LINES, MAPS).gram(x), whole)


def test_a_fully_sampled_gram_transforms_nothing() -> None:
    full = torch.ones(SHAPE, dtype=torch.bool)
    assert isinstance(sense(full, MAPS).gram, Diagonal)
    assert isinstance(fourier(full).gram, Diagonal)


def test_peel() -> None:
    rest, part = A.peel(Sensitivities)
    assert (repr(rest), part) == ("P(Λ) F", A.factors[-1])
    rest, part = (2 * A).peel(Sensitivities)
    assert repr(rest) == "2 P(Λ) F"
    assert isinstance(S.peel(Sensitivities)[0], Identity)
    for inside in (F @ (2j * S), 2j * (F @ S), P @ (2j * F) @ S):
        rest, part = inside.peel(Sensitivities)
        assert part is S
        torch.testing.assert_close(dense(rest @ part), dense(inside))


def test_a_wrong_row_is_noticed() -> None:
    """`test_a_row_is_right` on a table with a wrong row."""
    wrong = Rules("wrong")
    wrong.rule(Diagonal, Diagonal, "D₁ D₂ = D₁")(lambda left, right: left)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(dense(wrong.find(D, R)), dense(D) @ dense(R))
    with recorded(wrong) as fired:
        wrong.find(D, F)
    assert not fired
