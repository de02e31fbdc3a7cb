"""Instruments beside MR scanners, as operators."""

from typing import Any

import pytest
import torch

from invdiff.bridges import Blur, Enlarger, Instrument, SinglePixelCamera, Tomograph
from invdiff.errors import InputError
from invdiff.operators import LinearOperator
from invdiff.testing import OperatorContract, dense, dot_test

KNOWN: dict[str, tuple[Instrument, tuple[int, int]]] = {
    "tomograph": (Tomograph(5), (6, 6)),
    "blur": (Blur(0.4), (4, 6)),
    "enlarger": (Enlarger(2), (16, 18)),
    "single-pixel camera": (SinglePixelCamera(), (4, 8)),
    "single-pixel camera, few patterns": (SinglePixelCamera(3), (4, 4)),
}
every = pytest.mark.parametrize("name", KNOWN)


@every
def test_it_is_an_operator_of_its_shapes(name: str) -> None:
    instrument, shape = KNOWN[name]
    A = instrument.operator(shape)
    made = instrument.measurement_shape(shape)
    assert A.domain_shape == shape
    assert A.codomain_shape in (made, (1, *made))
    dot_test(A, dtype=torch.float32)
    image = instrument.simple_image(A, A(torch.rand(shape)))
    assert tuple(image.shape) == shape


@pytest.mark.parametrize("check", ["test_batches", "test_empty_batches", "test_shapes", "test_copies"])
@every
def test_contract(name: str, check: str) -> None:
    class Of(OperatorContract):
        dtype = torch.float32
        tolerance = 1e-4

        def operator(self) -> LinearOperator:
            instrument, shape = KNOWN[name]
            return instrument.operator(shape)

    getattr(Of(), check)()


@pytest.mark.parametrize("side", [*range(3, 12), 24, 33])
def test_detectors_span_the_diagonal(side: int) -> None:
    instrument = Tomograph(3)
    assert instrument.operator((side, side)).codomain_shape == (1, *instrument.measurement_shape((side, side)))


def test_a_tomograph_s_projections_hold_the_whole_of_what_is_inside_its_circle() -> None:
    x = torch.zeros(16, 16)
    x[6:11, 5:9] = 1
    sums = Tomograph(7).operator((16, 16))(x)[0].sum(0)
    torch.testing.assert_close(sums, x.sum().expand(7), rtol=0.02, atol=0)


def test_a_blur_keeps_the_mean_and_the_place() -> None:
    x = torch.zeros(21, 21)
    x[10, 10] = 1
    y = Blur(1.5).operator((21, 21))(x)[0]
    rows = torch.arange(21.0)
    assert float(y.sum()) == pytest.approx(1, abs=1e-5)
    assert float((y.sum(1) * rows).sum()) == pytest.approx(10, abs=1e-3)
    assert float((y.sum(1) * (rows - 10) ** 2).sum()) == pytest.approx(1.5**2, rel=0.05)


def test_an_enlarger_keeps_what_is_flat() -> None:
    torch.testing.assert_close(Enlarger(2).operator((16, 16))(torch.ones(16, 16)), torch.ones(1, 8, 8))


def test_a_single_pixel_camera_s_patterns_are_orthonormal_and_its_first_the_mean() -> None:
    A = SinglePixelCamera(8).operator((4, 4))
    torch.testing.assert_close(dense(A @ A.H, torch.float32), torch.eye(8), rtol=0, atol=1e-5)
    found = A(torch.ones(4, 4))
    assert int((found.abs() > 1e-5).sum()) == 1
    assert float(found.abs().max()) == pytest.approx(4, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "shape", "words"),
    [
        (lambda: Tomograph(0), (8, 8), "one view or more, but --views is 0"),
        (lambda: Tomograph(3), (8, 9), "square images, but these are 8 x 9"),
        (lambda: Blur(0.0), (8, 8), "positive number of pixels, but --blur-std is 0"),
        (lambda: Blur(float("nan")), (8, 8), "--blur-std is nan"),
        (lambda: Blur(2.0), (8, 8), "wider than images of 8 x 8"),
        (lambda: Enlarger(1), (8, 8), "two or more, but --factor is 1"),
        (lambda: Enlarger(3), (12, 8), "no smaller ones by --factor 3"),
        (lambda: SinglePixelCamera(0), (8, 8), "--patterns is 0"),
        (lambda: SinglePixelCamera(), (8, 6), "powers of two, but images are 8 x 6"),
        (lambda: SinglePixelCamera(65), (8, 8), "There are 64 patterns of 8 x 8 pixels, but --patterns is 65"),
    ],
)
def test_what_can_not_be_measured_is_refused(make: Any, shape: tuple[int, int], words: str) -> None:
    for ask in (lambda: make().operator(shape), lambda: make().measurement_shape(shape)):
        with pytest.raises(InputError, match=words):
            ask()
