"""The contract of grids."""

import math
from abc import abstractmethod
from itertools import pairwise

from invdiff.diffusion import DDIM, SDE, VE, Grid, Levels, Part, Proximal, Sampler
from invdiff.testing.part import PartContract
from invdiff.testing.steps import HIGHEST, LOWEST


class GridContract(PartContract):
    """What every grid promises. Give `grid`, of a few steps, and `sde` where it is of another than VE."""

    @abstractmethod
    def grid(self) -> Grid:
        """The grid to test; called anew by every test."""

    def sde(self) -> SDE:
        """How noise is added."""
        return VE(LOWEST, HIGHEST)

    def part(self) -> Part:
        return self.grid()

    def sampler(self) -> Sampler:
        return Sampler(self.sde(), self.grid(), [DDIM(0.5)], self.signal(), guidance=Proximal())

    def test_it_has_its_number_of_steps(self) -> None:
        """N + 1 levels for N ``steps``, with a time and the length of a step for each but the last."""
        for name, levels in self._levels().items():
            counts = levels.steps, len(levels.beta) - 1, len(levels.time), len(levels.dt)
            assert {*counts} == {self.grid().steps}, f"{self._name} of {self.grid().steps} steps has {counts} {name}."

    def test_it_ends_at_the_clean_image(self) -> None:
        """The last pair is (1, 0)."""
        for name, levels in self._levels().items():
            last = levels.alpha[-1], levels.beta[-1]
            assert last == (1.0, 0.0), f"{self._name} ends at (alpha, beta) = {last} {name}, and not at (1, 0)."

    def test_noise_falls(self) -> None:
        """The noise-to-signal ratio never rises, is finite and positive but for the last, and no step in time is
        negative."""
        for name, levels in self._levels().items():
            sigmas = [levels.sigma(k) for k in range(levels.steps + 1)]
            assert all(0 < sigma < math.inf for sigma in sigmas[:-1]), f"{self._name}: levels {sigmas} {name}."
            assert all(a >= b for a, b in pairwise(sigmas)), f"{self._name}: noise rises in {sigmas} {name}."
            assert all(length >= 0 for length in levels.dt), f"{self._name}: times {levels.time} rise {name}."

    def test_levels_are_those_of_the_sde(self) -> None:
        """Alpha and beta belong together as the SDE has them, so that noise is added and removed alike."""
        sde = self.sde()
        for name, levels in self._levels().items():
            for k in range(levels.steps):
                expected = sde.alpha(sde.time(levels.sigma(k)))
                assert math.isclose(levels.alpha[k], expected, rel_tol=1e-6), (
                    f"{self._name}: where beta / alpha is {levels.sigma(k):.4g}, {sde!r} has alpha {expected:.6g} and "
                    f"not {levels.alpha[k]:.6g} {name}."
                )

    def test_levels_do_not_change(self) -> None:
        """The levels of a grid are its own, whatever was asked of it before."""
        grid = self.grid()
        first, second = grid.levels(self.sde()), grid.levels(self.sde())
        assert first == second, f"{self._name} has other levels when it is asked again."
        assert grid.given(0.1).steps == grid.steps, f"{self._name} has another number of steps once noise is known."

    def _levels(self) -> dict[str, Levels]:
        """The levels where nothing is known of noise, little and much."""
        grid, sde = self.grid(), self.sde()
        known = {f"given noise of {noise_std:g}": grid.given(noise_std).levels(sde) for noise_std in (0.0, 0.05, 0.5)}
        return {"where nothing is known of noise": grid.levels(sde), **known}
