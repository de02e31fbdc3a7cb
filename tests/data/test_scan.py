import dataclasses
from typing import Any

import numpy as np
import pytest

from invdiff.data import Scan
from invdiff.errors import InputError


def kspace(slices: int = 2, coils: int = 3, height: int = 8, width: int = 10) -> np.ndarray:
    parts = np.random.default_rng(0).standard_normal((2, slices, coils, height, width))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def test_full_sampling_has_no_mask() -> None:
    scan = Scan(kspace())
    assert scan.mask is None
    assert scan.sampled.all()
    assert (scan.slices, scan.coils, scan.image_shape) == (2, 3, (8, 10))


def test_zero_lines_are_found_without_a_mask() -> None:
    k = kspace()
    k[..., 3] = 0
    k[0, :, :, 5] = 0  # in one slice alone: not a line that was left out
    expected = np.ones((8, 10), bool)
    expected[:, 3] = False
    np.testing.assert_array_equal(Scan(k).mask, expected)


def test_lines_widen_to_the_image() -> None:
    lines = np.arange(10) % 2
    scan = Scan(kspace() * lines, mask=lines.astype(np.float32))
    np.testing.assert_array_equal(scan.mask, np.tile(lines == 1, (8, 1)))


def test_undersample_and_select() -> None:
    scan = Scan(kspace(), maps=kspace(), ground_truth=kspace()[:, 0])
    lines = np.arange(10) < 5
    under = scan.undersample(lines).select([-1])
    np.testing.assert_array_equal(under.kspace, scan.kspace[1:] * lines)
    np.testing.assert_array_equal(under.maps, scan.maps[1:])
    np.testing.assert_array_equal(under.ground_truth, scan.ground_truth[1:])
    assert under.undersample(np.arange(10) > 2).sampled.sum() == 8 * 2


def test_double_precision_is_converted() -> None:
    assert Scan(kspace().astype(np.complex128)).kspace.dtype == np.complex64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kspace": kspace()[0]}, r"kspace has shape \(3, 8, 10\)"),
        ({"kspace": kspace().real}, "float32, not complex"),
        ({"kspace": kspace() * np.nan}, r"kspace of shape \(2, 3, 8, 10\) holds NaN"),
        ({"kspace": np.full((1, 1, 2, 2), 1e300 + 0j)}, r"numbers up to 1e\+300, too large"),
        ({"kspace": 0 * kspace()}, "zero everywhere"),
        ({"mask": np.arange(10) < 5}, "40 of 80 k-space positions hold signal"),
        ({"mask": np.ones(9)}, r"mask has shape \(9,\)"),
        ({"mask": np.full(10, 0.5)}, "other than 0 and 1"),
        ({"maps": kspace()[:, :2]}, r"maps has shape \(2, 2, 8, 10\)"),
        ({"maps": kspace().real}, "maps of shape .* not complex"),
        ({"ground_truth": kspace()}, "ground_truth has shape"),
        ({"noise_std": -1.0}, "noise_std is -1.0"),
        ({"noise_std": float("nan")}, "noise_std is nan"),
    ],
)
def test_what_does_not_agree_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        dataclasses.replace(Scan(kspace(), name="knee.h5"), **change)
    assert str(caught.value).startswith("knee.h5: ")


@pytest.mark.parametrize("slices", [[], [2], [-3]])
def test_slices_that_are_not_there(slices: list[int]) -> None:
    with pytest.raises(InputError, match="slices 0 to 1"):
        Scan(kspace()).select(slices)
