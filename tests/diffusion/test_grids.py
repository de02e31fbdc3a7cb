import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.diffusion import (
    SDE,
    VE,
    VP,
    Cosine,
    DiscreteCosine,
    DiscreteVP,
    DownToNoise,
    Geometric,
    Grid,
    HalfQuadratic,
    Karras,
    Levels,
    Problem,
    Sampler,
    SubVP,
    TwoChannel,
    Uniform,
)
from invdiff.errors import InputError

SDES = [VE(0.01, 378), VP(), SubVP(), Cosine()]
GRIDS = [Uniform, Geometric, Karras]


def consistent_with(sde: SDE, levels: Levels) -> bool:
    """Every level is the SDE's at its time."""
    return all(
        math.isclose(levels.alpha[k], sde.alpha(t), rel_tol=1e-9)
        and math.isclose(levels.beta[k], sde.beta(t), rel_tol=1e-6)
        for k, t in enumerate(levels.time)
    )


@pytest.mark.parametrize("sde", SDES, ids=lambda sde: type(sde).__name__)
@pytest.mark.parametrize("grid", GRIDS)
@given(steps=st.integers(1, 60))
def test_levels_fall_to_the_clean_image(grid: type[Grid], sde: SDE, steps: int) -> None:
    levels = grid(steps).levels(sde)
    assert levels.steps == steps == grid(steps).steps
    assert len(levels.alpha) == len(levels.beta) == steps + 1
    assert len(levels.time) == len(levels.dt) == steps
    assert (levels.alpha[-1], levels.beta[-1]) == (1.0, 0.0)
    sigmas = [levels.sigma(k) for k in range(steps + 1)]
    assert all(high > low for high, low in pairwise(sigmas))
    assert all(length > 0 for length in levels.dt)
    assert consistent_with(sde, levels)
    assert all(levels.kernel(k)[1] >= 0 for k in range(steps))


def test_the_check_of_levels_rejects_those_of_another_sde() -> None:
    assert not consistent_with(SubVP(), Uniform(9).levels(VP()))


def test_geometric_is_the_discretisation_of_ve() -> None:
    """sigma_i = exp(linspace(ln sigma_min, ln sigma_max, N)) (Song 2020, app. F)."""
    levels = Geometric(20).levels(VE(0.01, 378))
    expected = np.exp(np.linspace(np.log(0.01), np.log(378), 20))[::-1]
    np.testing.assert_allclose(levels.beta[:-1], expected, rtol=1e-12)
    assert set(levels.alpha) == {1.0}
    r, v = levels.kernel(4)
    assert r == 1
    assert v == pytest.approx(expected[4] ** 2 - expected[5] ** 2)


def test_discrete_vp_is_the_chain_of_ddpm() -> None:
    """r = sqrt(1 - b_i) and v = b_i (Ho 2020), also on the move to the clean image."""
    levels, b = DiscreteVP(1000).levels(VP()), np.linspace(1e-4, 0.02, 1000)[::-1]
    r, v = np.transpose([levels.kernel(k) for k in range(1000)])
    np.testing.assert_allclose(v, b, rtol=1e-9)
    np.testing.assert_allclose(r, np.sqrt(1 - b), rtol=1e-12)
    assert not np.allclose(v[1:], b[:-1], rtol=1e-9)


def test_discrete_vp_is_the_vp_sde_in_the_limit() -> None:
    """b_i = beta(i/N)/N (Song 2020, app. E)."""
    levels = DiscreteVP(1000).levels(VP())
    alpha = [VP().alpha(t) for t in levels.time]
    np.testing.assert_allclose(levels.alpha[:-1], alpha, rtol=4e-2)


@pytest.mark.parametrize(("steps", "times"), [(50, range(0, 1000, 20)), (20, range(0, 1000, 50)), (1000, range(1000))])
def test_discrete_vp_strides_as_dds_does(steps: int, times: range) -> None:
    """The times 980, 960, .., 20, 0 for 50 steps: the first level is not the chain's last."""
    levels, product = DiscreteVP(steps).levels(VP()), np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    np.testing.assert_allclose(levels.alpha[:-1], np.sqrt(product[times][::-1]), rtol=1e-9)
    np.testing.assert_allclose(levels.beta[:-1], np.sqrt(1 - product[times][::-1]), rtol=1e-9)


