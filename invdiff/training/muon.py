"""Muon: momentum with its directions made equally strong."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

STEPS, A, B, C = 5, 3.4445, -4.7750, 2.0315


def orthogonalised(matrix: Tensor) -> Tensor:
    """About U Vᵀ of ``matrix`` = U S Vᵀ, by the Newton-Schulz iteration of Jordan et al. 2024 (singular values end
    between about 0.7 and 1.2)."""
    x = matrix / (torch.linalg.matrix_norm(matrix) + 1e-7)
    x = x.mT if matrix.shape[0] > matrix.shape[1] else x
    for _ in range(STEPS):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    result: Tensor = x.mT if matrix.shape[0] > matrix.shape[1] else x
    return result


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural
    networks"), at the root mean square of Adam's updates (Liu et al. 2025, "Muon is scalable for LLM training").

    A convolution's weight (out, in, height, width) is the matrix (out, in x height x width). ``torch.optim.Muon`` takes
    matrices alone, and rounds them to bfloat16, which few CPUs multiply fast.

    Args:
        params: weights of two axes or more, or groups of them.
        lr: of Adam's size.
        momentum: the part of the earlier gradients that is kept.
    """

    def __init__(self, params: Iterable[Any], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override] # torch types it twice over
        """Move every weight that has a gradient; ``closure`` is not called."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(weight)
                average = state["momentum"]
                average.lerp_(weight.grad, 1 - group["momentum"])
                direction = weight.grad.lerp(average, group["momentum"]).flatten(1)
                size = 0.2 * math.sqrt(max(direction.shape))
                weight.add_(orthogonalised(direction).reshape(weight.shape), alpha=-group["lr"] * size)
