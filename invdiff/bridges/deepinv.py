"""Between this package and deepinv: operators, physics and denoisers of the one in algorithms of the other.

For deepinv's denoisers as priors see `invdiff.priors.from_deepinv`. deepinv is imported where it is needed: that takes
seconds.
"""

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from invdiff.bridges.channels import between_reals
from invdiff.bridges.deepinv_operator import DeepinvOperator, number_of, quiet_copy
from invdiff.bridges.probes import refuse_nonlinear, refuse_wrong_adjoint
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, Shape
from invdiff.priors import Prior

if TYPE_CHECKING:
    from invdiff.bridges.deepinv_physics import OperatorPhysics
    from invdiff.bridges.prior_denoiser import PriorDenoiser


def to_deepinv(A: LinearOperator) -> "OperatorPhysics":
    """An operator as a ``deepinv.physics.LinearPhysics``, for deepinv's optimisers, samplers and checks.

    deepinv's arrays are real and have a batch dimension and a channel dimension. So complex images ``(H, W)`` are
    ``(B, 2, H, W)`` there, real part and imaginary part, and images that are real by definition (of ``real_domain``)
    are ``(B, 1, H, W)``; measurements alike: complex ones ``(coils, samples)`` are ``(B, 2, coils, samples)``, and real
    ones ``(m,)`` are ``(B, 1, m)``. `Channels` goes between them: ``Channels(tuple(y.shape))(y)[None]``.

    The adjoint is exact under the real inner product, and ``A_adjoint_A`` is the gram in the fastest form known. There
    is no noise; ``physics.set_noise_model`` adds some.
    """
    from invdiff.bridges.deepinv_physics import OperatorPhysics

    between = between_reals(A)
    image = (1, *A.domain_shape) if A.real_domain else between.domain_shape
    measurement = (1, *A.codomain_shape) if A.real_codomain else between.codomain_shape
    return OperatorPhysics(between, image, measurement)


def from_deepinv(physics: Any, shape: Shape) -> LinearOperator:
    """A ``deepinv.physics.LinearPhysics`` as an operator on real images: tomography, blur, super-resolution, MRI.

    Measurements have the shape that deepinv gives them, without the batch dimension. Where two channels are real part
    and imaginary part, as in MRI, `Channels` makes the operator one of complex images and measurements:
    ``Channels((H, W)).H @ from_deepinv(physics, (2, H, W)) @ Channels((H, W))``.

    The operator has a copy: what is done to the physics later does not change it. It computes in the physics' precision
    (``physics.double()`` for double) and returns that of its input.

    Args:
        physics: without its noise and sensor model.
        shape: of an image: (C, H, W), or (H, W) for a physics of one channel.

    Raises:
        InputError: the physics is not linear, does not take such images, measures anything but one real array, or its
            adjoint is not one (by more than 1e-3: ask deepinv for the exact one, as by ``Tomography(...,
            adjoint_via_backprop=True)``).
    """
    from deepinv.physics import LinearPhysics

    name = type(physics).__name__
    if not isinstance(physics, LinearPhysics):
        raise InputError(f"Operators are linear, so from_deepinv takes a deepinv LinearPhysics; {name} is none.")
    image = (1, *shape) if len(shape) == 2 else shape
    physics = quiet_copy(physics)
    try:
        with torch.no_grad():
            measured = copy.deepcopy(physics).A(number_of(physics).new_zeros(1, *image))
    except Exception as error:  # libraries refuse a shape in many ways
        raise InputError(f"{name} can't measure images of shape {image}: {' '.join(str(error).split())}") from error
    if not isinstance(measured, Tensor) or measured.is_complex() or measured.shape[:1] != (1,):
        made = (
            f"{measured.dtype} of shape {tuple(measured.shape)}" if isinstance(measured, Tensor) else "several arrays"
        )
        raise InputError(f"from_deepinv takes physics that make one real array of an image, but {name} makes {made}.")
    A = DeepinvOperator(physics, tuple(shape), tuple(measured.shape[1:]))
    refuse_nonlinear(A, number_of(physics), name)
    refuse_wrong_adjoint(
        A, number_of(physics), name, "ask for the exact one, such as Tomography(..., adjoint_via_backprop=True)"
    )
    return A


def as_denoiser(prior: Prior) -> "PriorDenoiser":
    """A prior as a ``deepinv.models.Denoiser``, for deepinv's plug-and-play algorithms.

    It is called with real images ``(B, 1, H, W)``, or ``(B, 2, H, W)`` of real part and imaginary part, as the prior's
    ``channels`` allow, in the prior's units (see `Prior.intensity`), and a noise level in them: a number, or a tensor
    with one for each image. It is where the prior is.

    Raises:
        InputError: the prior knows no images; or, when it is called, the images have other channels, or there are
            neither one level nor as many as images.
    """
    from invdiff.bridges.prior_denoiser import PriorDenoiser

    if prior.domain != "image":
        raise InputError(f"deepinv's denoisers take images, but this prior knows the {prior.domain}; choose another.")
    return PriorDenoiser(prior)
