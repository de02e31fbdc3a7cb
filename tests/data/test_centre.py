"""Where the energy of k-space lies, and what is moved for it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.data import MASKS, Scan, read_scan, shepp_logan, simulate, to_image, to_kspace
from invdiff.data.centre import Centring, centring_of, energy_peak, power_of
from invdiff.data.interpretation import interpreted

few = settings(max_examples=20)
seeds = st.integers(0, 999)
sides = st.tuples(st.integers(48, 72), st.integers(48, 72))
levels = st.floats(0, 0.05)
Interpret = Callable[[Scan], Scan]


def head(shape: tuple[int, int], noise_std: float, seed: int, fills: float = 0.8) -> Scan:
    """Two coils' k-space of a phantom that fills so much of the field of view, with a random smooth phase."""
    inner = shepp_logan((int(fills * shape[0]), int(fills * shape[1]))).real
    image = np.zeros(shape, np.float32)
    top, left = ((n - m) // 2 for n, m in zip(shape, inner.shape, strict=True))
    image[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    full = simulate(image, coils=2, noise_std=noise_std, seed=seed)
    return replace(full, maps=None, noise_std=None, ground_truth=None, mask=np.ones(shape, bool))


def untouched(scan: Scan) -> None:
    meant = interpreted(scan)
    np.testing.assert_array_equal(meant.kspace, scan.kspace)
    np.testing.assert_array_equal(meant.sampled, scan.sampled)
    assert meant.remarks == ()


def with_columns(scan: Scan, first: int) -> Scan:
    """Partial Fourier: without the first columns."""
    return scan.undersample(np.arange(scan.image_shape[1]) >= first)


def moved(scan: Scan, rows: int, columns: int) -> Scan:
    """As a file that has the centre elsewhere."""
    shift = (rows, columns)
    mask = np.roll(scan.sampled, shift, (0, 1))
    return scan.changed(kspace=np.roll(scan.kspace, shift, (-2, -1)), mask=None if mask.all() else mask)


def check_corner(interpret: Interpret, scan: Scan) -> None:
    rows, columns = scan.image_shape
    meant = interpret(moved(scan, rows - rows // 2, columns - columns // 2))
    np.testing.assert_array_equal(meant.kspace, scan.kspace)
    np.testing.assert_array_equal(meant.sampled, scan.sampled)
    assert "fftshift" in meant.remarks[0]


def check_spike(interpret: Interpret, scan: Scan) -> None:
    spiked = scan.kspace.copy()
    spiked[..., 5, 7] = 1e4
    np.testing.assert_array_equal(interpret(scan.changed(kspace=spiked)).kspace, spiked)


# What is fine stays


@few
@given(sides, levels, seeds)
def test_a_centre_that_is_one_stays(shape: tuple[int, int], level: float, seed: int) -> None:
    untouched(head(shape, level, seed, fills=1.0))


@few
@given(sides, levels, seeds, st.sampled_from(sorted(MASKS)), st.sampled_from([0.0, 0.08]))
def test_so_it_does_under_any_mask(shape: tuple[int, int], level: float, seed: int, mask: str, centre: float) -> None:
    untouched(head(shape, level, seed).undersample(MASKS[mask](shape, 4, centre, seed)))


@few
@given(sides, levels, seeds)
def test_so_does_partial_fourier(shape: tuple[int, int], level: float, seed: int) -> None:
    untouched(with_columns(head(shape, level, seed), 3 * shape[1] // 8))


@few
@given(sides, levels, seeds, st.integers(-3, 3), st.integers(-3, 3))
def test_so_does_an_echo_a_few_lines_off(
    shape: tuple[int, int], level: float, seed: int, rows: int, columns: int
) -> None:
    untouched(moved(head(shape, level, seed), rows, columns))


@few
@given(sides, seeds)
def test_so_does_an_object_across_the_edges(shape: tuple[int, int], seed: int) -> None:
    """Half a field of view is a phase of k-space that turns from sample to sample, and no shift."""
    image = to_image(head(shape, 0.01, seed).kspace)
    untouched(Scan(to_kspace(np.roll(image, (shape[0] // 2, shape[1] // 2), (-2, -1)))))


@few
@given(sides, seeds)
def test_so_does_an_image_of_two_signs(shape: tuple[int, int], seed: int) -> None:
    """Its zero frequency is dark."""
    image = to_image(head(shape, 0.01, seed).kspace)
    untouched(Scan((to_kspace(image * np.where(np.arange(shape[1]) < shape[1] // 2, 1, -1))).astype(np.complex64)))


@few
@given(sides, seeds)
def test_so_does_noise(shape: tuple[int, int], seed: int) -> None:
    parts = np.random.default_rng(seed).standard_normal((2, 1, 1, *shape))
    untouched(Scan((parts[0] + 1j * parts[1]).astype(np.complex64)))


@few
@given(sides, seeds)
def test_a_spike_is_no_echo(shape: tuple[int, int], seed: int) -> None:
    check_spike(interpreted, head(shape, 0.05, seed))


def test_measured_scans_stay(shared_data: Path) -> None:
    files = sorted((shared_data / "kspace").glob("*.h5"))
    assert files
    for file in files:
        assert read_scan(file).remarks == (), file.name


# What is not fine is put right


@few
@given(sides, levels, seeds)
def test_a_corner_is_brought_to_the_centre(shape: tuple[int, int], level: float, seed: int) -> None:
    check_corner(interpreted, head(shape, level, seed))


@few
@given(sides, levels, seeds, st.sampled_from(["equispaced", "poisson"]))
def test_so_it_is_under_a_mask(shape: tuple[int, int], level: float, seed: int, mask: str) -> None:
    check_corner(interpreted, head(shape, level, seed).undersample(MASKS[mask](shape, 3, 0.2, seed)))


@few
@given(sides, levels, seeds)
def test_what_numpy_makes_of_an_image_is_that_image(shape: tuple[int, int], level: float, seed: int) -> None:
    """k = fft2(image), without any shift: k-space and image are both brought to the centre."""
    image = to_image(head(shape, level, seed, fills=0.75).kspace)
    meant = interpreted(Scan(np.fft.fft2(image, norm="ortho").astype(np.complex64)))
    np.testing.assert_allclose(to_image(meant.kspace), image, atol=1e-5)
    assert "half its field of view" in meant.remarks[0]


@few
@given(sides, st.floats(0, 0.02), seeds)
def test_lines_of_partial_fourier_are_brought_to_the_centre(shape: tuple[int, int], level: float, seed: int) -> None:
    first = 3 * shape[1] // 8
    scan = with_columns(head(shape, level, seed), first)
    meant = interpreted(moved(scan, 0, -first))
    found = int(np.flatnonzero(meant.sampled.any(axis=0))[0])
    assert abs(found - first) <= 3
    np.testing.assert_array_equal(meant.kspace, moved(scan, 0, found - first).kspace)
    assert "was shifted by" in meant.remarks[0]


@few
@given(sides, seeds)
def test_what_does_not_fit_stays_and_is_told(shape: tuple[int, int], seed: int) -> None:
    wrong = moved(head(shape, 0.01, seed), 0, shape[1] // 4)
    meant = interpreted(wrong)
    np.testing.assert_array_equal(meant.kspace, wrong.kspace)
    assert "nothing was shifted" in meant.remarks[0]
    assert f"column {shape[1] // 2}" in meant.remarks[0]


# Broken ones are found


def strongest_sample(scan: Scan) -> Scan:
    """By the largest power alone."""
    power = power_of(scan.kspace)
    row, column = np.unravel_index(np.argmax(power), power.shape)
    centring = centring_of((int(row), int(column)), scan.sampled)
    return scan.changed(kspace=np.roll(centring.kspace(scan.kspace), 1, -1), remarks=("fftshift",))


def test_a_shift_by_the_strongest_sample_is_found() -> None:
    scan = head((48, 48), 0.02, 0)
    for check in (check_corner, check_spike):
        with pytest.raises(AssertionError):
            check(strongest_sample, scan)


def test_no_shift_is_found() -> None:
    with pytest.raises(AssertionError):
        check_corner(lambda scan: scan, head((48, 48), 0.02, 0))


@few
@given(sides, seeds)
def test_a_centring_moves_and_turns_and_keeps_norms(shape: tuple[int, int], seed: int) -> None:
    """Rolled by half, the image is where it is without the phase, half a field of view away."""
    kspace = head(shape, 0.05, seed).kspace
    half = Centring((shape[0] // 2, 0), (True, False)).kspace(kspace)
    plain = Centring((shape[0] // 2, 0)).kspace(kspace)
    np.testing.assert_allclose(to_image(half), np.roll(to_image(plain), -(shape[0] // 2), -2), atol=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_scale_of_numbers_is_nothing_to_it(scale: float) -> None:
    scan = head((48, 40), 0.02, 0)
    wrong = moved(scan, 24, 20)
    power = power_of((scale * wrong.kspace).astype(np.complex64))
    assert np.isfinite(power).all()
    assert power.min() > 0
    assert energy_peak(power, scan.sampled) == energy_peak(power_of(wrong.kspace), scan.sampled) is not None
