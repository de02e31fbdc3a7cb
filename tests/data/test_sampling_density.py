"""Pictures of trajectories: every sample is in them once, where it lies, and they are told apart."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.data import Trajectory, radial, shepp_logan, simulate_along, spiral
from invdiff.data.sampling_density import sampling_density
from invdiff.pictures import brightness_of, draw_panel


@given(
    shape=st.tuples(st.integers(2, 20), st.integers(2, 20)),
    count=st.integers(1, 40),
    seed=st.integers(0, 999),
)
def test_every_sample_counts_once_where_it_lies(shape: tuple[int, int], count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    sides = np.array(shape)
    last = ((sides - 1) - sides // 2) / sides  # the last positions of the grid
    points = random.uniform(-0.5, 1, (count, 2)).clip(-(sides // 2) / sides, last)
    density = sampling_density(points, shape)
    assert density.sum() == pytest.approx(count, rel=1e-5)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    middle = (density[..., None] * index).sum(axis=(0, 1)) / count  # bilinear shares keep the centre of mass
    np.testing.assert_allclose(middle, (points * shape + sides // 2).mean(axis=0), atol=1e-4)
    wrong = sampling_density(points[:, ::-1], shape[::-1]).T
    np.testing.assert_allclose(density, wrong, atol=1e-5)


def test_points_of_the_grid_lie_at_positions() -> None:
    along = [(np.arange(n) - n // 2) / n for n in (6, 5)]
    points = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1)
    np.testing.assert_allclose(Trajectory(points).density((6, 5)), 1, atol=1e-6)


@pytest.mark.parametrize("spokes", [11, 34])
def test_spokes_can_be_counted_at_128_pixels(spokes: int) -> None:
    """Around a circle, near its edge, each spoke is a bright place twice, with darker ones between."""
    bright = brightness_of(radial(spokes, 256).density((128, 128)))
    turn = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    around = bright[(64 + 60 * np.cos(turn)).round().astype(int), (64 + 60 * np.sin(turn)).round().astype(int)]
    is_spoke = around > 0.25
    begun = np.count_nonzero(is_spoke & ~np.roll(is_spoke, 1))
    assert abs(begun - 2 * spokes) <= 0.1 * spokes
    assert bright[64, 64] > 0.9


def test_a_spiral_has_turns_at_128_pixels() -> None:
    bright = brightness_of(spiral(4, 256, acceleration=6, centre_fraction=0.15).density((128, 128)))
    along = bright[64, 100:]
    assert np.count_nonzero((along[1:-1] > along[:-2]) & (along[1:-1] >= along[2:])) >= 6
    assert along.min() < 0.3 < 0.5 < bright[60:68, 60:68].min()


@given(st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=1, max_size=20), st.floats(1e-3, 1e3))
def test_brightness_is_in_order_and_free_of_units(density: list[float], unit: float) -> None:
    some = np.array(density)
    bright = brightness_of(some)
    assert ((bright >= 0) & (bright <= 1)).all()
    assert (np.diff(bright[np.argsort(some)]) >= 0).all()
    np.testing.assert_allclose(brightness_of(unit * some), bright, atol=1e-9)
    assert not bright[some == 0].any()


def test_scans_and_trajectories_show_themselves() -> None:
    scan = simulate_along(shepp_logan((32, 24)), radial(20, 64), coils=3, noise_std=0.01)
    assert repr(scan.trajectory) == "Trajectory(20 readouts of 64)"
    assert "trajectory: 20 readouts of 64" in repr(scan)
    for shown in (scan, scan.trajectory):
        html = shown._repr_html_()
        assert re.search(r"alt='density' src='data:image/png;base64,\w+", html)
        assert "20 readouts of 64" in html
    assert [len(shown.plot().axes) for shown in (scan, scan.trajectory)] == [2, 1]


def test_a_panel_has_a_column_of_samples() -> None:
    image = np.ones((2, 8, 8))
    density = radial(3, 16).density((16, 16))
    figure = draw_panel({"image": image}, density=density, numbers=[3, 5])
    assert [text.get_text() for text in figure.texts].count("samples of k-space") == 1
    assert len(figure.axes) == 4
    shown = [axes.images[0].get_array() for axes in figure.axes[2:]]
    np.testing.assert_allclose(shown, [brightness_of(density)] * 2)
