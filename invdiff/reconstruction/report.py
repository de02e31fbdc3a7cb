"""A result as a page to look at, page by page where it has many slices."""

import json
import math
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.data.scan import evenly_spaced
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.metrics import Scores
from invdiff.pictures import brightness_of, white_of
from invdiff.pictures.report import (
    ERROR_SCALE,
    Band,
    Case,
    Chart,
    CourseChart,
    Line,
    Report,
    ReportSlice,
    Sampled,
    write_report,
)
from invdiff.reconstruction.course import Course
from invdiff.reconstruction.course_remarks import remarks
from invdiff.reconstruction.written_result import WrittenResult, written_result

_LOOKED_AT = 16  # slices by which the windows are chosen
_TOPS = (0.005, 0.01, 0.02, 0.05, 0.1, ERROR_SCALE)  # of errors, parts of white
_LONG = 2000  # characters of a fact that are shown
_RESIDUAL = "audit_residual_by_coil_and_band"
_NOT_FACTS = ("warnings", "failed", "command", "audit_verdict", _RESIDUAL, "fingerprint")
_TITLES = {"zero_filled": "zero-filled", "mean": "mean of samples", "estimate": "estimate", "ground_truth": "truth"}


def report_result(
    result: str | os.PathLike[str], index: str | os.PathLike[str] | None = None, *, replace: bool = False
) -> Case:
    """Write ``report.html`` beside a result, or of more than 200 slices ``report-1.html`` and so on: all that it holds,
    in files that need no other.

    Args:
        result: path of a ``reconstruction.h5``.
        index: a page that lists several reports, to be linked to.
        replace: whether the report of another image may be replaced.

    Returns:
        What to list it as.

    Raises:
        InputError: there is no such result, or it is damaged; a file is there that is no report, or that of another
            image; or it can't be written.
    """
    with written_result(result) as written:
        report = _report(written)
        page = write_report(written.path.parent, report, index, replace=replace)
        middle = next(_slices(written, report.white, range(report.count // 2, report.count // 2 + 1)))
        scores = [f"{name}: {decibels:.1f} dB, SSIM {similar:.3f}" for name, decibels, similar, _ in middle.scores[-1:]]
        lines = [report.subtitle, f"{report.count} slice(s)", *scores, *report.verdict[:1]]
        return Case(report.title, page, middle.images[middle.about], lines, len(report.warnings))


def _report(written: WrittenResult) -> Report:
    said = written.attributes
    courses = {name: written.course(name) for name in written.courses}
    rows = evenly_spaced(written.shape[0], _LOOKED_AT)
    white = white_of(_magnitudes(written, "ground_truth" if "ground_truth" in written.arrays else "image", rows))
    samples = written.arrays["samples"].shape[1] if "samples" in written.arrays else 0
    voxel = (1.0, 1.0) if written.geometry is None else written.geometry.voxel_size
    return Report(
        title=_text(said, "input") or written.path.name,
        subtitle=_subtitle(said, samples),
        count=written.shape[0],
        slices=lambda rows: _slices(written, white, rows),
        white=white,
        top=_top(written, rows, white),
        pixel=(voxel[0] / voxel[1], 1.0),
        warnings=[*_warnings(written), *remarks(courses, written.slices)],
        sampled=_sampled(written),
        course=_course_charts(courses),
        charts=_charts(written),
        verdict=tuple(filter(None, _text(said, "audit_verdict").split("\n"))),
        target=_text(said, "target") or "the truth in the result",
        samples=samples,
        command=_command(said),
        facts={name: _short(value) for name, value in said.items() if name not in _NOT_FACTS},
        of=digest_of(*(digest_of(written.volume("image", [row])) for row in range(written.shape[0])))[:32],
    )


def _slices(written: WrittenResult, white: float, rows: range) -> Iterator[ReportSlice]:
    names = [name for name in _TITLES if name in written.arrays]
    if not {"mean", "estimate"} & set(names):
        names.insert(0, "image")
    about = "estimate" if "estimate" in names else "mean" if "mean" in names else "image"
    for row in rows:
        images = {name: _magnitudes(written, name, [row])[0] / white for name in names}
        truth = images.get("ground_truth")
        yield ReportSlice(
            number=written.slices[row],
            images={_TITLES.get(name, name): image for name, image in images.items()},
            about=_TITLES.get(about, about),
            error=None if truth is None else np.abs(images[about] - truth),
            deviation=_known(written, "magnitude_std", row, white),
            samples=_known(written, "samples", row, white),
            scores=() if truth is None else _scores(truth, images),
        )


def _known(written: WrittenResult, name: str, row: int, white: float) -> NDArray[np.floating[Any]] | None:
    """The magnitudes of a slice in units of white; None where there are none of that name."""
    return _magnitudes(written, name, [row])[0] / white if name in written.arrays else None


def _magnitudes(written: WrittenResult, name: str, rows: Sequence[int]) -> NDArray[np.floating[Any]]:
    magnitudes: NDArray[np.floating[Any]] = np.abs(written.volume(name, rows))
    return magnitudes


def _scores(truth: NDArray[Any], images: Mapping[str, NDArray[Any]]) -> list[tuple[str, float, float, float]]:
    """Of each image of a slice; none where they can't be told, as of a slice that is empty."""
    try:
        return [
            (_TITLES.get(name, name), *astuple(Scores.of(truth, image)))
            for name, image in images.items()
            if name != "ground_truth"
        ]
    except InputError:
        return []


def _top(written: WrittenResult, rows: Sequence[int], white: float) -> float:
    """The end of the scale of errors, a part of white: one that nearly all of them are below."""
    found = [_magnitudes(written, "magnitude_std", rows)] if "magnitude_std" in written.arrays else []
    if "ground_truth" in written.arrays:
        found.append(np.abs(_magnitudes(written, "image", rows) - _magnitudes(written, "ground_truth", rows)))
    most = max((float(np.percentile(one, 99.5)) for one in found), default=0.0) / white
    return next((top for top in _TOPS if top >= most), ERROR_SCALE)


def _warnings(written: WrittenResult) -> list[str]:
    """Those of the measurement, and why slices failed."""
    found = [line for line in _text(written.attributes, "warnings").split("\n") if line]
    failed = _parsed(written, "failed")
    for reason, numbers in failed.items() if isinstance(failed, dict) else ():
        listed = numbers if isinstance(numbers, list) else [numbers]
        found.append(f"slice {', '.join(map(str, listed))}: {reason}")
    return found


def _course_charts(courses: Mapping[str, Course]) -> list[CourseChart]:
    """What the runs came to: the residual, by how much the estimate changed, and the noise level."""
    titles = {"residual": "residual, over what noise would leave", "change": "change of the estimate, over its norm"}
    titles |= {"sigma": "noise level, in the prior's units"}
    return [
        CourseChart(
            title,
            {of: _band(getattr(course, name)) for of, course in courses.items()},
            1.0 if name == "residual" else None,
        )
        for name, title in titles.items()
    ]


def _band(numbers: NDArray[np.float32]) -> Band:
    """The middle, the least and the largest of all slices and samples, for each iteration; NaN where one of them knows
    none."""
    every = numbers.reshape(-1, numbers.shape[-1])
    known = every[np.isfinite(every).any(axis=1)]  # without slices that are empty or failed
    if not len(known):
        return Band(*[[math.nan] * numbers.shape[-1]] * 3)
    return Band(*(found(known, axis=0).tolist() for found in (np.median, np.min, np.max)))


def _charts(written: WrittenResult) -> list[Chart]:
    """Of the audit, band by band."""
    bands = [_numbers(written, f"audit_band_{name}", 1) for name in ("radius", "factor", "uncertainty")]
    residual = _numbers(written, _RESIDUAL, 2)
    charts = []
    if all(len(one) for one in bands):
        if len({len(one) for one in bands}) > 1:
            raise InputError(f"{written.path}: audit_band_radius and its kin have numbers of different bands; damaged.")
        radius, factor, spread = bands
        widths = np.minimum(spread, 1) * factor  # a band that tells nothing has an endless one
        line = Line(radius.tolist(), factor.tolist(), widths.tolist())
        charts.append(Chart("times too small that error bars were", "radius in k-space, cycles a pixel", line, 1.0))
    if len(residual):
        mean = residual.mean(axis=0)
        line = Line(list(range(1, len(mean) + 1)), mean.tolist())
        charts.append(Chart("residual, over what noise would leave", "band of k-space, from its centre", line, 1.0))
    return charts


def _numbers(written: WrittenResult, name: str, dimensions: int) -> NDArray[np.float64]:
    """A list of lists in JSON; none where there is no such attribute."""
    found = _parsed(written, name)
    try:
        numbers = np.array([] if found is None else found, np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.array(np.nan)
    if numbers.size and (numbers.ndim != dimensions or np.isnan(numbers).any()):
        raise InputError(f"{written.path}: {name} holds no list of numbers; it is damaged.")
    return numbers


def _parsed(written: WrittenResult, name: str) -> Any:
    text = _text(written.attributes, name)
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{written.path}: {name} holds no JSON; it is damaged.") from error


def _command(said: Mapping[str, Any]) -> str:
    """The command that was given, quoted anew, so that whatever a file says is one command of invdiff and no other."""
    try:
        words = shlex.split(_text(said, "command"))
    except ValueError:
        return ""
    if words[:2] != ["invdiff", "solve"]:
        return ""
    return shlex.join([_text(said, "input") if word == "INPUT" else word for word in words])


def _subtitle(said: Mapping[str, Any], samples: int) -> str:
    told = [_text(said, "method")]
    acceleration = said.get("acceleration")
    if isinstance(acceleration, float) and math.isfinite(acceleration) and acceleration > 1:
        told.append(f"{acceleration:.1f} times undersampled")
    if samples:
        by = _text(said, "samples_method")
        told.append(f"{samples} posterior sample(s){f' of {by}' if by else ''}")
    return ", ".join(filter(None, told))


def _sampled(written: WrittenResult) -> Sampled | None:
    sampled, density = written.sampled, written.density
    if density is not None:
        return Sampled(brightness_of(density), "Samples of k-space", "along a trajectory: the denser, the brighter")
    if sampled is None or sampled.all():
        return None
    title = "Samples of k-space" if "F" in _text(written.attributes, "operator") else "Known pixels"
    return Sampled(
        sampled.astype(float), title, f"{sampled.mean():.1%} of {sampled.shape[0]} x {sampled.shape[1]}, in white"
    )


def _text(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    return found if isinstance(found, str) else ""


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]} ..."
