import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.diffusion import SDE, VE, VP, Cosine, SubVP
from invdiff.errors import InputError

SDES = [VE(), VE(0.3, 5.0), VP(), VP(0.3, 4.0), SubVP(), SubVP(0.3, 4.0), Cosine(), Cosine(1.0, 0.05)]
times = st.floats(0.02, 0.98)
every_sde = pytest.mark.parametrize("sde", SDES, ids=repr)


def slope(function, t: float, h: float = 1e-4) -> float:
    """The derivative, to fourth order."""
    return (8 * (function(t + h) - function(t - h)) - (function(t + 2 * h) - function(t - 2 * h))) / (12 * h)


def squared_diffusion(sde: SDE, t: float, sign: float = -1) -> float:
    """g^2 = d(beta^2)/dt - 2 f beta^2 (Song 2020, app. B)."""
    return slope(lambda s: sde.beta(s) ** 2, t) + sign * 2 * sde.drift(t) * sde.beta(t) ** 2


@every_sde
@given(t=times)
def test_drift_is_the_slope_of_the_logarithm_of_alpha(sde: SDE, t: float) -> None:
    assert math.isclose(sde.drift(t), slope(lambda s: math.log(sde.alpha(s)), t), rel_tol=1e-6, abs_tol=1e-9)


@every_sde
@given(t=times)
def test_diffusion_agrees_with_alpha_and_beta(sde: SDE, t: float) -> None:
    assert math.isclose(sde.diffusion(t) ** 2, squared_diffusion(sde, t), rel_tol=1e-6)


def test_the_check_of_diffusion_rejects_a_wrong_sign() -> None:
    assert not math.isclose(VP().diffusion(0.5) ** 2, squared_diffusion(VP(), 0.5, sign=1), rel_tol=0.1)


def test_the_check_of_diffusion_rejects_vp_for_sub_vp() -> None:
    assert not math.isclose(VP().diffusion(0.3) ** 2, squared_diffusion(SubVP(), 0.3), rel_tol=0.1)


@every_sde
@given(t=st.floats(1e-3, 1.0))
def test_time_inverts_sigma(sde: SDE, t: float) -> None:
    assert math.isclose(sde.time(sde.beta(t) / sde.alpha(t)), t, rel_tol=1e-6, abs_tol=1e-9)


@pytest.mark.parametrize("sde", [VP(), SubVP()], ids=repr)
@given(sigma=st.floats(1e-15, 1e15))
def test_time_keeps_its_digits_at_the_ends(sde: SDE, sigma: float) -> None:
    t = sde.time(sigma)
    assert math.isclose(sde.beta(t) / sde.alpha(t), sigma, rel_tol=1e-6)


def test_published_numbers() -> None:
    assert VE(0.01, 128).beta(0) == pytest.approx(0.01)
    assert VE(0.01, 128).beta(1) == pytest.approx(128)
    assert VE(0.01, 378).end == 1e-5
    assert VP().end == 1e-3
    assert VP().beta(1e-3) == pytest.approx(0.0105, abs=1e-4)
    assert VP().beta(1) == pytest.approx(1, abs=1e-4)
    assert SubVP().beta(0.4) == pytest.approx(VP().beta(0.4) ** 2)


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), (2, 1), (1, 1), (0.1, math.inf), (math.nan, 1), (0.1, math.nan)])
@pytest.mark.parametrize("kind", [VE, VP, SubVP])
def test_ranges_that_make_no_sense_are_refused(kind: type[SDE], values: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=r"_(min|max) is the .*, above zero, but got|needs \w+_min < \w+_max but got"):
        kind(*values)


def published_cosine(t: float, s: float = 0.008) -> float:
    """abar = f(t) / f(0), f(t) = cos^2((t + s) / (1 + s) pi / 2) (Nichol & Dhariwal 2021, eq. 17)."""
    f = [math.cos((u + s) / (1 + s) * math.pi / 2) ** 2 for u in (t, 0.0)]
    return f[0] / f[1]


@given(t=times)
def test_cosine_is_the_published_schedule(t: float) -> None:
    """alpha^2 = abar and beta = 0.5 sqrt(1 - abar), the scale of MC-DDPM (Xie & Li 2022)."""
    sde = Cosine()
    assert math.isclose(sde.alpha(t) ** 2, published_cosine(t), rel_tol=1e-9)
    assert math.isclose(sde.beta(t), 0.5 * math.sqrt(1 - published_cosine(t)), rel_tol=1e-9)
    assert math.isclose(Cosine(scale=1.0).beta(t) ** 2 + Cosine(scale=1.0).alpha(t) ** 2, 1, rel_tol=1e-9)
    assert not math.isclose(sde.alpha(t) ** 2, published_cosine(t, 0.02), rel_tol=1e-4)


def test_cosine_has_noise_of_its_scale_at_its_begin_and_none_at_zero() -> None:
    assert Cosine(0.5).beta(1.0) == pytest.approx(0.5)
    assert Cosine(0.5).beta(Cosine(0.5).begin) == pytest.approx(0.5, abs=1e-5)
    assert (Cosine().alpha(0.0), Cosine().beta(0.0)) == (1.0, 0.0)
    assert Cosine().alpha(1.0) == pytest.approx(0, abs=1e-12)  # so a run begins a little before
    assert Cosine().alpha(Cosine().begin) > 1e-3


@pytest.mark.parametrize("values", [(0.0, 0.008), (-0.5, 0.008), (math.nan, 0.008), (0.5, 0.0), (0.5, math.nan)])
def test_cosines_that_make_no_sense_are_refused(values: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=r"(scale|offset) is the .*, above zero, but got"):
        Cosine(*values)
