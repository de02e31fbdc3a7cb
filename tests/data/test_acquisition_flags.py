import ismrmrd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data.formats.acquisition_flags import FLAGS, Use, has_flag, is_reversed, unknown_flags, use_of

NAMED = {name.removeprefix("ACQ_"): number for name, number in vars(ismrmrd).items() if name.startswith("ACQ_")}
ANY = st.sets(st.sampled_from(FLAGS))


def test_every_flag_of_the_standard_is_there() -> None:
    known = {flag.name: flag.number for flag in FLAGS}
    assert known.items() >= NAMED.items()
    assert known["IS_PHASE_STABILIZATION_REFERENCE"] == 30  # which earlier releases of the library lack
    assert known["IS_PHASE_STABILIZATION"] == 31
    assert len({flag.number for flag in FLAGS}) == len(known) == len(FLAGS)


@given(ANY)
def test_what_wins_where_flags_differ(flags: set) -> None:
    bits = sum(flag.bit for flag in flags)
    uses = {flag.use for flag in flags}
    order = (Use.REFUSED, Use.LEFT_OUT, Use.NOISE, Use.IMAGE, Use.CALIBRATION)
    assert use_of(bits) is next((use for use in order if use in uses), Use.IMAGE)
    assert is_reversed(bits) == (Use.REVERSED in uses)
    assert all(has_flag(bits, flag.name) == (flag in flags) for flag in FLAGS)


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
def test_bits_are_those_of_the_library(flag: object) -> None:
    line = ismrmrd.Acquisition()
    line.set_flag(flag.number)
    assert line.flags == flag.bit
    assert has_flag(line.flags, flag.name)


@given(ANY, st.sets(st.integers(32, 52)))
def test_flags_that_the_standard_lacks_are_named(flags: set, others: set[int]) -> None:
    bits = sum(flag.bit for flag in flags) + sum(1 << (number - 1) for number in others)
    assert unknown_flags(bits) == tuple(sorted(others))
