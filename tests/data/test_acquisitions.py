"""Scans made of acquisitions: what each line counts for, whatever order they come in."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ismrmrd
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invdiff.data import Scan, Series, shepp_logan, simulate
from invdiff.data.formats import acquisitions as module
from invdiff.data.formats.acquisition_flags import FLAGS, Use
from invdiff.data.formats.acquisitions import scan_of_acquisitions, series_of
from invdiff.errors import InputError

WIDTH, HEIGHT, COILS = 12, 9, 2
PATH = Path("raw.mrd")
BITS = {flag.name: flag.bit for flag in FLAGS}
SEEDS = st.integers(0, 2**32 - 1)


def header(
    encoded: int = WIDTH, recon: int | None = WIDTH, centre: int | None = None, mode: str | None = None, depth: int = 1
) -> str:
    def space(name: str, width: int) -> str:
        size = f"<x>{width}</x><y>{HEIGHT}</y><z>{depth}</z>"
        return f"<{name}><matrixSize>{size}</matrixSize><fieldOfView_mm>{size}</fieldOfView_mm></{name}>"

    parallel = (
        "<parallelImaging><accelerationFactor><kspace_encoding_step_1>2</kspace_encoding_step_1>"
        f"</accelerationFactor><calibrationMode>{mode}</calibrationMode></parallelImaging>"
    )
    limit = (
        f"<kspace_encoding_step_1><minimum>0</minimum><maximum>{HEIGHT - 1}</maximum><center>{centre}</center>"
        "</kspace_encoding_step_1>"
    )
    return (
        '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>'
        f"{space('encodedSpace', encoded)}{'' if recon is None else space('reconSpace', recon)}"
        f"<encodingLimits>{'' if centre is None else limit}</encodingLimits><trajectory>cartesian</trajectory>"
        f"{'' if mode is None else parallel}</encoding></ismrmrdHeader>"
    )


def line(data: np.ndarray, number: int, *flags: str, centre: int | None = None, **more: Any) -> Any:
    """An acquisition; of ``more``, what is no field of the head is a counter."""
    made = ismrmrd.Acquisition.from_array(np.ascontiguousarray(data, np.complex64))
    made.center_sample = data.shape[1] // 2 if centre is None else centre
    made.idx.kspace_encode_step_1 = number
    made.flags = sum(BITS[flag] for flag in flags)
    for name, value in more.items():
        setattr(made if hasattr(made, name) else made.idx, name, value)
    return made


def drawn(seed: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def lines_of(kspace: np.ndarray, numbers: Sequence[int], *flags: str, **more: Any) -> list[Any]:
    return [line(kspace[:, :, number], number, *flags, **more) for number in numbers]


def same(one: Scan, other: Scan) -> None:
    np.testing.assert_array_equal(one.kspace, other.kspace)
    np.testing.assert_array_equal(one.sampled, other.sampled)
    for name in ("noise", "calibration"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_array_equal(ours, theirs)


# Averages and slices


def averages_are_means(seed: int, repeats: Sequence[int], numbers: Sequence[int]) -> None:
    """Each line so many times, in any order, in slices of any numbers."""
    rng = np.random.default_rng(seed)
    k = drawn(seed, len(numbers), sum(repeats), COILS, WIDTH)
    places = np.repeat(np.arange(len(repeats)), repeats)
    lines = [
        line(k[position, n], int(place), slice=number)
        for position, number in enumerate(numbers)
        for n, place in enumerate(places)
    ]
    scan = scan_of_acquisitions(PATH, header(), [lines[i] for i in rng.permutation(len(lines))])
    assert scan.kspace.shape == (len(numbers), COILS, WIDTH, HEIGHT)
    np.testing.assert_array_equal(scan.sampled.any(axis=0), [*(n > 0 for n in repeats), *[False] * (9 - len(repeats))])
    for place in range(len(repeats)):
        if repeats[place]:
            mean = k[:, places == place].astype(complex).mean(axis=1)
            np.testing.assert_allclose(scan.kspace[..., place], mean, rtol=1e-4, atol=1e-6)
    assert scan.attributes == ({} if list(numbers) == [*range(len(numbers))] else {"slice_numbers": tuple(numbers)})


REPEATS = st.lists(st.integers(0, 3), min_size=1, max_size=HEIGHT).filter(any)
NUMBERS = st.sets(st.integers(0, 400), min_size=1, max_size=3).map(sorted)


@given(SEEDS, REPEATS, NUMBERS)
@settings(max_examples=30)
def test_averages_are_means(seed: int, repeats: list[int], numbers: list[int]) -> None:
    averages_are_means(seed, repeats, numbers)


def test_a_sum_in_place_of_a_mean_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    filled = module._Matrix.filled

    def summed(self: Any, lines: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        kspace, times = filled(self, lines)
        return kspace * times[:, None], times

    monkeypatch.setattr(module._Matrix, "filled", summed)
    with pytest.raises(AssertionError):
        averages_are_means(0, [1, 2], [0])


@given(SEEDS, st.floats(1, 50), st.floats(1, 50))
@settings(max_examples=20)
def test_averages_weigh_by_their_noise(seed: int, first: float, second: float) -> None:
    """A sample's noise has a variance of one over the time that it took, so weights by time are the best ones."""
    k = drawn(seed, 2, COILS, WIDTH)
    times = np.float32([first, second])
    lines = [line(one, 0, sample_time_us=time) for one, time in zip(k, times, strict=True)]
    scan = scan_of_acquisitions(PATH, header(), lines)
    np.testing.assert_allclose(
        scan.kspace[0, :, :, 0], np.average(k, axis=0, weights=times.astype(float)), rtol=1e-4, atol=1e-5
    )


