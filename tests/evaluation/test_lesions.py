import math
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.evaluation import Lesion, lesions_all_over
from invdiff.evaluation.lesions import APART, check_apart

SIDE = 40
PLACES = st.tuples(st.floats(8, 31), st.floats(8, 31))
SIZES = st.tuples(st.floats(1, 12), st.floats(1, 12))
CONTRASTS = st.floats(0.01, 1) | st.floats(-1, -0.01)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.complex64, torch.complex128])


def smooth(dtype: torch.dtype, sets: int | None = None) -> torch.Tensor:
    """An image with a phase that is the same everywhere in each of its sets."""
    line = torch.linspace(0.2, math.pi - 0.2, SIDE, dtype=torch.float64).sin()
    image = torch.outer(line, line)
    if dtype.is_complex:
        image = image * torch.exp(torch.tensor(0.7j, dtype=torch.complex128))
    image = image if sets is None else torch.stack([image * (k + 1) for k in range(sets)])
    return image.to(dtype)


@given(PLACES, SIZES)
def test_a_disc_is_one_in_the_centre_and_half_at_the_rim(place: tuple[float, float], size: tuple[float, float]) -> None:
    centre, rim = round(place[0]), round(size[0] / 2) or 1
    disc = Lesion((centre, place[1] // 1), (2 * rim, size[1]), 1).disc((SIDE, SIDE))
    column = int(place[1] // 1)
    assert disc.shape == (SIDE, SIDE)
    assert float(disc[centre, column]) == float(disc.max()) == 1
    for row in (centre - rim, centre + rim):
        assert float(disc[row, column]) == pytest.approx(0.5)


@given(PLACES, SIZES, CONTRASTS, DTYPES, st.sampled_from([None, 1, 2]))
def test_a_lesion_changes_the_magnitude_by_its_contrast(
    place: tuple[float, float], size: tuple[float, float], contrast: float, dtype: torch.dtype, sets: int | None
) -> None:
    """Where the image is brighter than it is dark: in every set by the set's part of the signal."""
    image = smooth(dtype, sets)
    lesion = Lesion(place, size, 0.1 * contrast)
    alone = lesion.within(image)
    assert (alone.dtype, alone.shape) == (image.dtype, image.shape)

    def magnitude(found: torch.Tensor) -> torch.Tensor:
        return torch.linalg.vector_norm(found.reshape(-1, SIDE, SIDE), dim=0)

    more = magnitude(image + alone) - magnitude(image)
    expected = 0.1 * contrast * float(magnitude(image).max()) * lesion.disc(image.shape)
    torch.testing.assert_close(more.double(), expected, atol=1e-5, rtol=1e-4)
    crooked = 1j * alone if dtype.is_complex else -alone  # without the image's phase it would not be so
    assert not torch.allclose((magnitude(image + crooked) - magnitude(image)).double(), expected, atol=1e-5, rtol=1e-4)


def test_where_there_is_no_signal_it_is_as_bright() -> None:
    image = torch.zeros(SIDE, SIDE, dtype=torch.complex64)
    image[:4] = 2
    assert float(Lesion((30, 20), (4, 4), 0.5).within(image).abs().max()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("place", "size", "contrast", "words"),
    [
        ((20, 20), (0, 0), 0.1, "smaller than a pixel"),
        ((20, 20), (4, 0.9), 0.1, "smaller than a pixel"),
        ((20, 20), (-3, -3), 0.1, "smaller than a pixel"),
        ((20, 20), (4, 4), 0.0, "without contrast"),
        ((math.nan, 20), (4, 4), 0.1, "finite"),
        ((20, 20), (math.inf, 4), 0.1, "finite"),
        ((20, 20), (4, 4), math.nan, "finite"),
        ((-1, 20), (4, 4), 0.1, "does not lie within the image of 40 x 40"),
        ((20, 38.9), (4, 4), 0.1, "does not lie within the image of 40 x 40"),
        ((1e300, 20), (4, 4), 0.1, "does not lie within"),
        ((20, 20), (41, 4), 0.1, "does not lie within"),
    ],
)
def test_refusals(place: tuple[float, float], size: tuple[float, float], contrast: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Lesion(place, size, contrast).within(smooth(torch.complex64))


def test_an_image_of_zeros_has_no_maximum() -> None:
    with pytest.raises(InputError, match="zero everywhere"):
        Lesion((20, 20), (4, 4), 0.1).within(torch.zeros(SIDE, SIDE))


def test_lesions_that_are_too_near_are_refused() -> None:
    one = Lesion((20, 20), (4, 4), 0.1)
    check_apart([one, Lesion((20, 20 + 4 * APART), (4, 4), 0.1)])
    with pytest.raises(InputError, match=r"at 20,20 and 20,31 are 2\.8 of their sizes apart"):
        check_apart([one, Lesion((20, 31), (4, 4), 0.1)])
    with pytest.raises(InputError, match=r"2\.4 of their sizes apart"):
        check_apart([one, Lesion((20, 32), (4, 5), 0.1)])
    with pytest.raises(InputError, match="no lesion"):
        check_apart([])


# All over an image


@given(st.tuples(st.integers(48, 96), st.integers(48, 96)), st.tuples(st.floats(1.5, 4), st.floats(1.5, 4)))
def test_lesions_all_over_are_apart_in_the_signal_and_on_no_common_line(
    shape: tuple[int, int], size: tuple[float, float]
) -> None:
    image = torch.zeros(*shape, dtype=torch.complex64)
    inside = slice(shape[0] // 4, -shape[0] // 4), slice(shape[1] // 4, -shape[1] // 4)
    image[inside] = 1j
    lesions = lesions_all_over(image, size, 0.1)
    check_apart(lesions)
    assert all((lesion.size, lesion.contrast) == (size, 0.1) for lesion in lesions)
    places = torch.tensor([lesion.place for lesion in lesions]) / torch.tensor(size)
    low = (torch.tensor(shape) // 4) / torch.tensor(size) - 0.5
    assert (places > low).all()
    assert (places < (torch.tensor(shape) - torch.tensor(shape) // 4) / torch.tensor(size) + 0.5).all()
    expected = (shape[0] // 2) * (shape[1] // 2) / (16 * size[0] * size[1])
    assert len(lesions) > 0.5 * expected
    for one, other in combinations(places.tolist(), 2):
        near = [abs(a - b) for a, b in zip(one, other, strict=True)]
        assert min(near) > 0.5 or max(near) > APART + 2  # what shares a line is far away along it


def test_a_grid_along_the_axes_would_share_lines() -> None:
    """What the turned grid avoids, as the test before would see it."""
    places = [(4.0 * m, 4.0 * n) for m in range(3) for n in range(3)]
    pairs = [[abs(a - b) for a, b in zip(*pair, strict=True)] for pair in combinations(places, 2)]
    assert not all(min(near) > 0.5 or max(near) > APART + 2 for near in pairs)


@pytest.mark.parametrize("image", [torch.zeros(40, 40), torch.ones(5, 5)])
def test_where_there_is_no_room(image: torch.Tensor) -> None:
    with pytest.raises(InputError, match="no room for a lesion of 8 x 8 pixels"):
        lesions_all_over(image, (8, 8), 0.1)