def mc_ddpm_chain(scale: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(a, b, abar, bbar) of Xie & Li 2022, step by step: a_t = sqrt(1 - beta_t), b_t = scale sqrt(beta_t), with the
    beta_t of Nichol & Dhariwal 2021, at most 0.999; bbar_t^2 = abar_t^2 sum_{s <= t} b_s^2 / abar_s^2."""
    f = np.cos((np.arange(1001) / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
    beta = np.minimum(1 - f[1:] / f[:-1], 0.999)
    a, b = np.sqrt(1 - beta), scale * np.sqrt(beta)
    abar, total = [], []
    for t in range(1000):
        abar.append(a[t] * (abar[-1] if abar else 1.0))
        total.append(b[t] ** 2 / abar[-1] ** 2 + (total[-1] if total else 0.0))
    return a, b, np.array(abar), np.sqrt(np.array(abar) ** 2 * np.array(total))


def test_discrete_cosine_is_the_chain_of_mc_ddpm() -> None:
    levels = DiscreteCosine(1000).levels(Cosine(0.5))
    a, b, abar, bbar = (values[::-1] for values in mc_ddpm_chain())
    np.testing.assert_allclose(levels.alpha[:-1], abar, rtol=1e-9)
    np.testing.assert_allclose(levels.beta[:-1], bbar, rtol=1e-9)
    np.testing.assert_allclose(np.square(bbar), 0.25 * (1 - np.square(abar)), rtol=1e-9)
    r, v = np.transpose([levels.kernel(k) for k in range(1000)])
    np.testing.assert_allclose(r, a, rtol=1e-9)
    np.testing.assert_allclose(v, np.square(b), rtol=1e-6)
    assert not np.allclose(v, np.square(b) / 0.25, rtol=0.5)  # the kernel without the scale


def test_the_first_move_of_the_cosine_chain_is_bounded() -> None:
    """beta_T = 0.999 at most: without the bound nothing of the image would be left at the first level."""
    levels = DiscreteCosine(1000).levels(Cosine())
    _, v = levels.kernel(0)
    assert v == pytest.approx(0.25 * 0.999, rel=1e-6)
    assert levels.alpha[0] == pytest.approx(levels.alpha[1] * 0.001**0.5, rel=1e-9)
    assert levels.alpha[0] > 10 * Cosine().alpha(1.0)


@pytest.mark.parametrize("steps", [1, 7, 20, 500, 1000])
def test_discrete_cosine_is_respaced_by_its_levels(steps: int) -> None:
    """Every so-many-th (abar, bbar) from the clean end; the kernel is a = abar / abar', b^2 = bbar^2 - a^2 bbar'^2."""
    levels = DiscreteCosine(steps).levels(Cosine(0.5))
    *_, abar, bbar = mc_ddpm_chain()
    used = range(0, 1000, 1000 // steps)[:steps][::-1]
    np.testing.assert_allclose(levels.alpha[:-1], abar[used], rtol=1e-9)
    np.testing.assert_allclose(levels.beta[:-1], bbar[used], rtol=1e-9)
    for k in range(steps - 1):
        a = levels.alpha[k] / levels.alpha[k + 1]
        assert levels.kernel(k) == pytest.approx((a, levels.beta[k] ** 2 - (a * levels.beta[k + 1]) ** 2))
        assert 0 < levels.kernel(k)[1] < 0.25


def test_the_cosine_chain_is_its_sde_below_the_bound() -> None:
    levels = DiscreteCosine(1000).levels(Cosine())
    assert consistent_with(Cosine(), Levels(levels.alpha[1:], levels.beta[1:], levels.time[1:], levels.dt[1:]))
    assert not consistent_with(Cosine(), levels)  # its first level is where the bound acts


@given(steps=st.integers(1, 100))
def test_any_stride_has_its_number_of_levels(steps: int) -> None:
    levels = DiscreteVP(steps, 100).levels(VP())
    assert levels.steps == steps
    assert sum(levels.dt) == pytest.approx(levels.time[0])
    assert all(a < b for a, b in pairwise(levels.alpha))


@pytest.mark.parametrize("grid", [Geometric(10), Karras(10, 378, 0.001)])
def test_the_last_step_of_ve_is_as_long_as_the_one_before(grid: Grid) -> None:
    """VE is clean at no time, and its noise at t = 0, or below, is still to be removed."""
    levels = grid.levels(VE(0.01, 378))
    assert levels.dt[-1] == levels.dt[-2] > 0


@pytest.mark.parametrize("grid", [Geometric(1, 0.3), Karras(1, 0.3), Geometric(3, 0.3, 0.3), Karras(3, 0.001, 0.001)])
def test_the_only_level_of_ve_is_left_in_one_step(grid: Grid) -> None:
    """x + g^2 dt s is then the denoised image, by Tweedie's formula; with the level's time it is that of another."""
    sde, levels = VE(0.01, 378), grid.levels(VE(0.01, 378))
    assert sde.diffusion(levels.time[-1]) ** 2 * levels.dt[-1] == pytest.approx(levels.beta[-2] ** 2)
    assert sde.diffusion(levels.time[-1]) ** 2 * levels.time[-1] != pytest.approx(levels.beta[-2] ** 2)


@pytest.mark.parametrize("sde", SDES[1:], ids=lambda sde: type(sde).__name__)
@pytest.mark.parametrize("grid", [Geometric(10), Karras(10)])
def test_the_last_step_of_vp_ends_at_its_clean_image(grid: Grid, sde: SDE) -> None:
    levels = grid.levels(sde)
    assert sum(levels.dt) == pytest.approx(levels.time[0])


def test_uniform_is_the_papers_grid() -> None:
    levels = Uniform(1000).levels(VE(0.01, 378))
    assert (levels.time[0], levels.time[-1]) == (1.0, 1e-5)
    assert set(levels.dt) == {1e-3}
    assert levels.beta[0] == pytest.approx(378)


def test_karras_is_equation_5() -> None:
    levels = Karras().levels(VE(0.002, 80))
    i = np.arange(18)
    expected = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    np.testing.assert_allclose(levels.beta[:-1], expected, rtol=1e-9)


@pytest.mark.parametrize("sde", SDES, ids=lambda sde: type(sde).__name__)
def test_karras_has_the_same_sigmas_under_any_sde(sde: SDE) -> None:
    levels, ve = Karras(9, 30, 0.02).levels(sde), Karras(9, 30, 0.02).levels(VE(0.02, 30))
    np.testing.assert_allclose([levels.sigma(k) for k in range(9)], ve.beta[:-1], rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Uniform(0), "number of noise levels"),
        (lambda: Geometric(-3), "number of noise levels"),
        (lambda: Karras(0), "number of noise levels"),
        (lambda: DiscreteVP(0), "number of noise levels"),
        (lambda: Uniform(10**9), "from 1 to 100000, but got 1000000000"),
        (lambda: Karras(100_001), "from 1 to 100000"),
        (lambda: DiscreteVP(10, 10**9), "number of levels of the whole chain"),
        (lambda: DiscreteVP(11, 10), "can't be strided in 11 steps"),
        (lambda: DiscreteVP(10, 10, 0.0, 0.02), "first is the rate of noise"),
        (lambda: DiscreteVP(10, 10, 1e-4, 1.0), "last is the rate of noise"),
        (lambda: DiscreteVP(10, 10, 0.03, 0.02), "needs first <= last"),
        (lambda: DiscreteVP(10).levels(VE()), "chain of VP levels, but the SDE is VE"),
        (lambda: DiscreteVP(10).levels(SubVP()), "chain of VP levels, but the SDE is SubVP"),
        (lambda: DiscreteCosine(0), "number of noise levels"),
        (lambda: DiscreteCosine(11, 10), "can't be strided in 11 steps"),
        (lambda: DiscreteCosine(10).levels(VP()), "chain of cosine levels, but the SDE is VP"),
        (lambda: DiscreteVP(10).levels(Cosine()), "chain of VP levels, but the SDE is Cosine"),
        (lambda: Geometric(5, sigma_max=-1.0), "above zero, but got"),
        (lambda: Geometric(5, sigma_min=math.nan), "above zero, but got"),
        (lambda: Geometric(5, 1.0, 2.0), "exchange them"),
        (lambda: Geometric(5, sigma_max=0.001).levels(VE(0.01, 10)), "exchange them"),
        (lambda: Karras(5, 1.0, 2.0), "exchange them"),
        (lambda: Karras(5, math.inf), "above zero, but got"),
        (lambda: Karras(5, rho=0.0), "rho"),
    ],
)
def test_grids_that_make_no_sense_are_refused(make, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


# Down to the noise


def check_down_to_noise(levels: Levels, noise_std: float, times_noise: float) -> None:
    """Falling from 0.35, or from the last where that is more, to the multiple of the noise, or to 0.004."""
    last = max(times_noise * noise_std, 0.004)
    sigmas = [levels.sigma(k) for k in range(levels.steps)]
    assert sigmas == sorted(sigmas, reverse=True)
    assert sigmas[0] == pytest.approx(max(0.35, last))
    if levels.steps > 1:
        assert sigmas[-1] == pytest.approx(last)


@pytest.mark.parametrize("sde", SDES, ids=lambda sde: type(sde).__name__)
@given(
    noise_std=st.sampled_from([0.0, 1e-12]) | st.floats(1e-6, 3.0),
    times_noise=st.floats(0.5, 4),
    steps=st.integers(1, 9),
)
def test_levels_go_down_to_the_noise(sde: SDE, noise_std: float, times_noise: float, steps: int) -> None:
    grid = DownToNoise(steps, times_noise=times_noise)
    check_down_to_noise(grid.given(noise_std).levels(sde), noise_std, times_noise)
    check_down_to_noise(grid.given(None).levels(sde), 0.0, times_noise)
    check_down_to_noise(grid.levels(sde), 0.0, times_noise)


@pytest.mark.parametrize("noise_std", [0.01, 0.02, 0.5])
def test_levels_of_another_noise_are_noticed(noise_std: float) -> None:
    with pytest.raises(AssertionError):
        check_down_to_noise(DownToNoise(5).given(1.1 * noise_std).levels(VE()), noise_std, 2.0)


@pytest.mark.parametrize("scale", [1.0, 8.0, 1e-9])
def test_the_noise_is_that_of_an_operator_of_norm_one_in_the_prior_s_units(small, scale: float) -> None:
    problem = small.problem("sense", noise_std=0.1)
    sampler = Sampler(VE(), DownToNoise(4), [HalfQuadratic()], TwoChannel())
    louder = Problem(scale * problem.operator, scale * problem.y, scale * 0.1, scale=2.0)
    assert sampler.bind(louder, small.prior(2)).levels.sigma(3) == pytest.approx(2 * 0.1 / 2)


def test_a_grid_down_to_the_noise_needs_it(small) -> None:
    problem = replace(small.problem("sense"), noise_std=None)
    with pytest.raises(InputError, match=r"DownToNoise needs the noise level: give Problem\(noise"):
        Sampler(VE(), DownToNoise(4), [HalfQuadratic()], TwoChannel()).bind(problem, small.prior(2))


@pytest.mark.parametrize(
    "make", [lambda: DownToNoise(0), lambda: DownToNoise(times_noise=0.0), lambda: DownToNoise(sigma_max=math.nan)]
)
def test_grids_down_to_the_noise_that_make_no_sense_are_refused(make: Callable[[], Grid]) -> None:
    with pytest.raises(InputError, match=r"number of noise|times_noise is the last level|sigma_(min|max) is the"):
        make()