@given(st.integers(1, 4), st.floats(1, 20), st.floats(1, 20))
@settings(max_examples=20)
def test_noise_is_that_of_the_usual_position(averages: int, of_noise: float, of_image: float) -> None:
    """One line is measured more often than the others, and does not count."""
    k = drawn(0, COILS, WIDTH, HEIGHT)
    lines = lines_of(k, range(HEIGHT), sample_time_us=of_image) * averages + lines_of(k, [4], sample_time_us=of_image)
    noise = line(drawn(1, COILS, 40), 0, "IS_NOISE_MEASUREMENT", sample_time_us=of_noise)
    scan = scan_of_acquisitions(PATH, header(), [noise, *lines])
    assert scan.noise is not None
    np.testing.assert_allclose(scan.noise, noise.data * np.sqrt(of_noise / of_image / averages), rtol=1e-5)


def test_averages_that_differ_are_told() -> None:
    k = drawn(0, COILS, WIDTH, HEIGHT)
    (said,) = scan_of_acquisitions(PATH, header(), lines_of(k, range(9)) + lines_of(k, range(4))).remarks
    assert "positions were measured 1 to 2 times, and the noise is taken for that of 1" in said
    assert scan_of_acquisitions(PATH, header(), 2 * lines_of(k, range(9))).remarks == ()


def test_slices_along_different_lines_are_refused() -> None:
    k = drawn(0, COILS, WIDTH, HEIGHT)
    with pytest.raises(InputError, match="its 2 slices were sampled along different lines"):
        scan_of_acquisitions(PATH, header(), lines_of(k, [1, 2]) + lines_of(k, [1, 3], slice=5))


# Flags

APART = sorted(flag.name for flag in FLAGS if flag.use is Use.LEFT_OUT)
SILENT = sorted(flag.name for flag in FLAGS if flag.use is Use.NOTHING)


def left_out(seed: int, flags: Sequence[str], also: Sequence[str]) -> None:
    """Lines that are no image's change nothing, wherever they stand."""
    rng = np.random.default_rng(seed)
    k, other = drawn(seed, COILS, WIDTH, HEIGHT), drawn(seed + 1, COILS, 3)
    image = lines_of(k, range(HEIGHT), *also)
    some = [line(other, int(rng.integers(500)), flag, *also, repetition=int(rng.integers(3))) for flag in flags]
    mixed = [(image + some)[i] for i in rng.permutation(len(image) + len(some))]
    same(scan_of_acquisitions(PATH, header(), mixed), scan_of_acquisitions(PATH, header(), lines_of(k, range(HEIGHT))))


@given(SEEDS, st.lists(st.sampled_from(APART), max_size=4), st.sets(st.sampled_from(SILENT)).map(sorted))
@settings(max_examples=30)
def test_lines_that_are_no_image_are_left_out(seed: int, flags: list[str], also: list[str]) -> None:
    left_out(seed, flags, also)


def test_a_flag_that_is_not_heeded_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.use_of
    monkeypatch.setattr(module, "use_of", lambda flags: real(flags & ~BITS["IS_PHASE_STABILIZATION"]))
    with pytest.raises((AssertionError, InputError)):
        left_out(0, ["IS_PHASE_STABILIZATION"], [])


