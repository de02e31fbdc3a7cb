"""Coil maps found from k-space and a known image: smooth changes of maps that are known roughly.

With the image known, the measurement is linear in the maps, and each coil's is the measurement of a SENSE problem whose
"coil map" is the image: y_c = T (x S_c), T being P F or F(k). Ying and Sheng, Joint image reconstruction and
sensitivity estimation in SENSE (JSENSE), Magnetic Resonance in Medicine 57 (2007); maps smooth by a weight in their
k-space as in Uecker et al., Image reconstruction by regularized nonlinear inversion, Magnetic Resonance in Medicine 60
(2008), equation 8.
"""

import torch
from torch import Tensor

from invdiff.operators import Circulant, Identity, LinearOperator, Sensitivities

_ROUGHNESS, _ORDER = 220.0, 16.0  # of the weight (1 + 220 |k|²)^(-16/2), k in cycles a pixel (Uecker 2008)
_CHANGE = 0.3  # of maps of norm one, at low frequencies
_LEAST_NOISE = 1e-4  # of the measurement's root mean square: where there is next to none, smoothness still counts
_TOLERANCE, _AT_MOST = 1e-2, 30  # of conjugate gradients: the image changes too before the next step


def smooth_maps(y: Tensor, transform: LinearOperator, image: Tensor, around: Tensor, noise_std: float) -> Tensor:
    """S with the least sum_c |y_c - T (x S_c)|² / s² + |u_c|² / t², S_c = around_c + W u_c, W smooth, t = 0.3.

    Args:
        y: complex ``(coils, m)``, the samples.
        transform: T, from the image ``(H, W)`` of one coil to its samples ``(m,)``.
        image: x, complex ``(H, W)``, or ``(sets, H, W)`` of several map sets, in the units of ``y``.
        around: complex ``(coils, H, W)`` or ``(sets, coils, H, W)``, of norm one over the coils.
        noise_std: s, of each real number of ``y``.

    Returns:
        maps of the shape of ``around``.
    """
    size = float(y.abs().max()) or 1.0  # squares of large numbers overflow
    y, x = y[:, None] / size, image / size
    s = max(noise_std / size, _LEAST_NOISE * float(y.abs().square().mean().sqrt()))
    seen = transform @ Sensitivities(x.unsqueeze(-3))  # of one coil's map; the coils are a batch
    squares = [torch.fft.fftfreq(n, device=y.device).square() for n in image.shape[-2:]]
    weight = (1 + _ROUGHNESS * (squares[0][:, None] + squares[1])) ** (-_ORDER / 2)
    W = Circulant(seen.domain_shape, weight.to(x.dtype.to_real()), (-2, -1))
    A = seen @ W
    start = around.transpose(0, 1) if image.ndim == 3 else around
    rest = A.H(y - seen(start))
    u = ((s / _CHANGE) ** 2 * Identity(A.domain_shape) + A.gram).solve(rest, tol=_TOLERANCE, max_iter=_AT_MOST)
    found = start + W(u)
    return (found.transpose(0, 1) if image.ndim == 3 else found).contiguous()


def orthonormal(maps: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
    """The same coil images by maps that are orthonormal at each pixel: S = Q R with R = (Sᴴ S)^(1/2), x' = R x.

    Only products of maps and image are measured. Of all maps that give them these are nearest to S (the polar
    decomposition), and the root of the images' sum of squares is that of the coil images.

    Args:
        maps: S, complex ``(coils, H, W)`` or ``(sets, coils, H, W)``.
        image: x, complex ``(H, W)`` or ``(sets, H, W)``.

    Returns:
        Q, zero where S is, and R x.
    """
    if maps.ndim == 3:
        norm = torch.linalg.vector_norm(maps, dim=0)
        return maps / torch.where(norm > 0, norm, 1), norm * image
    pixels = maps.permute(2, 3, 1, 0)  # (H, W, coils, sets)
    left, values, right = torch.linalg.svd(pixels, full_matrices=False)
    root = right.mH @ (values[..., None] * right)
    turned = (root @ image.permute(1, 2, 0)[..., None])[..., 0]
    Q = (left @ right) * (values[..., :1, None] > 0)
    return Q.permute(3, 2, 0, 1).contiguous(), turned.permute(2, 0, 1).contiguous()
