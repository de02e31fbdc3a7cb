"""NCSN++'s parts once more, in plain NumPy: loops, explicit zeros, nothing shared with the package."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]


class Plain:
    """Images are (channels, height, width). ``state`` holds weights by name, as in a checkpoint."""

    def __init__(self, state: dict[str, Array], divisor: float = np.sqrt(2)) -> None:
        self.state, self.divisor = state, divisor

    @classmethod
    def of(cls, module: nn.Module, **options: float) -> "Plain":
        return cls({name: tensor.double().numpy() for name, tensor in module.state_dict().items()}, **options)

    @staticmethod
    def silu(x: Array) -> Array:
        return x / (1 + np.exp(-x))

    @staticmethod
    def resample(x: Array, taps: Array, up: int, down: int, before: int, after: int) -> Array:
        """Zeros after every pixel, padding, true convolution with the separable filter, every ``down``-th pixel."""
        channels, height, width = x.shape
        stretched = np.zeros((channels, height * up, width * up))
        stretched[:, ::up, ::up] = x
        padded = np.pad(stretched, ((0, 0), (before, after), (before, after)))
        size = len(taps)
        kernel = np.outer(taps, taps) / taps.sum() ** 2 * up**2
        rows, columns = padded.shape[1] - size + 1, padded.shape[2] - size + 1
        result = np.zeros((channels, rows, columns))
        for i in range(size):
            for j in range(size):
                shifted = padded[:, size - 1 - i :, size - 1 - j :][:, :rows, :columns]
                result += kernel[i, j] * shifted
        return result[:, ::down, ::down]

    taps = np.array([1.0, 3.0, 3.0, 1.0])

    def up(self, x: Array) -> Array:
        return self.resample(x, self.taps, 2, 1, 2, 1)

    def down(self, x: Array) -> Array:
        return self.resample(x, self.taps, 1, 2, 1, 1)

    def blur(self, x: Array) -> Array:
        return self.resample(x, self.taps, 1, 1, 2, 2)

    @staticmethod
    def repeat(x: Array) -> Array:
        """Each pixel becomes four."""
        grown = np.zeros((len(x), 2 * x.shape[1], 2 * x.shape[2]))
        for i in range(2):
            for j in range(2):
                grown[:, i::2, j::2] = x
        return grown

    @staticmethod
    def mean(x: Array) -> Array:
        """Four pixels become one; of an odd side the last is left out."""
        height, width = x.shape[1] // 2, x.shape[2] // 2
        return sum(x[:, i : i + 2 * height : 2, j : j + 2 * width : 2] for i in range(2) for j in range(2)) / 4

    def strided(self, name: str, x: Array) -> Array:
        """A convolution of stride 2 with a row and column of zeros after the last."""
        return self.conv(name, np.pad(x, ((0, 0), (0, 1), (0, 1))), stride=2, padding=0)

    def conv(self, name: str, x: Array, stride: int = 1, padding: int | None = None, dilation: int = 1) -> Array:
        weight, bias = self.state[f"{name}.weight"], self.state.get(f"{name}.bias", 0.0)
        if dilation > 1:  # the same as zeros between its taps
            spread = np.zeros((*weight.shape[:2], 2 * dilation + 1, 2 * dilation + 1))
            spread[:, :, ::dilation, ::dilation] = weight
            weight = spread
        size = weight.shape[2]
        around = size // 2 if padding is None else padding
        x = np.pad(x, ((0, 0), (around, around), (around, around)))
        height, width = (x.shape[1] - size) // stride + 1, (x.shape[2] - size) // stride + 1
        result = np.empty((len(weight), height, width))
        for i in range(height):
            for j in range(width):
                patch = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
                result[:, i, j] = (weight * patch).sum((1, 2, 3)) + bias
        return result

    def linear(self, name: str, v: Array) -> Array:
        return self.state[f"{name}.weight"] @ v + self.state[f"{name}.bias"]

    def norm(self, name: str, x: Array) -> Array:
        groups = min(len(x) // 4, 32)
        grouped = x.reshape(groups, -1)
        mean, variance = grouped.mean(1, keepdims=True), grouped.var(1, keepdims=True)
        normal = ((grouped - mean) / np.sqrt(variance + 1e-6)).reshape(x.shape)
        return normal * self.state[f"{name}.weight"][:, None, None] + self.state[f"{name}.bias"][:, None, None]

    def block(self, name: str, x: Array, embedding: Array, kind: str = "") -> Array:
        changes = {"up": self.up, "down": self.down, "repeat": self.repeat, "mean": self.mean}
        change = changes.get(kind, lambda image: image)
        h = change(self.silu(self.norm(f"{name}GroupNorm_0", x)))
        h = self.conv(f"{name}Conv_0", h) + self.linear(f"{name}Dense_0", self.silu(embedding))[:, None, None]
        h = self.conv(f"{name}Conv_1", self.silu(self.norm(f"{name}GroupNorm_1", h)))
        x = change(x)
        if f"{name}Conv_2.weight" in self.state:
            x = self.conv(f"{name}Conv_2", x)
        if f"{name}NIN_0.W" in self.state:
            x = np.einsum("io,ihw->ohw", self.state[f"{name}NIN_0.W"], x) + self.state[f"{name}NIN_0.b"][:, None, None]
        return (x + h) / self.divisor

    def attention(self, name: str, x: Array) -> Array:
        pixels = self.norm(f"{name}GroupNorm_0", x).reshape(len(x), -1).T

        def nin(index: int, v: Array) -> Array:
            return v @ self.state[f"{name}NIN_{index}.W"] + self.state[f"{name}NIN_{index}.b"]

        logits = nin(0, pixels) @ nin(1, pixels).T / np.sqrt(len(x))
        weights = np.exp(logits - logits.max(1, keepdims=True))
        h = nin(3, weights / weights.sum(1, keepdims=True) @ nin(2, pixels))
        return (x + h.T.reshape(x.shape)) / self.divisor

    def positional(self, label: float, features: int) -> Array:
        """Layers 0 and 1 of networks that are told the time."""
        frequencies = np.array([10000 ** (-k / (features // 2 - 1)) for k in range(features // 2)])
        angle = frequencies * label
        first = self.linear("all_modules.0", np.concatenate([np.sin(angle), np.cos(angle)]))
        return self.linear("all_modules.1", self.silu(first))

    def embedding(self, sigma: float) -> Array:
        angle = 2 * np.pi * self.state["all_modules.0.W"] * np.log(sigma)
        first = self.linear("all_modules.1", np.concatenate([np.sin(angle), np.cos(angle)]))
        return self.linear("all_modules.2", self.silu(first))


@pytest.fixture(scope="session")
def plain() -> type[Plain]:
    return Plain


@pytest.fixture(scope="session")
def randomised():
    """Give every parameter a random value (fresh networks hold zeros that hide errors), in float64."""

    def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
        generator = torch.Generator().manual_seed(seed)
        module = module.double().eval().requires_grad_(False)
        for parameter in module.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        return module

    return randomise
