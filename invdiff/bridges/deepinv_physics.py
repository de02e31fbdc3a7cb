"""Operators as physics of the deepinv library, which this module imports."""

from deepinv.physics import LinearPhysics
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import LinearOperator, Shape


class OperatorPhysics(LinearPhysics):  # type: ignore[misc] # deepinv carries no types
    """An operator between real arrays as a ``deepinv.physics.LinearPhysics``. Build it by `to_deepinv`.

    Args:
        operator: of real arrays.
        image: the shape of an image there: the operator's domain, or that after one channel.
        measurement: the shape of a measurement there, likewise.
    """

    def __init__(self, operator: LinearOperator, image: Shape, measurement: Shape) -> None:
        super().__init__(img_size=image)
        self.operator, self.measurement_size = operator, measurement

    def A(self, x: Tensor) -> Tensor:
        """A x, ``(B, *image)`` to ``(B, *measurement)``."""
        return _applied(self.operator, x, self.img_size, self.measurement_size)

    def A_adjoint(self, y: Tensor) -> Tensor:
        """Aᴴ y, ``(B, *measurement)`` to ``(B, *image)``."""
        return _applied(self.operator.H, y, self.measurement_size, self.img_size)

    def A_adjoint_A(self, x: Tensor) -> Tensor:
        """Aᴴ A x, ``(B, *image)``."""
        return _applied(self.operator.gram, x, self.img_size, self.img_size)


def _applied(operator: LinearOperator, x: Tensor, taken: Shape, made: Shape) -> Tensor:
    batch = x.shape[: max(0, x.ndim - len(taken))]  # none in `compute_norm`
    if x.shape != batch + taken:
        raise InputError(f"{operator!r} takes real arrays (B, {', '.join(map(str, taken))}) but got {tuple(x.shape)}.")
    return operator(x.reshape(*batch, *operator.domain_shape)).reshape(*batch, *made)
