"""Random numbers that depend on what they are for, and on nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
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

    Numbers of neighbouring cases can be alike, as `shares` says; each case still computes its own alone.

    Args:
        seed: the user's seed.
        case: which image of a data set (the slice's index).
        samples: the indices of the samples drawn together.
        device: where the numbers are drawn.
        support: where there is noise, bool, of a state's shape or its last dimensions; ``None``: everywhere.
        pairing: ``"antithetic"``: sample 2j + 1 has the noise of sample 2j with the other sign (Hammersley & Morton
            1956), so that what is odd in the noise cancels in a pair's mean. What is drawn beside noise, such as how an
            image is turned, a pair shares.
        correlated_slices: over how many cases, from one to the next, numbers turn into independent ones; at least 1,
            which makes those of each case independent of all others.

    Raises:
        InputError: the seed, the case or a sample's index is negative, the pairing is none, or there is no correlated
            slice.
    """

    seed: int
    case: int
    samples: Sequence[int]
    device: torch.device
    support: Tensor | None = None
    pairing: Pairing = "independent"
    correlated_slices: int = 1
    iteration: int = field(default=START, init=False)
    _sources: list[tuple[float, list[torch.Generator]]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if min(self.seed, self.case, *self.samples) < 0:
            raise InputError(
                f"Random numbers are seeded by whole numbers from zero, but got seed {self.seed}, case {self.case} and "
                f"samples {list(self.samples)}."
            )

        check_pairing(self.pairing)
        check_correlated_slices(self.correlated_slices)

    def rewind(self, iteration: int) -> None:
        """Begin the numbers of an iteration; `START` is before the first."""
        self.iteration = iteration
        mixed = shares(self.case, self.correlated_slices)
        self._sources = [(share, self._generators(source)) for source, share in mixed.items()]

    def _generators(self, source: int) -> list[torch.Generator]:
        """One for each sample."""
        generators = []
        for sample in self.samples:
            drawn_as = sample - sample % 2 if self.pairing == "antithetic" else sample
            words = np.random.SeedSequence([self.seed, source, drawn_as, self.iteration]).generate_state(2)
            generator = torch.Generator(self.device)
            generator.manual_seed(int(words[0]) << 31 ^ int(words[1]))
            generators.append(generator)
        return generators

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
            torch.stack(
                [
                    share * torch.randn(size, generator=generator, dtype=dtype.to_real(), device=self.device)
                    for generator in generators
                ]
            )
            for share, generators in self._sources
        ]
        mixed = reduce(torch.add, real)
        return torch.view_as_complex(mixed) if dtype.is_complex else mixed


def shares(case: int, correlated_slices: int) -> dict[int, float]:
    """Of which independent numbers, by their index, those of a case are the sum, and how many times of each.

    Every L-th case has numbers n_k of its own. Between two of these, case z = (k + f) L has cos(pi f / 2) n_k +
    sin(pi f / 2) n_{k + 1}: of variance one, and of covariance cos(pi (z' - z) / 2 L) with a case z' between the same
    two. Cases that are 2 L or more apart share nothing.

    Args:
        case: z, from 0.
        correlated_slices: L.
    """
    before, past = divmod(case, correlated_slices)
    angle = math.pi / 2 * past / correlated_slices
    return {before: math.cos(angle), before + 1: math.sin(angle)} if past else {before: 1.0}


def check_pairing(pairing: str) -> None:
    """Raise ``InputError`` unless this is a `Pairing`."""
    if pairing not in get_args(Pairing):
        raise InputError(f"noise is {' or '.join(get_args(Pairing))}, but got {pairing!r}.")


def check_correlated_slices(count: int) -> None:
    """Raise ``InputError`` unless noise can be alike over so many slices."""
    if count < 1:
        raise InputError(f"correlated_slices is at least 1, of which each slice has noise of its own, but got {count}.")
