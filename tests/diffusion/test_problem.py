"""One measurement, in the scanner's units and in the prior's."""

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.diffusion import DDIM, VE, Geometric, LateStart, Problem, ProjectionConsistency, Sampler, TwoChannel
from invdiff.errors import InputError
from invdiff.operators import denoising, sense
from invdiff.operators.base import same
from invdiff.priors import Intensity

scales = st.floats(1e-6, 1e6)


@settings(max_examples=25)
@given(scale=scales)
def test_all_that_has_units_is_rescaled(small, scale: float) -> None:
    problem = replace(small.problem("sense"), initial=small.normal((4, 4), torch.complex128), scale=3.0)
    made = problem.rescaled(scale)
    torch.testing.assert_close(scale * made.y, problem.y)
    torch.testing.assert_close(scale * made.initial, problem.initial)
    assert scale * made.noise_std == pytest.approx(problem.noise_std)
    assert made.operator is problem.operator
    assert made.scale == 1.0  # nobody is to scale it once more
    torch.testing.assert_close(scale * made.zero_filled, problem.zero_filled)


def test_what_is_unknown_stays_unknown(small) -> None:
    made = replace(small.problem("sense"), noise_std=None).rescaled(4.0)
    assert (made.noise_std, made.initial) == (None, None)


def test_rescaling_twice_is_rescaling_by_the_product(small) -> None:
    problem = replace(small.problem("sense"), initial=small.normal((4, 4), torch.complex128))
    twice, once = problem.rescaled(2.0).rescaled(8.0), problem.rescaled(16.0)
    assert torch.equal(twice.y, once.y)
    assert torch.equal(twice.initial, once.initial)
    assert twice.noise_std == once.noise_std


