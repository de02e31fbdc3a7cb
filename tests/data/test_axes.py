"""Names of axes, and arrays brought into this package's order by them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import Axes
from invdiff.data.axes import ONE
from invdiff.data.axes_by_shape import axes_by_shape
from invdiff.errors import InputError

LENGTHS = {"slice": 3, "coil": 5, "y": 7, "x": 6}


def numbers(*shape: int) -> np.ndarray:
    parts = np.random.default_rng(0).standard_normal((2, *shape))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


KSPACE = numbers(*LENGTHS.values())


@given(st.permutations([*LENGTHS]), st.lists(st.integers(0, 4), max_size=2), st.booleans())
def test_any_order_is_brought_back(order: list[str], ones: list[int], parts: bool) -> None:
    array = KSPACE.transpose([[*LENGTHS].index(name) for name in order])
    names = [*order]
    for place in ones:
        array, names = np.expand_dims(array, place), [*names[:place], ONE, *names[place:]]
    if parts:
        array, names = np.stack([array.real, array.imag], -1), [*names, "part"]
    axes = Axes(tuple(names))
    np.testing.assert_array_equal(axes.arranged(array), KSPACE)
    assert axes.stacked(array.shape) == 3
    assert [axes.length(array.shape, name) for name in LENGTHS] == [*LENGTHS.values()]
    for index in range(3):
        one = axes.arranged(array[axes.window(array.shape, index)])
        np.testing.assert_array_equal(one, KSPACE[index : index + 1])
    assert Axes(tuple(name for name in names if name != ONE)).fitted(array.shape, "k").names == axes.names


def test_another_order_gives_other_numbers() -> None:
    array = numbers(4, 4, 4, 4)
    assert (Axes.parse("slice,coil,y,x").arranged(array) == array).all()
    assert not (Axes.parse("coil,slice,y,x").arranged(array) == array).all()


@pytest.mark.parametrize(("name", "sides"), [("coil*part", (5, 2)), ("part*coil", (2, 5))])
def test_one_axis_of_coils_and_parts(name: str, sides: tuple[int, int]) -> None:
    pairs = np.stack([KSPACE.real, KSPACE.imag], 2 if sides[1] == 2 else 1)  # (slice, coil, part, y, x), or part first
    array = np.moveaxis(pairs.reshape(3, 10, 7, 6), 1, -1)
    axes = Axes(("slice", "y", "x", name))
    np.testing.assert_array_equal(axes.arranged(array), KSPACE)
    assert axes.length(array.shape, "coil") == 5


def test_frames_are_images_of_their_own_and_slices_run_fastest() -> None:
    array = numbers(2, 3, 5, 7, 6)
    axes = Axes.parse("frame,slice,coil,y,x")
    np.testing.assert_array_equal(axes.arranged(array), array.reshape(6, 5, 7, 6))
    np.testing.assert_array_equal(axes.arranged(array[axes.window(array.shape, 4)])[0], array[1, 1])


def test_averages_are_the_mean_of_what_was_sampled() -> None:
    sampled = np.zeros((3, 1, 1, 1, 6), bool)
    sampled[[0, 2], ..., ::2] = sampled[1, ..., 1::2] = True
    array = numbers(3, 3, 5, 7, 6) * sampled
    found = Axes.parse("average,slice,coil,y,x").arranged(array)
    np.testing.assert_allclose(found[..., ::2], (array[0] + array[2])[..., ::2] / 2, rtol=1e-6)
    np.testing.assert_array_equal(found[..., 1::2], array[1][..., 1::2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("coil,y", "y and x among them"),
        ("coil,y,x,x", "named once each"),
        ("channel,y,x", "no axis 'channel'; there are"),
        ("", "no axis ''"),
        ("y,x,coil*slice", "one of them is 'part'"),
    ],
)
def test_names_that_are_no_axes(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Axes.parse(text)


@pytest.mark.parametrize(
    ("text", "shape"),
    [("coil,y,x", (2, 8, 6, 6)), ("coil,y,x", (6, 6)), ("coil,y,x,part", (8, 6, 6, 3)), ("y,x,coil*part", (6, 6, 3))],
)
def test_arrays_that_axes_do_not_fit(text: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"scan\.h5: kspace has shape"):
        Axes.parse(text).fitted(shape, "scan.h5: kspace")


@given(st.permutations(["slice", "set", "coil", "y", "x"]), st.booleans())
def test_axes_of_maps_are_found_by_their_lengths(order: list[str], has_slices: bool) -> None:
    lengths = {**LENGTHS, "set": 2}
    names = [name for name in order if has_slices or name != "slice"]
    shape = [lengths[name] for name in names]
    found = axes_by_shape(
        shape, LENGTHS, required=("y", "x", "coil"), optional=("slice", "set"), order=("slice", "set", "coil", "y", "x")
    )
    assert found == Axes(tuple(names))


@pytest.mark.parametrize("order", [("coil", "y", "x"), ("y", "x", "coil"), ("coil", "x", "y")])
def test_where_lengths_do_not_tell_the_usual_order_does(order: tuple[str, ...]) -> None:
    square = {"slice": 1, "coil": 8, "y": 8, "x": 8}
    assert axes_by_shape((8, 8, 8), square, required=("y", "x", "coil"), order=order) == Axes(order)
    assert axes_by_shape((8, 8, 7), square, required=("y", "x", "coil"), order=order) is None
