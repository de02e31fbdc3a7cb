"""The contract of the operators of MR imaging, and of the combinations that are easy to get wrong."""

import copy
from functools import cached_property

import pytest
import torch

from invdiff.operators import (
    Circulant,
    Crop,
    Diagonal,
    Fourier,
    Identity,
    LinearOperator,
    Mask,
    Pad,
    RealPart,
    Sensitivities,
    Shape,
    Stack,
    Subsample,
    denoising,
    fourier,
    inpainting,
    sense,
)
from invdiff.operators.lift import lift
from invdiff.testing import OperatorContract, dense

SHAPE = (3, 4)
GENERATOR = torch.Generator().manual_seed(2)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex128, generator=GENERATOR)


POINTS = torch.rand(SHAPE, generator=GENERATOR) > 0.4
LINES = torch.tensor([True, True, False, True]).expand(SHAPE).contiguous()
MAPS, SETS = normal(2, *SHAPE), normal(2, 3, *SHAPE)
NORMALISED = MAPS / MAPS.abs().square().sum(0).sqrt()
F, RE, CROP = Fourier(SHAPE), RealPart(SHAPE), Crop(SHAPE, (2, 3))
D, C = Diagonal(normal(*SHAPE)), Circulant(SHAPE, normal(*SHAPE), (-2, -1))
REAL_CONVOLUTION = (fourier(POINTS) @ RE.H).gram

OPERATORS: dict[str, LinearOperator] = {
    "denoising": denoising(SHAPE),
    "inpainting": inpainting(POINTS),
    "single coil": fourier(POINTS),
    "single coil, masked": Mask(POINTS) @ F,
    "single coil, real": fourier(POINTS) @ RE.H,
    "SENSE": sense(POINTS, MAPS),
    "SENSE, lines": sense(LINES, MAPS),
    "SENSE, normalised": sense(POINTS, NORMALISED),
    "SENSE, real": sense(POINTS, MAPS) @ RE.H,
    "soft SENSE": sense(POINTS, SETS),
    "soft SENSE, lines": sense(LINES, SETS),
    "volume": sense(torch.rand(2, 3, 2, generator=GENERATOR) > 0.4, normal(2, 2, 3, 2)),
    "frames": lift((2,), fourier(POINTS)),
    "frames of coils": Fourier(SHAPE) @ Sensitivities(MAPS) @ lift((2,), D),
    "coil combination": Sensitivities(MAPS).H,
    "coil combination of normalised maps": Sensitivities(NORMALISED).H,
    "low resolution": CROP @ F,
    "zero filling": F.H @ Pad((2, 3), SHAPE),
    "phase": 1j * RE.H,
    "phase of each pixel, same shapes": Mask(POINTS) @ F @ D @ RE.H,
    "real part of another": RE @ C @ D,
    "real part, seen as complex": RE.H @ RE,
    "real and complex measurements": Stack((RE, fourier(POINTS))),
    "real sum": Diagonal(normal(*SHAPE).real) + REAL_CONVOLUTION,
    "sum of measurements": Stack((fourier(POINTS), fourier(LINES))),
    "not positive": Mask(POINTS) @ Circulant(SHAPE, LINES.double(), (-2, -1)),
    "scaled": (0.3 - 2j) * sense(POINTS, MAPS),
    "nothing": 0 * sense(POINTS, MAPS),
    "convolution": C,
}
CHECKS = [name for name in dir(OperatorContract) if name.startswith("test_")]


class Of(OperatorContract):
    def __init__(self, operator: LinearOperator) -> None:
        self._operator = operator

    def operator(self) -> LinearOperator:
        return self._operator


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("check", CHECKS)
def test_keeps_the_contract(check: str, name: str) -> None:
    getattr(Of(OPERATORS[name]), check)()


def root_of(precision: LinearOperator, count: int) -> torch.Tensor:
    """The matrix of `sample` in its first ``count`` complex noise numbers, one call each, as far as it is asked for."""

    def draw(number: int, unit: complex) -> torch.Tensor:
        seen = 0

        def noise(shape: Shape) -> torch.Tensor:
            nonlocal seen
            flat = torch.zeros(shape, dtype=torch.complex128).flatten()
            if 0 <= number - seen < flat.numel():
                flat[number - seen] = unit
            seen += flat.numel()
            return flat.reshape(shape)

        return torch.view_as_real(precision.sample(noise)).flatten()

    return torch.stack([draw(number, unit) for number in range(count) for unit in (1, 1j)], dim=1)


