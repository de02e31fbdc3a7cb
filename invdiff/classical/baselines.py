"""What a reconstruction without a learned prior achieves: the classical methods to compare with.

Each takes a problem, on a grid or along a trajectory, and returns its image in the units of the data. Weights of the
penalties are free of units: of the image, the largest magnitude of Aᴴ y over |A|² is one, and of the operator the
singular value by which samples are weighed as a rule.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.bridges import to_sigpy
from invdiff.errors import InputError
from invdiff.metrics.metrics import psnr
from invdiff.operators import Circulant, Identity, LinearOperator
from invdiff.problem import Problem

Complex = NDArray[np.complex64]

TIKHONOV_WEIGHTS = tuple(np.geomspace(1e-4, 1e-1, 7).tolist())
SPARSE_WEIGHTS = tuple(np.geomspace(2e-4, 5e-2, 7).tolist())
"""Among which the best by the truth is looked for: of `cg_sense`, and of `l1_wavelet` and `total_variation`."""

_SPLIT = 10.0  # of the penalty's weight: how firmly ADMM holds an image to what the penalty shrank
_INNER = 3  # conjugate gradients of each iteration, preconditioned, from the image before
_REGULAR = 1e-3  # of the split: makes the preconditioner definite


def cg_sense(problem: Problem, weight: float = 1e-2) -> Tensor:
    """Least squares with a Tikhonov penalty, by conjugate gradients: (Aᴴ A + weight p I) x = Aᴴ y.

    p is the square of the singular value by which samples are weighed as a rule: one on a grid, for normalised maps.
    Pruessmann et al., Advances in sensitivity encoding with arbitrary k-space trajectories, Magnetic Resonance in
    Medicine 46 (2001).

    Returns:
        of the operator's domain.

    Raises:
        InputError: the weight is not positive.
    """
    A = problem.operator
    normal = _positive(weight) * _typical(A) ** 2 * Identity(A.domain_shape) + A.gram
    return normal.solve(problem.zero_filled, tol=1e-5, max_iter=200, preconditioner=normal.preconditioner)


def l1_wavelet(problem: Problem, weight: float = 1e-3, iterations: int = 50) -> Tensor:
    """Least squares with an l1 penalty on Daubechies-4 wavelet coefficients, by SigPy.

    Lustig et al., Sparse MRI, Magnetic Resonance in Medicine 58 (2007).

    Returns:
        ``(H, W)``.

    Raises:
        InputError: the problem has several images, or the weight is not positive.
    """
    from sigpy.linop import Wavelet
    from sigpy.prox import L1Reg, UnitaryTransform

    shape = _of_one_image(problem)
    W = Wavelet(shape, wave_name="db4")
    return _split(problem, weight, iterations, lambda w: UnitaryTransform(L1Reg(W.oshape, w), W), Identity(shape))


def total_variation(problem: Problem, weight: float = 1e-3, iterations: int = 50) -> Tensor:
    """Least squares with a penalty on anisotropic total variation, by SigPy.

    Block et al., Undersampled radial MRI with multiple coils, Magnetic Resonance in Medicine 57 (2007).

    Returns:
        ``(H, W)``.

    Raises:
        InputError: the problem has several images, or the weight is not positive.
    """
    from sigpy.linop import FiniteDifference
    from sigpy.prox import L1Reg

    shape = _of_one_image(problem)
    G = FiniteDifference(shape)
    rows, columns = (2 - 2 * torch.cos(2 * torch.pi * torch.arange(n, dtype=torch.float64) / n) for n in shape)
    of_differences = Circulant(shape, rows[:, None] + columns, (-2, -1))
    return _split(problem, weight, iterations, lambda w: L1Reg(G.oshape, w), of_differences, G=G)


def _split(
    problem: Problem,
    weight: float,
    iterations: int,
    penalty: Callable[[float], Any],
    gram: LinearOperator,
    **options: Any,
) -> Tensor:
    """The alternating direction method of multipliers (Boyd et al., Foundations and Trends in Machine Learning 3,
    2011), whose least squares are solved by conjugate gradients with a circulant preconditioner: first-order steps that
    know |A| alone take thousands where maps are smooth or samples uneven.

    Args:
        problem: of one image.
        weight: of the penalty.
        iterations: of the method.
        penalty: SigPy's, by its weight.
        gram: Gᴴ G of the G whose result is penalised.
        options: of SigPy's app.
    """
    from sigpy.app import LinearLeastSquares

    norm = problem.operator.norm_bound()
    w = _positive(weight) * (_typical(problem.operator) / norm) ** 2
    rho = _SPLIT * w
    unit = float(problem.zero_filled.abs().max()) / norm**2
    A, y = (1 / norm) * problem.operator, (problem.y / (norm * unit)).numpy()
    system = A.gram + rho * gram + rho * _REGULAR * Identity(A.domain_shape)
    P = None if system.preconditioner is None else to_sigpy(system.preconditioner)
    options |= {"rho": rho, "P": P, "max_cg_iter": _INNER, "max_iter": iterations, "show_pbar": False}
    app = LinearLeastSquares(to_sigpy(A), y, proxg=penalty(w), solver="ADMM", **options)
    return torch.from_numpy(app.run()) * unit


@dataclass(frozen=True)
class Best:
    """A method at the weight that suits the truth best: an oracle's choice, which flatters the method."""

    weight: float
    image: Complex
    psnr: float


def best_by_truth(method: Callable[[float], Complex], weights: Iterable[float], truth: NDArray[Any]) -> Best:
    """The weight with the highest PSNR, as in ``best_by_truth(of_every_slice(l1_wavelet, cases), SPARSE_WEIGHTS,
    truth)``.

    Raises:
        InputError: there are no weights to try.
    """
    tried = [Best(float(w), image := method(float(w)), psnr(truth, image)) for w in weights]
    if not tried:
        raise InputError("There are no weights to choose the best from.")
    return max(tried, key=lambda best: best.psnr)


def _typical(A: LinearOperator) -> float:
    return A.norm_bound() * A.evenness()


def _of_one_image(problem: Problem) -> tuple[int, int]:
    match problem.operator.domain_shape:
        case (height, width):
            return height, width
        case shape:
            raise InputError(
                f"The image's shape is {shape}, but SigPy's penalties are of one image (H, W), seen through one map "
                "set; use cg_sense."
            )


def _positive(weight: float) -> float:
    if not (np.isfinite(weight) and weight > 0):
        raise InputError(f"The weight of a penalty is a positive number, not {weight}.")
    return weight
