"""a I + b Aᴴ A: the positive operators of guidance, split Gibbs and Tikhonov."""

import math
from typing import Any

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import Array, as_tensor
from invdiff.operators.base import LinearOperator, NoiseSource, Shape
from invdiff.operators.endomorphism import Endomorphism
from invdiff.operators.frozen import Frozen
from invdiff.operators.gram import Gram
from invdiff.operators.identity import Identity
from invdiff.operators.rules import SUM
from invdiff.operators.scaled import Scaled, ScaledIdentity
from invdiff.operators.structure import Structure


class Regularised(Endomorphism, Frozen):
    """a I + b G for a gram G = Aᴴ A and real a, b. Build it as ``a * I + b * A.gram``.

    `solve` runs conjugate gradients with one gram an iteration; `sample` perturbs and solves (Papandreou & Yuille
    2010).
    """

    shift: float
    weight: float
    gram_operator: Gram

    @property
    def domain_shape(self) -> Shape:
        return self.gram_operator.domain_shape

    @property
    def structure(self) -> Structure:
        return Structure.POSITIVE if self.shift >= 0 and self.weight >= 0 else Structure.SELF_ADJOINT

    @property
    def is_positive_definite(self) -> bool:
        return self.shift > 0 and self.weight >= 0

    @property
    def real_domain(self) -> bool:
        return self.gram_operator.real_domain

    @property
    def preserves_reals(self) -> bool:
        return self.gram_operator.preserves_reals

    @property
    def is_complex_linear(self) -> bool:
        return self.gram_operator.is_complex_linear

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * self.gram_operator.forward(x) + self.shift * x

    def adjoint(self, y: Tensor) -> Tensor:
        return self.forward(y)

    def nearest_circulant(self) -> LinearOperator | None:
        nearest = self.gram_operator.nearest_circulant()
        return None if nearest is None else self.shift * Identity(self.domain_shape) + self.weight * nearest

    def _solve(
        self,
        b: Tensor,
        *,
        initial: Array | None = None,
        preconditioner: LinearOperator | None = None,
        **options: Any,
    ) -> Tensor:
        # with a largest weight of one nothing overflows, however much the data count
        size = max(abs(self.shift), abs(self.weight))
        if size in (0.0, 1.0):
            return super()._solve(b, initial=initial, preconditioner=preconditioner, **options)
        scaled = Regularised(self.shift / size, self.weight / size, self.gram_operator)
        start = None if initial is None else size * as_tensor(initial, self)
        nearer = None if preconditioner is None else size * preconditioner
        return scaled._solve(b, initial=start, preconditioner=nearer, **options) / size

    def sample(self, noise: NoiseSource) -> Tensor:
        if not self.is_positive_definite:
            raise InputError(f"{self!r} is not positive definite, so no normal distribution has it as its precision.")
        root = self.gram_operator.root
        of_state, of_data = noise(self.domain_shape), noise(root.codomain_shape)
        if root.real_codomain:
            of_data = of_data.real
        elif root.real_domain:
            of_data = torch.complex(of_data, noise(root.codomain_shape))
        return self.solve(math.sqrt(self.shift) * of_state + math.sqrt(self.weight) * root.adjoint(of_data))

    def __repr__(self) -> str:
        return f"{self.shift:.4g} I + {self.weight:.4g} {self.gram_operator!r}"


@SUM.rule(ScaledIdentity, Gram, "a I + Aᴴ A = a I + Aᴴ A, which solves and samples")
def _(left: ScaledIdentity, right: Gram) -> LinearOperator | None:
    return Regularised(left.scale, 1.0, right) if isinstance(left.scale, float) else None


@SUM.rule(ScaledIdentity, Scaled, "a I + b Aᴴ A = a I + b Aᴴ A, which solves and samples")
def _(left: ScaledIdentity, right: Scaled) -> LinearOperator | None:
    gram = right.operator
    if isinstance(gram, Gram) and isinstance(left.scale, float) and isinstance(right.scale, float):
        return Regularised(left.scale, right.scale, gram)
    return None


@SUM.rule(ScaledIdentity, Regularised, "a I + (b I + c Aᴴ A) = (a + b) I + c Aᴴ A")
def _(left: ScaledIdentity, right: Regularised) -> LinearOperator | None:
    return (
        Regularised(left.scale + right.shift, right.weight, right.gram_operator)
        if isinstance(left.scale, float)
        else None
    )
