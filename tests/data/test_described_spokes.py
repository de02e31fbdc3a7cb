"""Spokes by the header alone: where they lie, and what is refused rather than guessed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import radial
from invdiff.data.formats.described_spokes import described_angle, described_spoke
from invdiff.errors import InputError

PATH = Path("scan.h5")
REVERSE = 1 << 21


def encoding(kind: str, identifier: str | None = None) -> Any:
    description = None if identifier is None else SimpleNamespace(identifier=identifier)
    return SimpleNamespace(trajectory=kind, trajectoryDescription=description)


def readout(number: int, samples: int, centre: int, before: int = 0, behind: int = 0, flags: int = 0) -> Any:
    return SimpleNamespace(
        number_of_samples=samples,
        discard_pre=before,
        discard_post=behind,
        center_sample=centre,
        flags=flags,
        idx=SimpleNamespace(kspace_encode_step_1=number),
    )


@pytest.mark.parametrize(
    ("kind", "identifier", "degrees"),
    [
        ("goldenangle", None, 111.246),
        ("goldenangle", "Custom Trajectory Info", 111.246),
        ("radial", "GoldenAngle", 111.246),
        ("other", "golden_angle_radial", 111.246),
        ("goldenangle", "TinyGoldenAngle1", 111.246),
        ("radial", "tiny golden angle 2", 68.754),
        ("goldenangle", "tinyGoldenAngle7", 23.6281),
        ("radial", "tiny_golden_10", 16.9523),
    ],
)
def test_golden_angles(kind: str, identifier: str | None, degrees: float) -> None:
    assert np.rad2deg(described_angle(PATH, encoding(kind, identifier))) == pytest.approx(degrees, abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "identifier", "said"),
    [
        ("radial", None, "nor does the header say the angle from one to the next, as 'goldenangle' would"),
        ("radial", "uniform", "nor does the header say the angle"),
        ("goldenangle", "TinyGoldenAngle", "'tinygoldenangle' has no number"),
        ("radial", "tiny golden angle 7 of 100", "has no number"),
        ("spiral", "HargreavesVDS2000", r"limits of gradients alone \(HargreavesVDS2000\)"),
        ("spiral", None, "holds a spiral scan whose readouts do not say where they lie"),
    ],
)
def test_what_programs_do_not_agree_on_is_refused(kind: str, identifier: str | None, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        described_angle(PATH, encoding(kind, identifier))
    assert "write their trajectory with them" in str(refused.value)


@given(
    angle=st.floats(-7, 7),
    spokes=st.integers(1, 9),
    samples=st.integers(2, 30),
    before=st.integers(0, 3),
    behind=st.integers(0, 3),
)
def test_spokes_are_those_of_a_radial_scan(angle: float, spokes: int, samples: int, before: int, behind: int) -> None:
    expected = radial(spokes, samples, angle).points
    for number in range(spokes):
        one = readout(number, samples + before + behind, samples // 2 + before, before, behind)
        np.testing.assert_allclose(described_spoke(one, angle), expected[number], atol=1e-12)


@given(samples=st.integers(2, 30), before=st.integers(0, 3), behind=st.integers(0, 3))
def test_what_is_read_backwards_lies_backwards(samples: int, before: int, behind: int) -> None:
    """The number of the central sample counts along k-space, whose beginning is the end in time."""
    one = readout(3, samples + before + behind, samples // 2 + behind, before, behind, REVERSE)
    np.testing.assert_allclose(described_spoke(one, 1.0), radial(4, samples, 1.0).points[3, ::-1], atol=1e-12)
