"""What was measured."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators import Diagonal, Identity, LinearOperator, Nothing
from invdiff.operators.arrays import Array, as_tensor
from invdiff.operators.base import in_precision_of
from invdiff.operators.inner_solve import Converged
from invdiff.operators.remembered import remembered
from invdiff.operators.trace import Trace


@dataclass(frozen=True)
class Problem:
    """``y = A x + noise``: one image to reconstruct, a real one where A takes real arrays.

    NumPy arrays are taken where tensors are.

    Args:
        operator: A, from the image to the measurement.
        y: the measurement, exactly of shape ``operator.codomain_shape``, in the scanner's own units.
        noise_std: standard deviation of the noise in each real number of ``y`` (so of the real and of the imaginary
            part), in the units of ``y``; ``None`` where unknown.
        scale: the image's intensity that a prior should see as one; ``None`` to estimate it from ``y``.
        initial: an image known beforehand, of shape ``operator.domain_shape`` and in the units of ``y``, that a
            `LateStart` can begin from.

    Attributes:
        largest: the largest magnitude in ``y``; zero where nothing was measured.

    Raises:
        InputError: a shape is wrong, ``y`` or ``initial`` is no array in single or double precision or holds NaN or
            infinity, ``y`` holds nothing but zeros, or a number is not positive.
    """

    operator: LinearOperator
    y: Tensor = field(repr=False)
    noise_std: float | None = None
    scale: float | None = None
    initial: Tensor | None = field(default=None, repr=False)
    largest: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "y", as_tensor(self.y, "A Problem"))
        if self.initial is not None:
            object.__setattr__(self, "initial", as_tensor(self.initial, "A Problem"))
        magnitude = self.y.abs()
        if not bool(torch.isfinite(magnitude).all()):
            raise InputError("The measurement holds NaN or infinity; remove those samples from the mask.")
        object.__setattr__(self, "largest", float(magnitude.detach().max()) if self.is_measured else 0.0)
        self._check()

    def _check(self) -> None:
        """Refuse what takes no pass over the measurement, which may be large: of copies it is known to be finite."""
        if tuple(self.y.shape) != self.operator.codomain_shape:
            raise InputError(
                f"The measurement has shape {tuple(self.y.shape)} but {self.operator!r} makes "
                f"{self.operator.codomain_shape}."
            )
        if self.is_measured:
            largest = float(torch.tensor(self.largest, dtype=self.y.dtype.to_real()))  # as the precision of y has it
            if not largest < float("inf"):
                raise InputError(f"The measurement is too large for {self.y.dtype} in these units; give another scale.")
            if largest == 0:
                raise InputError("The measurement is zero everywhere, so there is nothing to reconstruct.")
        if self.noise_std is not None and not 0 <= self.noise_std < float("inf"):
            raise InputError(f"noise_std is a standard deviation, zero or more, but got {self.noise_std}.")
        if self.scale is not None and not 0 < self.scale < float("inf"):
            raise InputError(f"scale is a positive intensity but got {self.scale}.")
        if self.initial is not None and tuple(self.initial.shape) != self.operator.domain_shape:
            raise InputError(
                f"The initial image has shape {tuple(self.initial.shape)} but {self.operator!r} takes "
                f"{self.operator.domain_shape}."
            )
        if self.initial is not None and not bool(torch.isfinite(self.initial.abs()).all()):
            raise InputError("The initial image holds NaN or infinity.")

    def _copy(self, **changes: Any) -> "Problem":
        """The same problem but for some attributes; its measurement is not looked through again."""
        made = object.__new__(type(self))
        vars(made).update({each.name: getattr(self, each.name) for each in fields(self)} | changes)
        made._check()
        return made

    @classmethod
    def unmeasured(
        cls,
        shape: tuple[int, ...],
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> "Problem":
        """An image of which nothing was measured, in the prior's own units: the posterior is the prior.

        Its ``y`` is empty and of ``dtype``, real or complex: states have its precision.

        Args:
            shape: of the image.
            dtype: of the empty ``y``.
            device: where it is.

        Raises:
            InputError: a side of the shape is not positive.
        """
        if not shape or min(shape) < 1:
            raise InputError(f"An image has at least one pixel along each side, but the shape is {tuple(shape)}.")
        return cls(Nothing(tuple(shape)), torch.zeros(0, dtype=dtype, device=device), scale=1.0)

    @property
    def is_measured(self) -> bool:
        """Whether there is any measurement."""
        return self.y.numel() > 0

    @remembered
    def zero_filled(self) -> Tensor:
        """Aᴴ y: what was not measured is zero."""
        return self.operator.H(self.y)

    @remembered
    def normal(self) -> "Problem":
        """The same problem in units in which the largest number of ``y`` is one."""
        return self.rescaled(self.largest)

    def to(self, device: torch.device | str) -> "Problem":
        """The same problem on another device."""
        initial = None if self.initial is None else self.initial.to(device)
        return self._copy(operator=self.operator.to(device), y=self.y.to(device), initial=initial)

    def with_scale(self, scale: float) -> "Problem":
        """The same problem, of an image whose intensity of ``scale`` a prior should see as one.

        Raises:
            InputError: it is not positive.
        """
        return self._copy(scale=scale)

    def with_noise_std(self, noise_std: float) -> "Problem":
        """The same problem, with noise of that standard deviation in each real number of ``y``.

        Raises:
            InputError: it is negative.
        """
        return self._copy(noise_std=noise_std)

    def whitened(self, noise_std: Array) -> "Problem":
        """The same problem, with noise of a standard deviation of its own in each sample: samples and the rows of the
        operator are weighed by the least standard deviation over their own, so that all have the least.

        Where noise is uncorrelated in another domain, that of a unitary U, whiten ``Problem(U @ operator, U(y))``.

        Args:
            noise_std: of each real number of ``y``, in the units of ``y``: positive, of a shape that broadcasts to that
                of ``y``. Of noise that varies along k-space, ``A.factors[0](std)`` has the samples that A measures.

        Raises:
            InputError: it does not broadcast to the shape of ``y``, or is not positive and finite everywhere.
        """
        std = as_tensor(noise_std, "Problem.whitened").to(self.y.device)
        lengths = (1,) * (self.y.ndim - std.ndim) + tuple(std.shape)
        if len(lengths) != self.y.ndim or any(n not in (1, m) for n, m in zip(lengths, self.y.shape, strict=True)):
            raise InputError(
                f"The noise's standard deviation has shape {tuple(std.shape)}, which does not broadcast to "
                f"{tuple(self.y.shape)}, that of the measurement; give one for each sample."
            )
        if std.is_complex() or not bool((torch.isfinite(std) & (std > 0)).all()):
            raise InputError(
                "The noise's standard deviation is to be real, positive and finite for each sample; leave those out of "
                "the mask that tell nothing."
            )
        weights = (std.min() / std.double()).to(self.y.dtype.to_real()).expand(self.y.shape).contiguous()
        operator = Diagonal(weights) @ self.operator
        return replace(self, operator=operator, y=weights * self.y, noise_std=float(std.min()))

    def rescaled(self, scale: float) -> "Problem":
        """The same problem in units in which an intensity of ``scale`` is one.

        Raises:
            InputError: the numbers are too large or too small for their precision then.
        """
        made = self._copy(
            y=self.y / scale,
            noise_std=None if self.noise_std is None else self.noise_std / scale,
            scale=1.0,
            initial=None if self.initial is None else self.initial / scale,
            largest=self.largest / scale,
        )
        if "normal" in vars(self):  # Aᴴ y is known in its units, and so in these
            vars(made)["zero_filled"] = self.normal.zero_filled * (self.largest / scale)
        return made

    def observed_by(self, operator: LinearOperator) -> "Problem":
        """The same measurement, as one that ``operator`` makes of another image, of which nothing is known beforehand.

        Raises:
            InputError: it makes measurements of another shape.
        """
        return self._copy(operator=operator, initial=None)

    def gridded(self, weights: Array) -> Tensor:
        """Aᴴ W y in the units of the image: samples off the grid, weighed by the density of their points, zero-filled.

        It is an image to look at, and one that a `LateStart` can begin from as `initial`; data terms never see weights.

        Args:
            weights: real ``(*frames, samples)``, such as `invdiff.operators.pipe` or `voronoi` make; their scale does
                not count.

        Raises:
            InputError: the weights are not those of the last axes of ``y``, or are negative, not finite or all zero.
        """
        weights = as_tensor(weights, "gridded")
        if tuple(weights.shape) != tuple(self.y.shape[self.y.ndim - weights.ndim :]):
            raise InputError(
                f"The weights have shape {tuple(weights.shape)} but the measurement has {tuple(self.y.shape)}; they "
                "must end alike."
            )
        if weights.is_complex() or not bool((weights >= 0).all() and torch.isfinite(weights).all() and weights.any()):
            raise InputError("Weights of samples are real, finite and not negative, and some are not zero.")
        image = self.operator.H(in_precision_of(self.y, weights) * self.y)
        seen = self.operator(image)
        strength = torch.vdot(seen.flatten(), self.y.flatten()).real / seen.abs().square().sum()
        return strength * image

    def least_squares(self, weight: float = 0.01, trace: Trace | None = None) -> Tensor:
        """A quick estimate of the image: (AᴴA + weight |A|² I)⁻¹ Aᴴ y.

        Args:
            weight: of the penalty, free of units.
            trace: told of the conjugate gradients.
        """
        penalty = weight * self.operator.norm_bound() ** 2
        precision = penalty * Identity(self.operator.domain_shape) + self.operator.gram
        return Converged()(precision, self.zero_filled, torch.zeros_like(self.zero_filled), trace or Trace())
