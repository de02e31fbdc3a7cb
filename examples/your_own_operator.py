"""An operator of your own: write two functions and two shapes, check them, and solve with it.

The scanner here sees every pixel blurred along rows, which invdiff knows nothing of.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from invdiff import Problem
from invdiff.diffusion import RealImage
from invdiff.methods import fast
from invdiff.operators import LinearOperator, Shape
from invdiff.priors import GaussianPrior
from invdiff.testing import OperatorContract, dot_test


@dataclass(frozen=True, eq=False, repr=False)
class Blur(LinearOperator):
    """The mean of each pixel and its right neighbour; the last column has none."""

    shape: Shape
    symbol = "B"
    preserves_reals = True

    @property
    def domain_shape(self) -> Shape:
        return self.shape

    @property
    def codomain_shape(self) -> Shape:
        return (*self.shape[:-1], self.shape[-1] - 1)

    def forward(self, x: Tensor) -> Tensor:
        return (x[..., 1:] + x[..., :-1]) / 2

    def adjoint(self, y: Tensor) -> Tensor:
        pad = torch.nn.functional.pad
        return (pad(y, (1, 0)) + pad(y, (0, 1))) / 2


class TestBlur(OperatorContract):
    """What pytest would run: fifteen tests of the contract."""

    def operator(self) -> LinearOperator:
        return Blur((3, 5))


def main() -> None:
    A = Blur((8, 8))
    dot_test(A)  # <A x, y> = <x, Aᴴ y>, or an AssertionError with both numbers
    print(f"{A!r} has norm {A.norm():.4f}; its gram prints as {A.gram!r}")

    torch.manual_seed(0)
    truth = 0.2 * torch.randn(8, 8, dtype=torch.float64)
    y = A(truth) + 0.01 * torch.randn(8, 7, dtype=torch.float64)
    prior = GaussianPrior(torch.zeros(1, 8, 8, dtype=torch.float64), torch.full((1, 8, 8), 0.04, dtype=torch.float64))
    posterior = fast(signal=RealImage())(Problem(A, y, noise_std=0.01), prior, samples=4)
    unseen = torch.linalg.vector_norm(A(posterior.mean) - y) / torch.linalg.vector_norm(y)
    print(f"the mean of {len(posterior.samples)} samples leaves {unseen:.1%} of the measurement unexplained")


if __name__ == "__main__":
    main()
