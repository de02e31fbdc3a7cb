"""What a reconstruction without a learned prior achieves: the classical methods to compare with.

Each takes a scan with coil maps and returns complex64 images ``(slices, H, W)`` in the scan's units; the penalties of
SigPy's methods know one map set alone. Weights of the
penalties are free of units: a method gives the same picture for a scan in other units.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.coils import combine_slices, one_image
from invdiff.data.fourier import to_image
from invdiff.data.scan import Scan
from invdiff.errors import InputError
from invdiff.metrics.metrics import psnr

Complex = NDArray[np.complex64]


TIKHONOV_WEIGHTS = tuple(np.geomspace(1e-4, 1e-1, 7).tolist())
SPARSE_WEIGHTS = tuple(np.geomspace(2e-4, 5e-2, 7).tolist())
"""Among which the best by the truth is looked for: of `cg_sense`, and of `l1_wavelet` and `total_variation`."""


def zero_filled(scan: Scan) -> Complex:
    """Aᴴ y, with coils combined by least squares: what was not sampled is zero.

    Raises:
        InputError: the scan has no maps.
    """
    return combine_slices(to_image(scan.kspace), _maps(scan))


def cg_sense(scan: Scan, weight: float = 1e-2) -> Complex:
    """Least squares with a Tikhonov penalty, by conjugate gradients: (Aᴴ A + weight p I) x = Aᴴ y.

    p is the largest squared norm of the maps over coils, one for normalised maps. Pruessmann et al., Advances in
    sensitivity encoding with arbitrary k-space trajectories, Magnetic Resonance in Medicine 46 (2001).

    Raises:
        InputError: the scan has no maps, or the weight is not positive.
    """
    import torch

    from invdiff.operators import Identity, sense

    maps = _maps(scan)
    mask = torch.tensor(scan.sampled)
    penalty = _positive(weight) * _power(maps)
    images = []
    for y, s in zip(scan.kspace, maps, strict=True):
        A = sense(mask, torch.tensor(s))
        normal = penalty * Identity(A.domain_shape) + A.gram
        images.append(normal.solve(A.H(torch.tensor(y)[:, mask]), tol=1e-5, max_iter=200).numpy())
    return np.stack(images) if maps.ndim == 4 else one_image(np.stack(images))


def l1_wavelet(scan: Scan, weight: float = 1e-3, iterations: int = 100) -> Complex:
    """Least squares with an l1 penalty on Daubechies-4 wavelet coefficients, by SigPy.

    The penalty's weight is in units of the largest magnitude of the zero-filled image. Lustig et al., Sparse MRI,
    Magnetic Resonance in Medicine 58 (2007).

    Raises:
        InputError: the scan has no maps or several sets of them, or the weight is not positive.
    """
    from sigpy.mri.app import L1WaveletRecon

    # FISTA's step size, known because the maps' norm is: SigPy would estimate it from unseeded random numbers.
    return _sigpy(L1WaveletRecon, scan, weight, lambda power: {"alpha": 1 / power, "max_iter": iterations})


def total_variation(scan: Scan, weight: float = 1e-3, iterations: int = 200) -> Complex:
    """Least squares with a penalty on anisotropic total variation, by SigPy.

    The penalty's weight is in units of the largest magnitude of the zero-filled image. Block et al., Undersampled
    radial MRI with multiple coils, Magnetic Resonance in Medicine 57 (2007).

    Raises:
        InputError: the scan has no maps or several sets of them, or the weight is not positive.
    """
    from sigpy.mri.app import TotalVariationRecon

    # The primal-dual step: 8 bounds the squared norm of finite differences in two dimensions.
    return _sigpy(TotalVariationRecon, scan, weight, lambda p: {"tau": 1 / (p + 8), "sigma": 1, "max_iter": iterations})


def _sigpy(app: Any, scan: Scan, weight: float, options: Callable[[float], dict[str, Any]]) -> Complex:
    """Both sides share the centred orthonormal transform. Slices are scaled to a zero-filled image of largest
    magnitude one.
    """
    _positive(weight)
    if _maps(scan).ndim > 4:
        raise InputError(f"{scan.name} has several map sets, but SigPy's methods take one; use cg_sense.")
    maps, weights = _maps(scan), scan.sampled.astype(np.float32)
    scales = np.abs(zero_filled(scan)).max(axis=(1, 2))
    images = []
    for y, s, scale in zip(scan.kspace, maps, scales, strict=True):
        power = _power(s)
        if scale == 0:
            images.append(np.zeros(scan.image_shape, np.complex64))
            continue
        run = app(y / scale, s, weight * power, weights=weights, show_pbar=False, **options(power)).run()
        images.append((run * scale * s.any(axis=0)).astype(np.complex64))  # no data speaks of pixels without maps
    return np.stack(images)


@dataclass(frozen=True)
class Best:
    """A method at the weight that suits the truth best: an oracle's choice, which flatters the method."""

    weight: float
    image: Complex
    psnr: float


def best_by_truth(method: Callable[[float], Complex], weights: Iterable[float], truth: NDArray[Any]) -> Best:
    """The weight with the highest PSNR, as in ``best_by_truth(partial(l1_wavelet, scan), np.geomspace(1e-4, 1e-1, 10),
    truth)``.

    Raises:
        InputError: there are no weights to try.
    """
    tried = [Best(float(w), image := method(float(w)), psnr(truth, image)) for w in weights]
    if not tried:
        raise InputError("There are no weights to choose the best from.")
    return max(tried, key=lambda best: best.psnr)


def _maps(scan: Scan) -> Complex:
    if scan.maps is None:
        raise InputError(f"{scan.name} has no coil maps; estimate them first (invdiff.data.estimate_maps).")
    return scan.maps


def _power(maps: Complex) -> float:
    return float((np.abs(maps) ** 2).sum(axis=-3).max())


def _positive(weight: float) -> float:
    if not (np.isfinite(weight) and weight > 0):
        raise InputError(f"The weight of a penalty is a positive number, not {weight}.")
    return weight