@pytest.mark.parametrize("flag", [flag.name for flag in FLAGS if flag.use is Use.REFUSED])
def test_compressed_lines_are_refused(flag: str) -> None:
    with pytest.raises(InputError, match=r"raw\.mrd holds compressed lines"):
        scan_of_acquisitions(PATH, header(), [line(drawn(0, COILS, WIDTH), 0, flag)])


def test_flags_that_nobody_knows_are_told() -> None:
    one = line(drawn(0, COILS, WIDTH), 0)
    one.flags = 1 << 39
    (said,) = scan_of_acquisitions(PATH, header(), [one]).remarks
    assert "flags 40, which the standard does not know" in said


# Lines read backwards


@given(SEEDS, st.integers(1, WIDTH), st.integers(0, 3), st.integers(0, 3), st.sets(st.integers(0, HEIGHT - 1)))
@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much])
def test_lines_read_backwards_are_turned_round(seed: int, last: int, pre: int, post: int, backwards: set) -> None:
    """Of lines with an early echo, too, whose first and last samples do not count."""
    samples = np.arange(last + pre + post)
    k = drawn(seed, COILS, len(samples), HEIGHT)
    kept = {"centre": min(WIDTH // 2, last // 2) + pre, "discard_pre": pre, "discard_post": post}
    other = {**kept, "discard_pre": post, "discard_post": pre}
    forwards = lines_of(k, range(HEIGHT), **kept)
    turned = [line(k[:, ::-1, n], n, "IS_REVERSE", **other) if n in backwards else forwards[n] for n in range(HEIGHT)]
    one = scan_of_acquisitions(PATH, header(), turned)
    same(one, scan_of_acquisitions(PATH, header(), forwards))
    assert np.count_nonzero(one.sampled.any(axis=1)) == last


def test_echo_planar_lines_are_refused() -> None:
    k = drawn(0, COILS, WIDTH, HEIGHT)
    correction = line(k[:, :, 4], 4, "IS_PHASECORR_DATA")
    lines = [*lines_of(k, range(0, HEIGHT, 2)), *lines_of(k, range(1, HEIGHT, 2), "IS_REVERSE")]
    with pytest.raises(InputError, match=r"read backwards \(EPI\)"):
        scan_of_acquisitions(PATH, header(), [correction, *lines])
    assert scan_of_acquisitions(PATH, header(), [correction, *lines_of(k, range(HEIGHT))]).mask is None


# Calibration

GRID, CENTRE = range(0, HEIGHT, 2), range(2, 7)
EMBEDDED = ("embedded", "interleaved", "other", None)


def accelerated(k: np.ndarray, **more: Any) -> list[Any]:
    """Every second line and the central ones, flagged as converters do."""
    both = lines_of(k, [n for n in CENTRE if n in GRID], "IS_PARALLEL_CALIBRATION_AND_IMAGING", **more)
    alone = lines_of(k, [n for n in CENTRE if n not in GRID], "IS_PARALLEL_CALIBRATION", **more)
    return [*lines_of(k, [n for n in GRID if n not in CENTRE], **more), *both, *alone]


@pytest.mark.parametrize("mode", EMBEDDED)
def test_embedded_calibration_lines_fill_the_image(mode: str | None) -> None:
    k = drawn(0, COILS, WIDTH, HEIGHT)
    scan = scan_of_acquisitions(PATH, header(mode=mode), accelerated(k))
    np.testing.assert_array_equal(scan.sampled[0], [n in GRID or n in CENTRE for n in range(HEIGHT)])
    np.testing.assert_array_equal(scan.kspace[0], np.where(scan.sampled, k, 0))
    assert scan.calibration is None


@pytest.mark.parametrize("mode", ["other", None])
def test_calibration_lines_that_the_image_has_too_are_of_another_scan(mode: str | None) -> None:
    """Unless the header says otherwise, which measures them again, as an average."""
    k, other = drawn(0, COILS, WIDTH, HEIGHT), drawn(1, COILS, WIDTH, HEIGHT)
    lines = [*lines_of(k, GRID), *lines_of(other, CENTRE, "IS_PARALLEL_CALIBRATION")]
    scan = scan_of_acquisitions(PATH, header(mode=mode), lines)
    np.testing.assert_array_equal(scan.kspace[0], np.where(scan.sampled, k, 0))
    np.testing.assert_array_equal(scan.calibration[0], other[:, :, 2:7])
    embedded = scan_of_acquisitions(PATH, header(mode="embedded"), lines)
    np.testing.assert_array_equal(embedded.kspace[0, :, :, 3], other[:, :, 3])
    np.testing.assert_allclose(embedded.kspace[0, :, :, 4], (k[:, :, 4] + other[:, :, 4]) / 2, rtol=1e-5)


def test_calibration_lines_are_counted_so_that_the_loudest_is_central() -> None:
    """From their own first, though the image's central line is among their numbers; or as the image's are."""
    side, centre = 64, slice(20, 44)
    full = simulate(shepp_logan((side, side)), coils=3, noise_std=0.002).kspace[0]
    xml = header(encoded=side, recon=side, mode="separate").replace(f"<y>{HEIGHT}</y>", f"<y>{side}</y>")
    lines = [line(full[:, :, 20 + n], n + 10, "IS_PARALLEL_CALIBRATION") for n in range(24)]
    scan = scan_of_acquisitions(PATH, xml, [*lines_of(full, range(0, side, 3)), *lines])
    np.testing.assert_array_equal(scan.calibration[0], full[:, :, centre])
    as_image = [line(full[:, :, 20 + n], n + 20, "IS_PARALLEL_CALIBRATION") for n in range(20)]
    scan = scan_of_acquisitions(PATH, xml, [*lines_of(full, range(0, side, 3)), *as_image])
    np.testing.assert_array_equal(scan.calibration[0], full[:, :, 24:40])


@pytest.mark.parametrize("mode", ["separate", "external"])
@pytest.mark.parametrize("samples", [5, 6, WIDTH])
@pytest.mark.parametrize("first", [2, 20])
def test_separate_calibration_lines_are_apart(mode: str, samples: int, first: int) -> None:
    """Of as many samples or fewer, counted as the image's lines, or from their own first."""
    k, other = drawn(0, COILS, WIDTH, HEIGHT), drawn(1, COILS, samples, 5)
    lines = [line(other[:, :, n], n + first, "IS_PARALLEL_CALIBRATION", sample_time_us=1) for n in range(5)]
    alone = lines_of(k, GRID)
    scan = scan_of_acquisitions(PATH, header(mode=mode), [*lines, *alone])
    assert scan.calibration is not None
    np.testing.assert_array_equal(scan.calibration[0], other)
    assert scan.remarks == ()
    np.testing.assert_array_equal(scan.kspace, scan_of_acquisitions(PATH, header(), alone).kspace)


@pytest.mark.parametrize("mode", EMBEDDED)
@pytest.mark.parametrize("more", [{"contrast": 1}, {"repetition": 3}])
def test_calibration_of_another_series_or_resolution_is_apart(mode: str | None, more: dict[str, int]) -> None:
    k, other = drawn(0, COILS, WIDTH, HEIGHT), drawn(1, COILS, WIDTH, HEIGHT)
    lines = lines_of(other, CENTRE, "IS_PARALLEL_CALIBRATION", **more)
    scan = scan_of_acquisitions(PATH, header(mode=mode), [*lines_of(k, GRID), *lines])
    np.testing.assert_array_equal(scan.sampled[0], [n in GRID for n in range(HEIGHT)])
    np.testing.assert_array_equal(scan.calibration[0], other[:, :, 2:7])
    shorter = lines_of(other[:, :6], CENTRE, "IS_PARALLEL_CALIBRATION")
    scan = scan_of_acquisitions(PATH, header(mode=mode), [*lines_of(k, GRID), *shorter])
    np.testing.assert_array_equal(scan.calibration[0], other[:, :6, 2:7])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda k: lines_of(k[:1], CENTRE, "IS_PARALLEL_CALIBRATION"), "has 1 coils x 12 samples"),
        (lambda k: lines_of(k, [0, 8], "IS_PARALLEL_CALIBRATION"), "do not hold the centre of every slice"),
        (lambda k: lines_of(np.tile(k, (1, 2, 1)), CENTRE, "IS_PARALLEL_CALIBRATION"), "does not fit"),
    ],
)
def test_calibration_that_is_of_no_use_is_told(make: Callable[[np.ndarray], list[Any]], words: str) -> None:
    k = drawn(0, COILS, WIDTH, HEIGHT)
    scan = scan_of_acquisitions(PATH, header(mode="separate"), [*lines_of(k, GRID), *make(k)])
    assert scan.calibration is None
    assert "Calibration lines were left out" in scan.remarks[0]
    assert words in scan.remarks[0]


