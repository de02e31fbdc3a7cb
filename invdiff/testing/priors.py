"""The contract of priors."""

import copy
import pickle
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from invdiff.operators import Shape
from invdiff.priors import Prior
from invdiff.testing.arrays import close, length, normal

SIGMAS = (0.01, 0.1, 1.0, 10.0)


class PriorContract(ABC):
    """What every prior promises, as tests to inherit. Give `prior`, once the measurement is known where it is a
    conditional one, and the `shape` of its images where it is not free.

    Attributes:
        tolerance: largest relative error of what is equal but for rounding, in single precision.
        differentiable: whether a gradient passes through it, which guidance such as `DPS` needs.
    """

    tolerance: float = 1e-4
    differentiable: bool = True

    @abstractmethod
    def prior(self) -> Prior:
        """The prior to test; called anew by every test."""

    def shape(self) -> Shape:
        """Height and width of images to try it on."""
        return 8, 8

    def test_answers_are_images(self) -> None:
        """For every number of channels that it takes, and at every noise level, the answer has shape and dtype of the
        question, and is finite."""
        for x in self._questions():
            for sigma in SIGMAS:
                for how, answer in {"denoised image": self.prior().denoise, "score": self.prior().score}.items():
                    made, said = answer(x, sigma), f"The {how} of an array {tuple(x.shape)} at sigma {sigma:g}"
                    assert made.shape == x.shape, f"{said} has shape {tuple(made.shape)}."
                    assert made.dtype == x.dtype, f"{said} is {made.dtype}, not {x.dtype}."
                    assert made.isfinite().all(), f"{said} is not finite."

    def test_every_image_has_its_own_answer(self) -> None:
        """What else is in a batch makes no difference; of no image there is no answer."""
        for x in self._questions():
            prior = self.prior()
            together = prior.denoise(x, 0.5)
            alone = torch.cat([prior.denoise(image[None], 0.5) for image in x])
            close(together, alone, self.tolerance, "The denoised image in a batch, against that alone")

    def test_answers_are_reproducible(self) -> None:
        """The same question has the same answer, and nothing is written into it."""
        for x in self._questions():
            prior, kept = self.prior(), x.clone()
            first = prior.denoise(x, 0.5)
            assert torch.equal(prior.denoise(x, 0.5), first), "The prior answers the same question in two ways."
            assert torch.equal(x, kept), "The prior writes into the array that it is given."

    def test_the_score_is_the_denoiser_s(self) -> None:
        """score = (D(x) - x) / sigma^2 (Tweedie; Vincent 2011)."""
        for x in self._questions():
            for sigma in SIGMAS:
                expected = (self.prior().denoise(x, sigma) - x) / sigma**2
                close(
                    sigma * self.prior().score(x, sigma),
                    sigma * expected,
                    self.tolerance * max(1.0, float(x.abs().max()) / sigma),
                    f"The score at sigma {sigma:g}, against Tweedie's formula",
                )

    def test_it_removes_noise(self) -> None:
        """The denoised image of much noise is nearer to images than the noise is; sigma matters."""
        for x in self._questions():
            noise = 10 * x
            left = self.prior().denoise(noise, 10.0)
            assert length(left) < length(noise), (
                f"Noise of length {length(noise):.3g} is answered by {length(left):.3g}."
            )
            assert not torch.equal(left, self.prior().denoise(noise, 0.1)), "The answer doesn't depend on sigma."

    def test_gradients_are_those_of_the_answer(self) -> None:
        """The derivative along a direction is that of finite differences, in double precision where it computes so."""
        if not self.differentiable:
            return
        for x in self._questions():
            x, v, step = x.double(), self._draw(x.shape, seed=1).double(), 1e-3
            point = x.clone().requires_grad_()
            (pulled,) = torch.autograd.grad(self.prior().denoise(point, 0.5), point, v)
            far = [self.prior().denoise(x + sign * step * v, 0.5) for sign in (1, -1)]
            expected = float((v * (far[0] - far[1]).detach() / (2 * step)).sum())
            found = float((pulled * v).sum())
            assert abs(found - expected) <= 1e-2 * (abs(expected) + 1e-3 * length(v) ** 2), (
                f"The derivative along a direction is {found:.5g}, and by finite differences {expected:.5g}."
            )

    def test_copies_are_the_same_prior(self) -> None:
        """A prior that is pickled, copied or moved gives the same answers and has the same fingerprint, before it was
        asked and after."""
        prior = self.prior()
        x = self._questions()[0]
        known = self.prior().fingerprint()
        for when in ("before it is asked", "after it was asked"):
            for how, made in {
                "made anew": self.prior(),
                "pickled": pickle.loads(pickle.dumps(prior)),
                "copied": copy.deepcopy(prior),
                "moved": prior.to("cpu"),
            }.items():
                assert made.fingerprint() == known, f"The prior has another fingerprint once it is {how}, {when}."
                assert torch.equal(made.denoise(x, 0.5), prior.denoise(x, 0.5)), (
                    f"It is another once it is {how}, {when}."
                )

    def test_what_it_says_of_its_images(self) -> None:
        """Numbers of channels, and what is known of intensities, make sense."""
        prior = self.prior()
        assert prior.channels, "The prior takes no number of channels."
        assert all(count >= 1 for count in prior.channels), f"The prior takes {prior.channels} channels."
        assert prior.data_std is None or prior.data_std > 0, f"Its images have standard deviation {prior.data_std}."
        assert prior.intensity is None or prior.intensity.value > 0, f"Its intensity is {prior.intensity}."
        assert all(power >= 0 for power in prior.power_spectrum or ()), "Its power spectrum is negative somewhere."

    def _questions(self) -> list[Tensor]:
        return [self._draw((3, channels, *self.shape())) for channels in self.prior().channels]

    def _draw(self, shape: Shape, seed: int = 0) -> Tensor:
        return normal(shape, torch.float32, torch.Generator().manual_seed(seed))