def test_all_of_it_is_moved(small, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = replace(small.problem("sense"), initial=small.normal((4, 4), torch.complex128), scale=3.0)
    moved: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(torch.Tensor, "to", lambda tensor, device: moved.append(device) or tensor.clone())
        made = problem.to("there")
    assert moved == ["there"] * 4  # mask, coil maps, y, initial image
    assert (made.noise_std, made.scale) == (problem.noise_std, 3.0)
    torch.testing.assert_close(made.zero_filled, problem.zero_filled)


COPIES = {
    "rescaled": lambda problem: problem.rescaled(4.0),
    "moved": lambda problem: problem.to("cpu"),
    "told a scale": lambda problem: problem.with_scale(3.0),
    "told the noise": lambda problem: problem.with_noise_std(0.2),
    "observed": lambda problem: problem.observed_by(2.0 * problem.operator),
}


def looks(monkeypatch: pytest.MonkeyPatch, problem: Problem, copied: Callable[[Problem], Problem]) -> int:
    """How often a copy looks for NaN in the measurement."""
    found, isfinite = [], torch.isfinite
    with monkeypatch.context() as patched:
        patched.setattr(torch, "isfinite", lambda x: found.append(x.shape) or isfinite(x))
        copied(problem)
    return found.count(problem.y.shape)


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_measurement_that_is_known_to_be_finite_is_not_looked_through_again(small, monkeypatch, copied) -> None:
    problem = replace(small.problem("sense"), initial=small.normal((4, 4), torch.complex128), scale=2.0)
    assert looks(monkeypatch, problem, copied) == 0
    made = copied(problem)
    assert made.largest == pytest.approx(float(made.y.abs().max()))
    as_new = replace(made)
    assert [repr(made), made.scale, made.largest] == [repr(as_new), as_new.scale, as_new.largest]
    assert torch.equal(made.zero_filled, as_new.zero_filled)


def test_a_measurement_that_users_give_is_looked_through(small, monkeypatch) -> None:
    problem = small.problem("sense")
    assert looks(monkeypatch, problem, lambda problem: replace(problem, scale=3.0)) == 1
    y = problem.y.clone()
    y.view(-1)[3] = torch.nan
    with pytest.raises(InputError, match="NaN"):
        replace(problem, y=y)


def test_what_is_known_beforehand_is_known_of_one_image(small) -> None:
    problem = replace(small.problem("sense"), initial=small.normal((4, 4), torch.complex128))
    assert problem.observed_by(problem.operator).initial is None


@pytest.mark.parametrize(
    ("copied", "words"),
    [
        (lambda problem: problem.rescaled(1e-39), "too large for torch.complex64 in these units"),
        (lambda problem: problem.rescaled(1e39).rescaled(1e39), "zero everywhere"),
        (lambda problem: problem.with_noise_std(1e300).rescaled(1e-30), "zero or more, but got inf"),
        (lambda problem: problem.with_scale(0.0), "positive intensity"),
        (lambda problem: problem.with_noise_std(-1.0), "zero or more"),
        (lambda problem: problem.with_noise_std(float("nan")), "zero or more"),
        (lambda problem: problem.observed_by(denoising((4, 4))), r"has shape \(3, 8\)"),
    ],
)
def test_copies_that_make_no_sense_are_refused(small, copied: Callable[[Problem], Problem], words: str) -> None:
    problem = small.problem("sense")
    with pytest.raises(InputError, match=words):
        copied(Problem(problem.operator, problem.y.to(torch.complex64), problem.noise_std))


@pytest.mark.parametrize("intensity", [None, Intensity(90.0, 1.0)])
def test_a_run_begins_from_an_image_in_the_measurement_s_units(small, intensity: Intensity | None) -> None:
    """All of it 8 times as loud: 8 times the result, where the prior knows an intensity."""
    prior = small.prior(2)
    prior.intensity = intensity
    run = Sampler(VE(0.1, 4), Geometric(4), [DDIM(0.5)], TwoChannel(), start=LateStart(0.5, image="initial"))
    problem = replace(small.problem("sense"), initial=small.normal((4, 4), torch.complex128))
    louder = Problem(problem.operator, 8 * problem.y, 8 * problem.noise_std, initial=8 * problem.initial)
    quiet, loud = run(problem, prior), run(louder, prior)
    assert torch.equal(loud.samples, 8 * quiet.samples) == (intensity is not None)
    forgotten = run(replace(louder, initial=problem.initial), prior)
    assert not torch.allclose(forgotten.samples, loud.samples, rtol=1e-2)


@pytest.mark.parametrize("name", ["fourier", "sense", "inpainting"])
def test_least_squares_is_regularised(small, name: str) -> None:
    """(AᴴA + weight)⁻¹ Aᴴ y, by dense matrices."""
    problem = small.problem(name)
    units = torch.eye(16, dtype=torch.complex128).reshape(16, 4, 4)
    A = problem.operator(units).reshape(16, -1).numpy().T
    for weight in (0.01, 0.5):
        expected = np.linalg.solve(A.conj().T @ A + weight * np.eye(16), A.conj().T @ problem.y.flatten().numpy())
        made = problem.least_squares(weight).flatten().numpy()
        np.testing.assert_allclose(made, expected, rtol=2e-3, atol=2e-3)
    assert not torch.allclose(problem.least_squares(0.5), problem.least_squares(), rtol=0.1)


@given(kind=st.sampled_from(["<c8", ">c8", "<c16", ">c16"]), step=st.sampled_from([1, 2, -1]), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_numpy_arrays_of_any_byte_order_and_stride_are_taken(small, kind: str, step: int, seed: int) -> None:
    mask, maps, image = (small.normal(shape, torch.complex128, seed) for shape in [(4, 4), (3, 4, 4), (4, 4)])
    sampled, stored = mask.real.numpy() > -1, [np.repeat(a.numpy().astype(kind), 2, -1) for a in (maps, image)]
    strided_maps, strided_image = (a[..., ::step][..., :4] for a in stored)
    made = sense(sampled, strided_maps)
    expected = sense(torch.tensor(sampled), torch.tensor(strided_maps.astype(kind[1:]).copy()))
    assert same(made, expected)
    y = expected(torch.tensor(strided_image.astype(kind[1:]).copy()))
    problem = Problem(made, y.numpy().astype(kind), initial=strided_image)
    assert torch.equal(problem.y, y)
    assert torch.equal(problem.operator(problem.initial), y)
    assert torch.equal(problem.least_squares(), Problem(expected, y).least_squares())
    assert not torch.equal(problem.y, Problem(made, -y.numpy()).y)


def test_a_numpy_array_that_changes_later_changes_no_problem(small) -> None:
    y = small.problem("fourier").y.numpy().copy()
    problem = Problem(small.operators["fourier"], y)
    kept = problem.y.clone()
    y[:] = 0
    assert torch.equal(problem.y, kept)


def test_what_is_no_array_is_refused(small) -> None:
    with pytest.raises(InputError, match="A Problem takes torch tensors or NumPy arrays but got a list"):
        Problem(denoising((2,)), [1.0, 2.0])
    with pytest.raises(InputError, match=r"A Problem takes single or double precision but got torch\.float16"):
        Problem(denoising((2,)), torch.ones(2).half())


@pytest.mark.parametrize("name", ["fourier", "sense", "inpainting", "denoising", "unmeasured"])
def test_a_problem_pickles_after_a_run(small, name: str) -> None:
    problem = Problem.unmeasured((4, 4), dtype=torch.complex128) if name == "unmeasured" else small.problem(name)
    steps = [DDIM(0.5)] if name == "unmeasured" else [DDIM(0.5), ProjectionConsistency(0.5)]
    run, prior = Sampler(VE(0.1, 4), Geometric(3), steps, TwoChannel()), small.prior(2)
    expected = run(problem, prior).samples
    problem.zero_filled, problem.operator.row_projection, problem.operator.norm()
    copied = pickle.loads(pickle.dumps(problem))
    assert torch.equal(run(copied, prior).samples, expected)
    assert repr(copied) == repr(problem)


def test_zero_filled_is_the_adjoint_of_the_data(small) -> None:
    problem = small.problem("sense")
    assert torch.equal(problem.zero_filled, problem.operator.H(problem.y))
    image = small.normal((4, 4), torch.float64)
    assert torch.equal(Problem(denoising((4, 4)), image).zero_filled, image)