# Series


@given(SEEDS, st.sets(st.tuples(*[st.integers(0, 2)] * 4), min_size=1, max_size=4).map(sorted))
@settings(max_examples=20)
def test_lines_of_series_may_interleave(seed: int, numbers: list[tuple[int, ...]]) -> None:
    """Each is the scan of its own lines, whatever others there are; segments and averages are of one image."""
    rng = np.random.default_rng(seed)
    own = {}
    for n, (contrast, repetition, phase, number) in enumerate(numbers):
        place = {"contrast": contrast, "repetition": repetition, "phase": phase, "set": number}
        own[numbers[n]] = accelerated(drawn(seed + n, COILS, WIDTH, HEIGHT), **place, segment=int(rng.integers(3)))
    every = [one for lines in own.values() for one in lines]
    every = [every[i] for i in rng.permutation(len(every))]
    assert series_of(PATH, every) == tuple(Series(None, *one) for one in numbers)
    for one, lines in own.items():
        same(
            scan_of_acquisitions(PATH, header(), every, Series(None, *one)), scan_of_acquisitions(PATH, header(), lines)
        )


def test_one_of_several_series_is_to_be_chosen() -> None:
    k = drawn(0, COILS, WIDTH, HEIGHT)
    every = lines_of(k, GRID) + lines_of(k, GRID, contrast=1)
    with pytest.raises(InputError, match="holds contrast 0; contrast 1; choose one of them, such as --contrast 0"):
        scan_of_acquisitions(PATH, header(), every)
    with pytest.raises(InputError, match="holds no contrast 2; it holds contrast 0; contrast 1"):
        scan_of_acquisitions(PATH, header(), every, Series(contrast=2))
    with pytest.raises(InputError, match="2 values of 'kspace_encode_step_2'"):
        scan_of_acquisitions(PATH, header(), [*every[:2], line(k[:, :, 0], 0, kspace_encode_step_2=1)])
    with pytest.raises(InputError, match="holds no line of an image"):
        scan_of_acquisitions(PATH, header(), [line(k[:, :, 0], 0, "IS_NOISE_MEASUREMENT")])


