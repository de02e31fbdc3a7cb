"""What came back of lesions, against reconstructions whose answer is known."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from invdiff.data import shepp_logan
from invdiff.diffusion import Problem
from invdiff.diffusion.sampler import scale_of
from invdiff.diffusion.signals import TwoChannel
from invdiff.errors import InputError
from invdiff.evaluation import Finding, Lesion, detect, lesions_all_over
from invdiff.methods import estimate, fast
from invdiff.operators import LinearOperator, denoising, fourier, inpainting, sense
from invdiff.priors import GaussianPrior, Intensity, load_prior
from invdiff.reconstruction.audit import Correction

SIDE = 24
LESIONS = [Lesion((5, 6), (3, 3), 0.2), Lesion((16, 5), (3, 3), -0.2), Lesion((11, 17), (3, 3), 0.2)]
EVERY = torch.ones(SIDE, SIDE, dtype=torch.bool)
PRIOR = GaussianPrior(torch.zeros(2, SIDE, SIDE), torch.ones(2, SIDE, SIDE))


def truth(dtype: torch.dtype = torch.complex64) -> Tensor:
    line = torch.linspace(0.3, 2.8, SIDE, dtype=torch.float64).sin()
    image = torch.outer(line, line.flip(0) + 0.2)
    return (image * torch.exp(torch.tensor(0.4j)) if dtype.is_complex else image).to(dtype)


def lines(step: int) -> Tensor:
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[:, ::step] = mask[:, SIDE // 2 - 3 : SIDE // 2 + 3] = True
    return mask


def maps() -> Tensor:
    line = torch.linspace(0, 3, SIDE)
    made = torch.stack([torch.exp(1j * k * line)[:, None] * (1.5 + (line + k).cos()) for k in range(4)])
    return (made / made.abs().square().sum(0).sqrt()).to(torch.complex64)


OPERATORS: dict[str, Callable[[], LinearOperator]] = {
    "fourier": lambda: fourier(lines(3)),
    "sense": lambda: sense(lines(4), maps()),
    "denoising": lambda: denoising((SIDE, SIDE)),
    "inpainting": lambda: inpainting(torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(0)) < 0.7),
}


@dataclass
class Linear:
    """In place of a sampler: of a problem, ``factor`` Aᴴ y and noise by the seed, the case and the sample."""

    factor: float = 0.8
    noise: float = 0.1
    same_noise: bool = True
    seen: list[tuple[float | None, float | None]] = field(default_factory=list)

    def __call__(
        self, problem: Problem, prior: object, *, samples: int, seed: int, case: int, progress: object
    ) -> SimpleNamespace:
        self.seen.append((problem.scale, problem.noise_std))
        image = self.factor * problem.zero_filled
        drawn = []
        for sample in range(samples):
            number = 1000 * seed + 100 * case + sample + (0 if self.same_noise else 10_000 * len(self.seen))
            generator = torch.Generator().manual_seed(number)
            drawn.append(image + self.noise * torch.randn(image.shape, generator=generator))
        return SimpleNamespace(samples=torch.stack(drawn))


def problem(name: str, dtype: torch.dtype = torch.complex64, noise_std: float = 0.01) -> Problem:
    operator = OPERATORS[name]()
    return Problem(operator, operator(truth(dtype)), noise_std)


@given(
    st.sampled_from(list(OPERATORS)),
    st.sampled_from([torch.float32, torch.complex64]),
    st.integers(0, 5),
    st.integers(1, 4),
)
def test_what_came_back_is_the_projection_of_the_difference(
    name: str, dtype: torch.dtype, seed: int, samples: int
) -> None:
    """Of a linear reconstruction B it is Re⟨l, B A l⟩ / ⟨l, l⟩, whatever the noise."""
    dtype = torch.complex64 if name in ("fourier", "sense") else dtype
    of, by = problem(name, dtype), Linear()
    found = detect(of, by, PRIOR, LESIONS, samples=samples, seed=seed, case=2)
    response = 0.8 * of.operator.H(of.operator(found.inserted))
    torch.testing.assert_close(found.difference, response, atol=1e-5, rtol=1e-5)
    for finding, lesion in zip(found.findings, LESIONS, strict=True):
        alone = lesion.within(found.image)
        share = float((alone.conj() * response).real.sum() / alone.abs().square().sum())
        assert finding.lesion == lesion
        assert finding.share == pytest.approx(share, rel=1e-3, abs=1e-4)
        assert finding.recovered == pytest.approx(lesion.contrast * share, rel=1e-3, abs=1e-4)
    assert [noise_std for _, noise_std in by.seen] == [of.noise_std] * 2


def test_a_lesion_does_not_change_the_units() -> None:
    """Though the intensity would be another one if it was read off the measurement with it."""
    of, by = problem("denoising"), Linear()
    prior = GaussianPrior(torch.zeros(2, SIDE, SIDE), torch.ones(2, SIDE, SIDE))
    prior.intensity = Intensity(99.9, 1.0)
    found = detect(of, by, prior, LESIONS)
    scales = [scale for scale, _ in by.seen]
    assert scales == [scale_of(of, prior)] * 2
    assert scale_of(replace(of, y=of.y + found.inserted), prior) != pytest.approx(scales[0], rel=0.01)


def test_other_random_numbers_would_drown_it() -> None:
    shares = {
        same: [finding.share for finding in detect(problem("denoising"), by, PRIOR, LESIONS).findings]
        for same, by in ((True, Linear()), (False, Linear(same_noise=False)))
    }
    np.testing.assert_allclose(shares[True], 0.8, atol=1e-4)
    assert np.abs(np.array(shares[False]) - 0.8).max() > 0.05


def test_amounts_are_those_of_the_samples_with_the_lesion() -> None:
    of, by = problem("denoising"), Linear()
    found = detect(of, by, PRIOR, LESIONS, samples=5, seed=3)
    changed = replace(of, y=of.y + found.inserted)
    drawn = by(changed, PRIOR, samples=5, seed=3, case=0, progress=None).samples
    for finding in found.findings:
        alone = finding.lesion.within(found.image)
        amounts = [float((alone.conj() * x).real.sum() / alone.abs().square().sum()) for x in drawn]
        np.testing.assert_allclose(finding.amounts, finding.lesion.contrast * np.array(amounts), rtol=1e-4)
        assert finding.spread == pytest.approx(np.std(finding.amounts, ddof=1))
        assert finding.spread > 0


def test_a_correction_widens_the_spread_about_the_image() -> None:
    of = problem("denoising")
    found = detect(of, Linear(noise=0), PRIOR, LESIONS, samples=6, spread=Linear())
    twice = Correction(np.array([0.2]), np.array([4.0]), np.array([0.1]), 4.0, 0.1)
    wide = detect(of, Linear(noise=0), PRIOR, LESIONS, samples=6, spread=Linear(), correction=twice)
    for drawn, widened in zip(found.findings, wide.findings, strict=True):
        assert widened.recovered == drawn.recovered
        assert widened.spread == pytest.approx(2 * drawn.spread, rel=1e-3)
        alone = drawn.lesion.within(found.image)
        amount = float((alone.conj() * (found.image + found.difference)).real.sum() / alone.abs().square().sum())
        assert widened.amounts.mean() == pytest.approx(drawn.lesion.contrast * amount, rel=1e-3)
        assert drawn.amounts.mean() != pytest.approx(drawn.lesion.contrast * amount, rel=1e-3)


@pytest.mark.parametrize(("recovered", "amounts"), [(0.0, [-0.01, 0.01, 0.0]), (0.08, [0.07, 0.09, 0.08])])
def test_what_is_painted_over_may_be_there(recovered: float, amounts: list[float]) -> None:
    found = Finding(Lesion((8, 8), (3, 3), 0.1), recovered, np.array(amounts))
    told = found.amount()
    assert float(told.scale) == pytest.approx(math.hypot(found.spread, 0.1 - recovered))
    low, high = told.interval(0.9)
    assert low < 0.1 < high
    alone = found.amount(painted_over=0.0)  # as though samples told all
    assert float(alone.scale) == pytest.approx(found.spread)
    assert (alone.interval(0.9)[1] > 0.1) == (recovered > 0)


def test_one_sample_tells_no_spread() -> None:
    (finding, *_) = detect(problem("sense"), Linear(), PRIOR, LESIONS).findings
    with pytest.raises(InputError, match="tell no spread"):
        finding.amount()
    assert all(np.isnan(finding.spread) for finding in detect(problem("sense"), Linear(), PRIOR, LESIONS).findings)


def test_another_method_may_draw_the_samples() -> None:
    """Then the difference is of one image each, and the samples of the measurement with the lesions alone."""
    of, by, spread = problem("fourier"), Linear(noise=0), Linear(factor=0.5)
    found = detect(of, by, PRIOR, LESIONS, samples=6, spread=spread)
    assert (len(by.seen), len(spread.seen)) == (2, 1)
    alone = detect(of, Linear(noise=0), PRIOR, LESIONS)
    assert [f.recovered for f in found.findings] == [f.recovered for f in alone.findings]
    assert [f.amounts.shape for f in found.findings] == [(6,)] * len(LESIONS)


@pytest.mark.parametrize(
    ("lesions", "words"),
    [
        ([], "no lesion"),
        ([Lesion((5, 99), (3, 3), 0.1)], "does not lie within the image of 24 x 24"),
        ([LESIONS[0], LESIONS[0]], "of their sizes apart"),
    ],
)
def test_refusals_come_before_anything_is_computed(lesions: list[Lesion], words: str) -> None:
    by = Linear()
    with pytest.raises(InputError, match=words):
        detect(problem("fourier"), by, PRIOR, lesions)
    assert by.seen == []


# With samplers


def shares(of: Problem, lesions: list[Lesion], steps: int = 6) -> list[float]:
    """By the estimate with the prior that ships."""
    return [finding.share for finding in detect(of, estimate(steps), load_prior("builtin"), lesions).findings]


@pytest.fixture(scope="module")
def head() -> Tensor:
    return torch.from_numpy(np.abs(shepp_logan((48, 48)))).to(torch.complex64) * torch.exp(torch.tensor(0.4j))


@pytest.mark.parametrize("noise_std", [0.0, 1e-6])
@pytest.mark.parametrize("name", ["fourier", "sense"])
def test_fully_sampled_and_without_noise_the_contrast_comes_back(head: Tensor, name: str, noise_std: float) -> None:
    every = torch.ones(48, 48, dtype=torch.bool)
    coils = torch.stack([torch.full((48, 48), 0.6), torch.full((48, 48), 0.8j)]).to(torch.complex64)
    operator = fourier(every) if name == "fourier" else sense(every, coils)
    lesions = lesions_all_over(head, (4, 4), 0.1)
    np.testing.assert_allclose(shares(Problem(operator, operator(head), noise_std), lesions), 1, atol=0.02)


def test_many_at_once_are_as_many_one_by_one(head: Tensor) -> None:
    mask = torch.zeros(48, 48, dtype=torch.bool)
    mask[:, ::3] = mask[:, 20:28] = True
    of = Problem(fourier(mask), fourier(mask)(head), 0.002)
    lesions = lesions_all_over(head, (3, 3), 0.1)
    assert len(lesions) > 8
    together = shares(of, lesions)
    chosen = (0, len(lesions) // 2)
    alone = [shares(of, [lesions[k]])[0] for k in chosen]
    np.testing.assert_allclose(alone, [together[k] for k in chosen], atol=0.1)
    assert min(together) < 0.9  # something is lost, of which this is true too


def test_what_was_not_measured_is_lost() -> None:
    """A lesion in a hole, by samples of an exact prior of white images."""
    known = EVERY.clone()
    known[8:15, 14:21] = False
    of = Problem(inpainting(known), truth()[known], 0.01)
    found = detect(of, fast(8, signal=TwoChannel()), PRIOR, LESIONS, samples=3).findings
    np.testing.assert_allclose([finding.share for finding in found], [1, 1, 0], atol=0.05)
    assert found[2].spread > 3 * max(found[0].spread, found[1].spread)
