"""Problems whose posterior is known in full."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from invdiff.data.coils import birdcage_maps
from invdiff.data.masks import random_lines
from invdiff.operators import LinearOperator, denoising, fourier, inpainting, sense
from invdiff.problem import Problem
from invdiff.verification.coordinates import coordinates, from_coordinates, matrix
from invdiff.verification.exact_priors import PRIORS, SIDE
from invdiff.verification.mixture import Mixture
from invdiff.verification.parts_alike import PartsAlike

SHAPE = (SIDE, SIDE)


@dataclass(frozen=True)
class ExactProblem:
    """A kind of measurement of images from a prior, of which any number can be made.

    Args:
        prior: a name of `PRIORS`.
        operator: a name of `OPERATORS`.
        noise_std: of each real number of the measurement, in the units of the images, whose white is one.
    """

    prior: str
    operator: str
    noise_std: float

    def __str__(self) -> str:
        return f"{self.prior}, {self.operator}, {self.noise_std:g}"

    def posed(self, case: int, seed: int = 0) -> "Posed":
        """One of them: an image drawn from the prior, measured with noise; the same for the same numbers."""
        return _posed(self, case, seed)


@dataclass(frozen=True, eq=False)
class Posed:
    """A measurement, and all that can be known of its image.

    Attributes:
        prior: what the image was drawn from.
        problem: what was measured, in double precision.
        posterior: of the image, in coordinates.
        gram: AᵀA in coordinates, ``(d, d)``.
    """

    prior: PartsAlike = field(repr=False)
    problem: Problem
    posterior: Mixture = field(repr=False)
    gram: Tensor = field(repr=False)

    @cached_property
    def axes(self) -> "Axes":
        """Principal axes of the posterior among what was measured and among what was not."""
        strengths, vectors = torch.linalg.eigh(self.gram)
        is_seen = strengths > _SEEN * strengths[-1]
        seen, unseen = (self._principal(vectors[:, chosen]) for chosen in (is_seen, ~is_seen))
        return Axes(torch.cat([seen, unseen], 1), seen.shape[1])

    def _principal(self, basis: Tensor) -> Tensor:
        axes: Tensor = basis @ torch.linalg.eigh(basis.T @ self.posterior.covariance @ basis).eigenvectors
        return axes


@dataclass(frozen=True, eq=False)
class Axes:
    """Orthonormal directions of the image.

    Attributes:
        directions: ``(d, d)``, a column each, those that were measured first.
        measured: how many were measured.
    """

    directions: Tensor = field(repr=False)
    measured: int


_SEEN = 0.01  # of AᵀA's largest eigenvalue: what is seen a tenth as strongly as the best is barely seen


def _pixels() -> LinearOperator:
    return inpainting(torch.rand(SHAPE, generator=torch.Generator().manual_seed(3)) < 0.5)


def _lines() -> Tensor:
    return torch.from_numpy(random_lines(SHAPE, 2, 0.25, seed=0))


def _sparse_lines() -> Tensor:
    return torch.from_numpy(random_lines(SHAPE, 4, 0.25, seed=0))


OPERATORS: dict[str, Callable[[], LinearOperator]] = {
    "denoise": lambda: denoising(SHAPE),
    "inpainting": _pixels,
    "fourier": lambda: fourier(_lines()),
    "sense": lambda: sense(_sparse_lines(), torch.from_numpy(birdcage_maps(3, SHAPE)).to(torch.complex128)),
}
"""What is measured: every pixel, half of them, half of the lines of k-space, a quarter of them by three coils."""

NOISE = (0.03, 0.3)
"""Little noise, and much, of each real number."""

FULL = tuple(ExactProblem(prior, operator, s) for prior in PRIORS for operator in OPERATORS for s in NOISE)
"""Every prior with every operator and both levels of noise."""

SHORT = (
    ExactProblem("diagonal", "denoise", 0.3),
    ExactProblem("diagonal", "inpainting", 0.03),
    ExactProblem("circulant", "fourier", 0.03),
    ExactProblem("circulant", "sense", 0.3),
    ExactProblem("mixture", "fourier", 0.3),
    ExactProblem("mixture", "sense", 0.03),
    ExactProblem("modes", "inpainting", 0.3),
)
"""A few of them, among which each prior, operator and level of noise is."""


@lru_cache(maxsize=256)
def _posed(kind: ExactProblem, case: int, seed: int) -> Posed:
    prior, operator = PRIORS[kind.prior](), OPERATORS[kind.operator]()
    images, A = Mixture(*prior.components()), matrix(operator)
    generator = torch.Generator().manual_seed(1_000_003 * seed + case)
    image = images.draw(1, generator)[0]
    y = A @ image + kind.noise_std * torch.randn(len(A), dtype=torch.float64, generator=generator)
    measured = from_coordinates(y, operator.codomain_shape)
    return Posed(
        prior,
        Problem(operator, measured, kind.noise_std),
        images.given(A, coordinates(measured, len(operator.codomain_shape)), kind.noise_std),
        A.T @ A,
    )