# Headers


@pytest.mark.parametrize("centre", [1, 3, 4, 6])
def test_the_central_line_is_that_of_the_header(centre: int) -> None:
    k = drawn(0, COILS, WIDTH, 3)
    scan = scan_of_acquisitions(PATH, header(centre=centre), [line(k[:, :, n], n + centre - 1) for n in range(3)])
    np.testing.assert_array_equal(scan.kspace[0, :, :, 3:6], k)


def test_oversampling_that_was_removed_is_not_sought() -> None:
    """Of 24 encoded samples, 12 are there, as the recon matrix has; the same 12 with their centre elsewhere are an echo
    that was cut."""
    k = drawn(0, COILS, WIDTH, HEIGHT)
    cut = scan_of_acquisitions(PATH, header(encoded=24), lines_of(k, range(HEIGHT)))
    np.testing.assert_array_equal(cut.kspace[0], k)
    assert cut.mask is None
    assert "24 samples a line, but lines have 12" in cut.remarks[0]
    echo = scan_of_acquisitions(PATH, header(encoded=24), lines_of(k, range(HEIGHT), centre=2))
    assert echo.image_shape == (24, HEIGHT)
    np.testing.assert_array_equal(echo.sampled[:, 0], [10 <= n < 22 for n in range(24)])
    assert not any("lines have" in said for said in echo.remarks)


def test_a_header_needs_what_is_asked_of_it_alone() -> None:
    lines = lines_of(drawn(0, COILS, WIDTH, HEIGHT), range(HEIGHT))
    bare = (
        "<ismrmrdHeader><encoding><encodedSpace><matrixSize><x>12</x><y>9</y><z>1</z></matrixSize></encodedSpace>"
        "<trajectory>Cartesian</trajectory><later>1</later></encoding></ismrmrdHeader>"
    )
    spaced = bare.replace("<ismrmrdHeader>", '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">')
    same(scan_of_acquisitions(PATH, spaced, lines), scan_of_acquisitions(PATH, header(), lines))
    with pytest.raises(InputError, match="gives the matrix"):
        scan_of_acquisitions(PATH, spaced.replace("matrixSize>", "size>"), lines)
