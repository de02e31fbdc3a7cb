"""The contract of views."""

from abc import abstractmethod

import torch
from torch import Tensor

from invdiff.diffusion import DDIM, VE, Geometric, Part, Problem, Proximal, Sampler, View
from invdiff.testing.arrays import close, normal, shaped
from invdiff.testing.operators import dot_test
from invdiff.testing.part import PartContract, measured, sense_operator, smooth_image
from invdiff.testing.steps import HIGHEST, LOWEST


class ViewContract(PartContract):
    """What every view promises. Give `view`; it is tried under DDIM, with proximal guidance where states see data."""

    @abstractmethod
    def view(self) -> View:
        """The view to test; called anew by every test."""

    def part(self) -> Part:
        return self.view()

    def image(self) -> Tensor:
        """An image of `problem`."""
        return smooth_image()

    def noiseless(self) -> Problem:
        """`problem` as measured of `image`, without noise."""
        operator = self.problem().operator
        return Problem(operator, operator(self.image()), 0.0)

    def problem(self) -> Problem:
        return measured(sense_operator())

    def sampler(self) -> Sampler:
        guidance = Proximal() if self._sees_data else None
        return Sampler(VE(LOWEST, HIGHEST), Geometric(4), [DDIM(0.5)], self.signal(), self.view(), guidance)

    def test_steps_see_the_measurement(self) -> None:
        """The operator that steps see has the adjoint that it says; of an image as a state it makes the data, where
        states have to do with them."""
        problem = self.noiseless()
        operator, y = self.view().observe(problem.operator, problem.y)
        dot_test(operator)
        state = self.view().state(self.image(), problem)
        shaped(state, operator.domain_shape, f"The state that {self._name} makes of an image")
        if self._sees_data:
            close(operator(state), y, 1e-10, f"{self._name}: what steps see of an image's state, against the data")

    def test_there_is_a_way_back(self) -> None:
        """The state of an image is that image again, in magnitude at least; and it has that state again."""
        problem, view = self.noiseless(), self.view()
        state = view.state(self.image(), problem)
        back = view.image(state[None], problem)
        close(back[0].abs(), self.image().abs(), 1e-10, f"{self._name}: the image of an image's state")
        assert back.shape[0] == 1, f"{self._name} makes {back.shape[0]} images of one state."

    def test_every_state_has_its_own_image(self) -> None:
        """Of several states, each has the image that it has alone."""
        problem = self.problem()
        operator, _ = self.view().observe(problem.operator, problem.y)
        states = normal((3, *operator.domain_shape), torch.complex128, torch.Generator().manual_seed(4))
        together = self.view().image(states, problem)
        alone = torch.cat([self.view().image(state[None], problem) for state in states])
        close(together, alone, 1e-12, f"{self._name}: images of several states")

    def test_noise_is_where_states_are_free(self) -> None:
        """`support` is none, or has the shape of a state or of its last dimensions; states are zero off it."""
        problem = self.noiseless()
        operator, _ = self.view().observe(problem.operator, problem.y)
        support = self.view().support(operator)
        if support is None:
            return
        ends = tuple(operator.domain_shape)[-support.ndim :]
        assert tuple(support.shape) == ends, (
            f"{self._name} has noise on {tuple(support.shape)} of {operator.domain_shape}."
        )
        state = self.view().state(self.image(), problem)
        assert not (state * ~support.bool()).any(), f"{self._name}: an image's state is not zero where no noise is."

    @property
    def _sees_data(self) -> bool:
        return "data" in self.view().offers(self.problem())
