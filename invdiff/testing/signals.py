"""The contract of signals."""

from abc import abstractmethod

import torch
from torch import Tensor

from invdiff.diffusion import DDIM, VE, Geometric, NoiseStream, Part, Proximal, Sampler, Signal
from invdiff.errors import InputError
from invdiff.operators import Shape
from invdiff.testing.arrays import close, length, normal
from invdiff.testing.operators import dot_test
from invdiff.testing.part import PartContract
from invdiff.testing.steps import HIGHEST, LOWEST

SHAPES: tuple[Shape, ...] = ((4, 4), (3, 5), (2, 4, 6))
"""Of states: images, square and not, and coil images."""


class SignalContract(PartContract):
    """What every signal promises. Give `signal`; it is tried under DDIM with proximal guidance."""

    @abstractmethod
    def signal(self) -> Signal:
        """The signal to test; called anew by every test."""

    def part(self) -> Part:
        return self.signal()

    def sampler(self) -> Sampler:
        return Sampler(VE(LOWEST, HIGHEST), Geometric(4), [DDIM(0.5)], self.signal(), guidance=Proximal())

    def test_states_come_back(self) -> None:
        """What is shown to the network, and taken back as it is, is the state, in single and double precision."""
        for shape in SHAPES:
            for x in (self._states(shape), self._states(shape).to(self._kind(single=True))):
                signal, tolerance = self._drawn(shape), 1e-12 if x.dtype == self._kind() else 1e-5
                back = signal.decode(signal.encode(x), x.shape)
                assert back.dtype == x.dtype, f"{self._name} makes {back.dtype} of states that are {x.dtype}."
                close(back, x, tolerance, f"{self._name}: the state that comes back from the network")

    def test_the_network_sees_images_of_its_channels(self) -> None:
        """Real arrays ``(batch, channels, H, W)``, every sample's after another's, in the state's precision."""
        for shape in SHAPES:
            x = self._states(shape)
            signal = self._drawn(shape)
            seen = signal.encode(x)
            sides = {shape[-2:], shape[:-3:-1]}  # which a signal may transpose
            assert seen.ndim == 4, f"{self._name} shows the network arrays of shape {tuple(seen.shape)}."
            assert tuple(seen.shape[2:]) in sides, f"{self._name} shows images of {shape} as {tuple(seen.shape)}."
            assert seen.shape[1] in signal.shown, f"{self._name} shows {seen.shape[1]} channels, not {signal.shown}."
            assert seen.dtype == torch.float64, f"{self._name} shows {seen.dtype} where states are {x.dtype}."
            other = x.clone()
            other[1] += 1
            changed = (signal.encode(other) != seen).flatten(1).any(1).reshape(len(x), -1).any(1)
            assert not changed[[0, 2]].any(), f"{self._name} shows a sample otherwise once another has changed."

    def test_noise_keeps_its_level(self) -> None:
        """A signal that says that it is linear is a linear map that changes no length, so that white noise is white
        noise of the same level for the network."""
        if not self.signal().is_linear:
            return
        for shape in SHAPES:
            x, z, signal = self._states(shape), self._states(shape, seed=1), self._drawn(shape)
            expected = 0.6 * signal.encode(x) - 0.7 * signal.encode(z)
            close(signal.encode(0.6 * x - 0.7 * z), expected, 1e-12, f"{self._name} of a sum of states")
            sizes = length(signal.encode(x)), length(x)
            assert abs(sizes[0] - sizes[1]) <= 1e-9 * sizes[1], (
                f"{self._name} shows states of length {sizes[1]:.6g} as images of length {sizes[0]:.6g}, so noise is "
                "seen at another level."
            )

    def test_what_is_drawn_is_of_seed_and_sample(self) -> None:
        """Signals that change from call to call are drawn from the noise they are given, and for each sample by
        itself."""
        shape = SHAPES[0]
        x = self._states(shape)
        for iteration in range(3):
            seen = self._drawn(shape, iteration=iteration).encode(x)
            again = self._drawn(shape, iteration=iteration).encode(x)
            assert torch.equal(again, seen), f"{self._name} shows a state otherwise for the same seed."
            alone = self._drawn(shape, (2,), iteration).encode(x[2:])
            assert torch.equal(alone, seen[-len(alone) :]), f"{self._name} shows sample 2 otherwise alone."

    def test_steps_see_the_measurement(self) -> None:
        """The operator that steps see takes states of this kind, has the adjoint that it says, and sees in a state what
        the problem's operator sees in its image."""
        problem, signal = self.problem(), self.signal()
        operator, y = signal.restrict(problem.operator, problem.y)
        dot_test(operator)
        assert tuple(operator.domain_shape) == tuple(problem.operator.domain_shape)
        x = normal(operator.domain_shape, self._kind(), torch.Generator().manual_seed(2))
        close(operator(x) + 0j, problem.operator(x + 0j) + 0j, 1e-10, f"{self._name}: what steps see of a state")
        close(y + 0j, problem.y + 0j, 0.0, f"{self._name}: the data that steps see")

    def test_a_prior_of_other_channels_is_refused(self) -> None:
        """It says how many channels it shows, so a prior that takes others is refused."""
        prior = self.prior()
        prior.channels = (max(self.signal().shown) + 1,)
        try:
            self.sampler().bind(self.problem(), prior)
        except InputError:
            return
        raise AssertionError(f"{self._name} is bound to a prior that takes {prior.channels[0]} channels.")

    def _kind(self, *, single: bool = False) -> torch.dtype:
        if self.signal().is_complex:
            return torch.complex64 if single else torch.complex128
        return torch.float32 if single else torch.float64

    def _states(self, shape: Shape, seed: int = 0) -> Tensor:
        return normal((3, *shape), self._kind(), torch.Generator().manual_seed(seed))

    def _drawn(self, shape: Shape, samples: tuple[int, ...] = (0, 1, 2), iteration: int = 1) -> Signal:
        noise = NoiseStream(3, 1, samples, torch.device("cpu"))
        noise.rewind(iteration)
        return self.signal().drawn(noise, torch.Size((len(samples), *shape)))
