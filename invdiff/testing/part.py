"""What the contracts of a sampler's parts share: a small problem that a part is tried on, and what holds of any."""

import copy
import pickle
from abc import ABC, abstractmethod
from dataclasses import replace
from io import BytesIO

import torch
from torch import Tensor

from invdiff.diffusion import Bound, Part, Problem, Sampler, Sense, Signal, State, TwoChannel
from invdiff.diffusion.part import NEEDS
from invdiff.errors import InputError
from invdiff.operators import LinearOperator, fourier, sense
from invdiff.priors import Prior
from invdiff.testing.arrays import close, normal

SIDE = 4
COILS = 2


class TwoValues(Prior):
    """Numbers near -1/2 or 1/2, each by itself: an equal mixture of N(-1/2, 1/16) and N(1/2, 1/16), with every answer
    exact and none of them linear; of any number of channels, and of any domain."""

    def __init__(self, domain: str = "image") -> None:
        self.domain = domain

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        centre, variance = 0.5, 1 / 16
        weighed = centre * torch.tanh(centre * x / (variance + sigma**2))
        return (variance * x + sigma**2 * weighed) / (variance + sigma**2)


class PartContract(ABC):
    """What every part of a sampler promises, as tests to inherit. It is tried in `sampler`, on `problem`, with `prior`.

    Attributes:
        tolerance: largest relative error of what is equal but for rounding, in double precision.
    """

    tolerance: float = 1e-8

    @abstractmethod
    def part(self) -> Part:
        """The part to test; called anew by every test."""

    @abstractmethod
    def sampler(self) -> Sampler:
        """A sampler of few steps that has the part in it."""

    def signal(self) -> Signal:
        """How images meet the prior, beside the part."""
        return TwoChannel()

    def problem(self) -> Problem:
        """What was measured: in double precision, small. Two thirds of k-space by one coil, of a smooth image."""
        return measured(fourier(torch.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 3 > 0))

    def prior(self) -> Prior:
        """What images look like; of the domain that the view asks for."""
        return TwoValues(self.sampler().view.domain)

    def test_samples_are_reproducible(self) -> None:
        """The same seed gives the same sample bit for bit, also of the part made anew; a sampler that was used before
        gives what it gave."""
        bound = self._bound()
        first = bound.draw(2, seed=3).samples
        for how, again in {"a second time": bound, "by a part made anew": self._bound()}.items():
            assert torch.equal(again.draw(2, seed=3).samples, first), (
                f"{self._name}: seed 3 gives another sample {how}."
            )

    def test_a_sample_depends_on_its_own_index_alone(self) -> None:
        """What is drawn beside it changes no sample, nor what was drawn before."""
        bound = self._bound()
        apart = bound.draw(4, seed=3, together=1).samples
        close(
            bound.draw(range(1, 4), seed=3, together=3).samples, apart[1:], self.tolerance, f"{self._name} side by side"
        )
        assert torch.equal(bound.draw(range(3, 4), seed=3).samples, apart[3:]), (
            f"{self._name}: sample 3 alone is another."
        )

    def test_a_run_goes_on_from_every_state(self) -> None:
        """A state that is written and read, with all that it remembers, ends as the run did, bit for bit."""
        whole = list(self._bound().run([1, 2], seed=3).states())
        for state in whole:
            *_, last = self._bound().run([1, 2], seed=3).states(resume=_read_back(state))
            assert torch.equal(last.x, whole[-1].x), (
                f"{self._name}: a run that goes on from level {state.k} ends elsewhere; what a part remembers belongs "
                "into State.memory."
            )

    def test_network_calls_are_those_that_it_says(self) -> None:
        """`network_calls` is how often the prior is asked for one sample."""
        bound = self._bound()
        run = bound.run([0], seed=3)
        for _ in run.states():
            pass
        calls, says = run.denoiser.calls, bound.network_calls
        assert calls == says, f"{self._name} says that a sample takes {says} network calls, but it takes {calls}."

    def test_states_keep_shape_and_kind(self) -> None:
        """Every state has the shape of the first one and its kind of number, single precision stays single, and no
        graph of a gradient is kept."""
        problem = self.problem()
        for kind in (torch.complex128, torch.complex64):
            y = problem.y.to(kind if problem.y.is_complex() else kind.to_real())
            first, *others = self.sampler().bind(replace(problem, y=y), self.prior()).run([0, 1]).states()
            assert first.x.dtype.to_complex() == kind, (
                f"{self._name} begins in {first.x.dtype} where data are {y.dtype}."
            )
            for state in others:
                said = f"{self._name}: the state of level {state.k}"
                assert state.x.shape == first.x.shape, f"{said} has shape {tuple(state.x.shape)}."
                assert state.x.dtype == first.x.dtype, f"{said} is {state.x.dtype}, and the first {first.x.dtype}."
                assert not state.x.requires_grad, f"{said} keeps the graph of a gradient."

    def test_states_are_not_changed(self) -> None:
        """Nothing is written into a state that was given out."""
        kept = [(state, state.x.clone()) for state in self._bound().run([0, 1], seed=3).states()]
        for state, x in kept:
            assert torch.equal(state.x, x), f"{self._name} writes into the state of level {state.k} that it is given."

    def test_units_of_the_measurement_do_not_matter(self) -> None:
        """3 A and 3 y, with three times the noise, are the same problem."""
        problem = self.problem()
        noise_std = None if problem.noise_std is None else 3 * problem.noise_std
        louder = Problem(3 * problem.operator, 3 * problem.y, noise_std, scale=problem.scale, initial=problem.initial)
        expected = self._bound().draw(1).samples
        made = self.sampler().bind(louder, self.prior()).draw(1).samples
        close(made, expected, 1e2 * self.tolerance, f"{self._name} of 3 A x = 3 y")

    def test_copies(self) -> None:
        """A part that is pickled or copied is the same part, and prints as it did: it is sent to other processes, and
        finished samples are known by what it prints."""
        part = self.part()
        assert " at 0x" not in repr(part), f"{self._name} prints an address, by which finished samples can't be known."
        assert repr(self.part()) == repr(part), f"{self._name} made anew prints as another part."
        for how, made in {"pickled": pickle.loads(pickle.dumps(part)), "copied": copy.deepcopy(part)}.items():
            assert repr(made) == repr(part), f"{self._name} is another part once it is {how}."
        whole = pickle.loads(pickle.dumps(self.sampler()))
        expected, found = self._bound().draw(1).samples, whole.bind(self.problem(), self.prior()).draw(1).samples
        assert torch.equal(found, expected), f"{self._name} gives other samples once it is pickled."

    def test_what_it_says_of_itself(self) -> None:
        """It needs what there is to need, cites what can be cited, and is made of parts."""
        part = self.part()
        unknown = part.needs - NEEDS.keys()
        assert not unknown, f"{self._name} needs {', '.join(sorted(unknown))}, which nothing offers."
        assert all(isinstance(inner, Part) for inner in part.inner), f"{self._name} has an inner part that is no Part."
        assert part in self.sampler().parts, f"{self._name} is in no part of its sampler."
        self.sampler().citations()

    def test_what_it_needs_it_says(self) -> None:
        """Without the noise level, and without data, it runs unless it says that it needs them."""
        problem, sampler = self.problem(), self.sampler()
        needs = {need for part in sampler.parts for need in part.needs}
        lacking = {"noise_std": replace(problem, noise_std=None)}
        if isinstance(sampler.view, Sense):
            shape = problem.operator.domain_shape
            lacking["measurement"] = Problem.unmeasured(shape, dtype=torch.float64)
        for need, left in lacking.items():
            if need in needs:
                continue
            try:
                sampler.bind(left, self.prior()).draw(1)
            except InputError as error:
                raise AssertionError(f"{self._name} does not say that it needs the {need}, but: {error}") from error

    @property
    def _name(self) -> str:
        return type(self.part()).__name__

    def _bound(self) -> Bound:
        return self.sampler().bind(self.problem(), self.prior())


def sense_operator() -> LinearOperator:
    """Two coils and every other line of k-space, on images of 4 by 4; of norm one at most."""
    lines = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    lines[:, ::2] = True
    maps = normal((COILS, SIDE, SIDE), torch.complex128, torch.Generator().manual_seed(1))
    return sense(lines, maps / torch.linalg.vector_norm(maps, dim=0))


def smooth_image() -> Tensor:
    """A complex image of 4 by 4, its largest number about one."""
    wave = torch.linspace(0.5, 2.5, SIDE, dtype=torch.float64).sin()
    image = torch.outer(wave, wave)
    return torch.complex(image, 0.5 * image.flip(0))


def measured(operator: LinearOperator, noise_std: float = 0.06) -> Problem:
    """`smooth_image` measured by an operator, with noise."""
    y = operator(smooth_image().expand(operator.domain_shape))
    z = normal(tuple(y.shape), y.dtype, torch.Generator().manual_seed(2))
    return Problem(operator, y + noise_std * z, noise_std)


def _read_back(state: State) -> State:
    file = BytesIO()
    written = {"x": state.x, "k": state.k, "memory": dict(state.memory), "finished": state.finished}
    torch.save(written, file)
    file.seek(0)
    return State(**torch.load(file, weights_only=True))
