"""Random numbers that depend on what they are for, and on nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from invdiff.errors import InputError

START = 0

Pairing = Literal["independent", "antithetic"]
"""What the noise of samples has to do with each other."""


@dataclass
class NoiseStream:
    """Standard normal numbers seeded by (seed, case, sample, iteration).

    A sample's numbers do not depend on how many samples are drawn, on their order, nor on a stop and resume. On one
    device type they are the same everywhere.

    Args:
        seed: the user's seed.
        case: which image of a data set (the slice's index).
        samples: the indices of the samples drawn together.
        device: where the numbers are drawn.
        support: where there is noise, bool, of a state's shape or its last dimensions; ``None``: everywhere.
        pairing: ``"antithetic"``: sample 2j + 1 has the noise of sample 2j with the other sign (Hammersley & Morton
            1956), so that what is odd in the noise cancels in a pair's mean. What is drawn beside noise, such as how an
            image is turned, a pair shares.

    Raises:
        InputError: the seed, the case or a sample's index is negative, or the pairing is none.
    """

    seed: int
    case: int
    samples: Sequence[int]
    device: torch.device
    support: Tensor | None = None
    pairing: Pairing = "independent"
    iteration: int = field(default=START, init=False)
    _generators: list[torch.Generator] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if min(self.seed, self.case, *self.samples) < 0:
            raise InputError(
                f"Random numbers are seeded by whole numbers from zero, but got seed {self.seed}, case {self.case} and "
                f"samples {list(self.samples)}."
            )

        check_pairing(self.pairing)

    def rewind(self, iteration: int) -> None:
        """Begin the numbers of an iteration; `START` is before the first."""
        self.iteration = iteration
        self._generators = []
        for sample in self.samples:
            drawn_as = sample - sample % 2 if self.pairing == "antithetic" else sample
            words = np.random.SeedSequence([self.seed, self.case, drawn_as, iteration]).generate_state(2)
            generator = torch.Generator(self.device)
            generator.manual_seed(int(words[0]) << 31 ^ int(words[1]))
            self._generators.append(generator)

    def like(self, x: Tensor) -> Tensor:
        """Noise of the shape and kind of ``x`` (samples, ...); complex noise has unit variance in each part."""
        noise = self.draw(tuple(x.shape[1:]), x.dtype)
        if self.pairing == "antithetic":
            signs = torch.tensor([1 - 2 * (sample % 2) for sample in self.samples], device=noise.device)
            noise = signs.reshape(-1, *[1] * (noise.ndim - 1)) * noise
        return noise if self.support is None else noise * self.support

    def draw(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Noise of shape ``(samples, *shape)``."""
        size = (*shape, 2) if dtype.is_complex else shape
        real = [
            torch.randn(size, generator=generator, dtype=dtype.to_real(), device=self.device)
            for generator in self._generators
        ]
        stacked = torch.stack(real)
        return torch.view_as_complex(stacked) if dtype.is_complex else stacked


def check_pairing(pairing: str) -> None:
    """Raise ``InputError`` unless this is a `Pairing`."""
    if pairing not in get_args(Pairing):
        raise InputError(f"noise is {' or '.join(get_args(Pairing))}, but got {pairing!r}.")
