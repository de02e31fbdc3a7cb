"""The contract of guidance."""

from abc import abstractmethod
from dataclasses import replace

import torch
from torch import Tensor

from invdiff.diffusion import DDIM, VE, Context, Estimate, Geometric, Guidance, Sampler
from invdiff.testing.arrays import close
from invdiff.testing.part import PartContract
from invdiff.testing.steps import HIGHEST, LOWEST


class GuidanceContract(PartContract):
    """What every guidance promises. Give `guidance`; it is tried under DDIM."""

    @abstractmethod
    def guidance(self) -> Guidance:
        """The guidance to test; called anew by every test."""

    def part(self) -> Guidance:
        return self.guidance()

    def sampler(self) -> Sampler:
        return Sampler(VE(LOWEST, HIGHEST), Geometric(6), [DDIM(0.5)], self.signal(), guidance=self.guidance())

    def test_the_prior_is_asked_as_often_as_it_says(self) -> None:
        """One estimate takes `network_calls` questions to the prior it is given, and none beside it."""
        context = self._bound().run([0, 1])
        first, *_ = context.states()
        asked, before = 0, context.denoiser.calls

        def prior(x: Tensor) -> Estimate:
            nonlocal asked
            asked += 1
            return context.unguided(x, first.k)

        guidance = self.guidance()
        guidance(prior, first.x, first.k, context)
        beside = (context.denoiser.calls - before) // len(first.x) - asked
        assert asked == guidance.network_calls, (
            f"{self._name} asks the prior {asked} time(s) for an estimate, but says {guidance.network_calls}."
        )
        assert beside == 0, f"{self._name} asks the network {beside} time(s) beside the prior that it is given."

    def test_an_estimate_is_one_of_its_state(self) -> None:
        """Mean and noise have the state's shape and kind, are finite, and keep no graph; every sample's are those that
        it has alone."""
        context = self._bound().run([0, 1, 2], seed=3)
        for state in [*context.states()][:-1]:
            whole = _estimate(context, state.x, state.k)
            for name, made in {"mean": whole.mean, "noise": whole.noise}.items():
                said = f"{self._name}: the {name} at level {state.k}"
                assert made.shape == state.x.shape, f"{said} has shape {tuple(made.shape)}."
                assert made.dtype == state.x.dtype, f"{said} is {made.dtype}, and the state {state.x.dtype}."
                assert torch.view_as_real(made + 0j).isfinite().all(), f"{said} is not finite."
                assert not made.requires_grad, f"{said} keeps the graph of a gradient."
            last = _estimate(self._bound().run([2], seed=3), state.x[2:], state.k)
            close(last.mean, whole.mean[2:], self.tolerance, f"{self._name}: the mean of a sample alone")

    def test_it_comes_closer_to_the_data(self) -> None:
        """What a run leaves of the data is less than without guidance."""
        bound = self._bound()
        without = replace(self.sampler(), guidance=None).bind(self.problem(), self.prior())
        left = [self._residual(each.draw(8, seed=3).samples) for each in (bound, without)]
        assert left[0] < left[1], (
            f"Samples with {self._name} leave {left[0]:.3g} of the data unexplained, and {left[1]:.3g} without."
        )

    def _residual(self, images: Tensor) -> float:
        problem = self.problem()
        return float((problem.operator(images) - problem.y).abs().mean())


@torch.no_grad()
def _estimate(run: Context, x: Tensor, k: int) -> Estimate:
    """The guided estimate, with the noise that a run begins with."""
    run.noise.rewind(0)
    return run.estimate(x, k)