@pytest.mark.parametrize(
    "precision",
    [
        3 * (Identity(SHAPE) + sense(POINTS, MAPS).gram),
        lift((2,), 2 * Identity(SHAPE) + 3 * sense(POINTS, MAPS).gram),
        2 * Identity((2, *SHAPE)) + 3 * lift((2,), sense(POINTS, MAPS).gram),
        2 * Identity(SHAPE) + C.gram,
        lift((2,), 2 * Identity(SHAPE) + 3 * D.gram),
        0.5 * Identity(SHAPE),
    ],
    ids=repr,
)
def test_samples_of_other_forms_have_the_inverse_as_covariance(precision: LinearOperator) -> None:
    root = root_of(precision, 100)
    torch.testing.assert_close(root @ root.T, torch.linalg.inv(dense(precision)), rtol=0, atol=1e-8)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(2 * root @ root.T, torch.linalg.inv(dense(precision)), rtol=0, atol=1e-8)


def test_samples_come_in_batches() -> None:
    precision = Identity(SHAPE) + sense(POINTS, MAPS).gram
    assert precision.sample(lambda shape: normal(2, *shape)).shape == (2, *SHAPE)


@pytest.mark.parametrize("large", [4, 5])
@pytest.mark.parametrize("small", [2, 3, 4])
def test_crop_keeps_the_centre(large: int, small: int) -> None:
    """Index n // 2 of both, where the centred transform has frequency zero."""
    x = torch.zeros(large)
    x[large // 2] = 1
    cropped = Crop((large,), (small,))(x)
    assert cropped.argmax() == small // 2
    assert torch.equal(Pad((small,), (large,))(cropped), x)


def test_masks_that_differ_do_not_merge() -> None:
    other = ~POINTS
    other[0, 0] = True
    assert repr(Subsample(POINTS) @ Mask(other)) == "P(Λ) Λ"
    assert repr(Mask(other) @ Subsample(POINTS).H) == "Λ P(Λ)ᴴ"
    assert torch.equal((Mask(POINTS) @ Mask(other)).spectrum, (POINTS & other).double())
    assert repr(Subsample(other[:, :2]) @ Subsample(other[:, :2].flip(0)).H) == "P(Λ) P(Λ)ᴴ"


def power_of_all(A: LinearOperator, x: torch.Tensor) -> torch.Tensor:
    """A real number that depends on all that an operator does."""
    y = A(x)
    images = A.H(y), A.gram(x), A.row_projection(x), A.pinv(y, max_iter=2)
    solved = (1.0 * Identity(A.domain_shape) + A.gram).solve(x, max_iter=2)
    return torch.stack([array.abs().square().sum() for array in (y, *images, solved)]).sum()


def check_gradient_after_inference(A: LinearOperator) -> None:
    A = copy.deepcopy(A)
    x = torch.ones(A.domain_shape, dtype=torch.float64 if A.real_domain else torch.complex128)
    with torch.inference_mode():
        power_of_all(A, x)
    x = x.clone().requires_grad_()
    power_of_all(A, x).backward()
    assert x.grad is not None
    assert bool(x.grad.abs().isfinite().all())


@pytest.mark.filterwarnings("ignore::invdiff.operators.ConvergenceWarning")  # two iterations need not suffice
@pytest.mark.parametrize("name", OPERATORS)
def test_what_was_used_in_inference_mode_carries_gradients(name: str) -> None:
    check_gradient_after_inference(OPERATORS[name])


def test_what_is_remembered_from_inference_mode_is_noticed() -> None:
    class Remembering(Subsample):
        @cached_property
        def index(self) -> torch.Tensor:
            return self.mask.flatten().nonzero().flatten()

    with pytest.raises(RuntimeError, match="Inference tensors"):
        check_gradient_after_inference(Remembering(torch.tensor([True, False, True])))
