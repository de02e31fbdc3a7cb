"""The contracts of steps and of predictors."""

from abc import abstractmethod

import torch

from invdiff.diffusion import (
    DDIM,
    VE,
    Geometric,
    Guidance,
    Part,
    Predictor,
    Problem,
    RealImage,
    Sampler,
    Sense,
    Step,
    View,
)
from invdiff.priors import GaussianPrior
from invdiff.testing.affine import affine_map
from invdiff.testing.arrays import length
from invdiff.testing.part import PartContract

LOWEST, HIGHEST = 0.05, 4.0


class StepContract(PartContract):
    """What every step promises. Give `step`; it is tried beside DDIM, wherever it may stand."""

    @abstractmethod
    def step(self) -> Step:
        """The step to test; called anew by every test."""

    def view(self) -> View:
        """What the state is."""
        return Sense()

    def guidance(self) -> Guidance | None:
        """How estimates learn of the data, beside the step."""
        return None

    def part(self) -> Part:
        return self.step()

    def sampler(self) -> Sampler:
        return self._samplers()[0]

    def test_a_step_stays_at_its_level(self) -> None:
        """Only a predictor moves to the next level."""
        context = self._bound().run([0, 1])
        for state in context.states():
            if isinstance(self.step(), Predictor) and state.k == context.levels.steps:
                continue
            moved = self.step()(state, context).k - state.k
            wanted = 1 if isinstance(self.step(), Predictor) else 0
            assert moved == wanted, f"{self._name} moves {moved} level(s) on from level {state.k}, and not {wanted}."

    def test_a_step_runs_wherever_it_may_stand(self) -> None:
        """Before the predictor, after it, and in the finish, where no noise is left: as its ``place`` says. What is not
        finite then is refused by the run."""
        for sampler in self._samplers():
            sampler.bind(self.problem(), self.prior()).draw(2)

    def _samplers(self) -> list[Sampler]:
        step, other = self.step(), DDIM(0.5)
        Placed = tuple[list[Step], list[Step]]
        before: Placed = ([step, other], [])
        after: Placed = ([other, step], [])
        finish: Placed = ([other], [step])
        match step.place:
            case _ if isinstance(step, Predictor):
                placed: list[Placed] = [([step], [])]
            case "anywhere":
                placed = [before, after, finish]
            case "after the predictor":
                placed = [after]
            case "finish":
                placed = [finish]
        grid, beside = Geometric(5), (self.signal(), self.view(), self.guidance())
        return [Sampler(VE(LOWEST, HIGHEST), grid, steps, *beside, finish=last) for steps, last in placed]


class PredictorContract(StepContract):
    """What every predictor promises. Give `step`.

    Attributes:
        samples_the_prior: whether, without data, many levels sample the prior: false of one that makes no samples, as
            `HalfQuadratic`, that relies on another step, as `NextLevel`, or on the data.
    """

    samples_the_prior: bool = True

    @abstractmethod
    def step(self) -> Predictor:
        """The predictor to test; called anew by every test."""

    def test_many_levels_sample_the_prior(self) -> None:
        """Mean and covariance of samples of a Gaussian prior, which are found exactly, come closer to its own as
        levels become many."""
        if not self.samples_the_prior:
            return
        covariance = torch.tensor([[0.3, 0.2], [0.2, 0.3]], dtype=torch.float64)
        prior = GaussianPrior(torch.tensor([[[0.4, -0.2]]], dtype=torch.float64), covariance)
        mean_error, covariance_error = zip(*(self._errors(prior, levels) for levels in (40, 160)), strict=True)
        for what, (coarse, fine) in {"mean": mean_error, "covariance": covariance_error}.items():
            said = (
                f"The {what} of samples by {self._name} is off by {coarse:.2g} after 40 levels, {fine:.2g} after 160."
            )
            assert fine < 0.1, said
            assert fine < max(0.7 * coarse, 0.02), said

    def _errors(self, prior: GaussianPrior, levels: int) -> tuple[float, float]:
        sampler = Sampler(VE(0.005, 20.0), Geometric(levels), [self.step().without_data()], RealImage())
        nothing = Problem.unmeasured((1, 2), dtype=torch.float64)
        mean, root = affine_map(sampler, nothing, prior)
        truth = prior.covariance
        found = root @ root.T
        return length(mean - prior.mean.flatten()), length(found - truth) / length(truth)

    def test_without_data_it_moves_alike(self) -> None:
        """`without_data` is a predictor that asks for no measurement."""
        left = self.step().without_data()
        assert isinstance(left, Predictor), f"{self._name} without data is no predictor but {left!r}."
        assert "measurement" not in left.needs, f"{self._name} needs a measurement without data, too."
