import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.diffusion import SDE, VE, VP, SubVP
from invdiff.errors import InputError

SDES = [VE(), VE(0.3, 5.0), VP(), VP(0.3, 4.0), SubVP(), SubVP(0.3, 4.0)]
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
@given(sigma=st.floats(1e-6, 1e6))
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
    with pytest.raises(InputError, match=r"needs 0 < \w+_min < \w+_max but got"):
        kind(*values)
