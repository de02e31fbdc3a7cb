"""A less noisy truth: the same slice as other coils saw it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from invdiff.reconstruction import Cases, ScanCases

SHADING_DEGREE = 4


def shaded(image: NDArray[np.inexact], like: NDArray[np.inexact]) -> NDArray[np.float32]:
    """The magnitude (1, H, W) times the polynomial of the position that brings it nearest to another magnitude."""
    target, height, width = abs(like[0]), *like.shape[1:]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.polynomial.polynomial.polyvander2d(y, x, [SHADING_DEGREE] * 2) * abs(image[0])[..., None]
    seen = target > 0  # within the coil maps
    weights = np.linalg.lstsq(terms[seen], target[seen], rcond=None)[0]
    return (terms @ weights * seen).astype(np.float32)[None]


def with_better_truth(cases: Cases, better: Cases) -> Cases:
    """The same measurement of one slice, held against the other cases' ground truth."""
    assert isinstance(cases, ScanCases)
    assert cases.ground_truth is not None
    assert better.ground_truth is not None
    truth = shaded(better.ground_truth, cases.ground_truth).astype(np.complex64)
    return replace(cases, truth_by=lambda coil_images, maps: truth)
