"""Density compensation: weights by which the adjoint of a trajectory comes near to its inverse.

They are for images to look at and to start from. A data term that is weighed so takes well measured samples for badly
measured ones: there every sample counts by its noise.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.base import size
from invdiff.operators.non_uniform_fourier import NonUniformFourier


def pipe(transform: NonUniformFourier, iterations: int = 30) -> Tensor:
    """The weights w at which K w is one, by w <- w / K w (Pipe & Menon, Magnetic Resonance in Medicine 41, 1999).

    K w convolves with what the field of view makes of a point, squared, so that it is positive: the transform of the
    field of view's autocorrelation (Johnson & Pipe, Magnetic Resonance in Medicine 61, 2009).

    Args:
        transform: of the image.
        iterations: each takes a transform of twice the image's size and its adjoint.

    Returns:
        float64 ``(*frames, samples)``, positive, one at the points of the grid; on the device of the points.

    Raises:
        InputError: ``iterations`` is not positive.
    """
    if iterations < 1:
        raise InputError(f"pipe takes at least one iteration but was given {iterations}.")
    lags = NonUniformFourier(transform.points, tuple(2 * n for n in transform.shape), transform.eps)
    autocorrelation = torch.ones((), dtype=torch.float64)
    for n in transform.shape:
        autocorrelation = autocorrelation[..., None] * (2 - 2 * torch.arange(-n, n, dtype=torch.float64).abs() / n)
    autocorrelation = autocorrelation.to(transform.points.device)
    weights = torch.ones(transform.codomain_shape, dtype=torch.float64, device=transform.points.device)
    for _ in range(iterations):
        weights = weights / lags.forward(autocorrelation * lags.adjoint(weights)).real
    return weights


def voronoi(transform: NonUniformFourier) -> Tensor:
    """The share of k-space that is nearest to each sample, times the number of pixels: one at the points of the grid
    (Rasche et al., IEEE Transactions on Medical Imaging 18, 1999).

    Samples at one point share its part. At the rim, where cells leave what the samples enclose, they have the largest
    part of a cell that doesn't.

    Args:
        transform: of images of two or three dimensions.

    Returns:
        float64 ``(*frames, samples)``, positive, on the device of the points.

    Raises:
        InputError: images have one dimension, or the points of a frame enclose nothing, or no cell is closed.
    """
    if len(transform.shape) < 2:
        raise InputError("voronoi divides k-space of two or three dimensions; use pipe.")
    points = transform.points.cpu().reshape(-1, *transform.points.shape[-2:]).numpy()
    parts = np.stack([_parts(of_frame) for of_frame in points]) * size(transform.shape)
    return torch.from_numpy(parts).reshape(transform.codomain_shape).to(transform.points.device)


def _parts(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The volume of k-space nearest to each of the points of a frame, (samples,)."""
    from scipy.spatial import ConvexHull, Delaunay, QhullError, Voronoi

    places, place_of, shared_by = np.unique(points.round(10), axis=0, return_inverse=True, return_counts=True)
    try:
        cells = Voronoi(places)
        enclosed = Delaunay(places[ConvexHull(places).vertices])
    except (QhullError, ValueError) as error:
        raise InputError("The points of a frame enclose no part of k-space that can be divided; use pipe.") from error
    within = enclosed.find_simplex(cells.vertices) >= 0
    volumes = np.zeros(len(places))
    for place, region in enumerate(cells.point_region):
        corners = cells.regions[region]
        if -1 not in corners and within[corners].all():  # -1: a corner at infinity
            volumes[place] = ConvexHull(cells.vertices[corners]).volume
    if not volumes.any():
        raise InputError("The points of a frame are so few that each one's part of k-space is open; use pipe.")
    volumes[volumes == 0] = volumes.max()
    shares: NDArray[np.float64] = (volumes / shared_by)[place_of.reshape(-1)]
    return shares
