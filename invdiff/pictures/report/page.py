"""A report as files of HTML that need nothing else."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.pictures.grey import grey
from invdiff.pictures.report.content import ERROR_SCALE, Magnitudes, Report, ReportSlice
from invdiff.pictures.report.markup import allowed, as_json, as_png, escaped, filled, linked, part
from invdiff.pictures.report.own_file import own_file

SLICES = 200
"""Of a page, at most."""
SAMPLES = 16
"""Of a slice that are shown, at most."""
_MARK = "<!-- slices -->"
_GOOD_COURSE = (
    "The median of all slices and samples, from the least to the largest of them. A good course comes down to a "
    "residual of about one, where the image explains the data up to their noise, and stays there while the estimate "
    "changes less and less. An estimate may end below one, since it fits a part of the noise."
)


def page_names(count: int) -> list[str]:
    """The files of a report of so many slices: ``report.html``, or ``report-1.html`` and so on of more than 200."""
    pages = -(-count // SLICES)
    return ["report.html"] if pages <= 1 else [f"report-{k + 1}.html" for k in range(pages)]


def write_report(
    folder: str | os.PathLike[str],
    report: Report,
    index: str | os.PathLike[str] | None = None,
    *,
    replace: bool = False,
) -> Path:
    """Write a report's pages, each one file without any other: images are in it as PNG in base64, of eight bits a
    pixel, from black to white, above which all is white.

    Args:
        folder: where the pages go.
        report: what they show.
        index: a page that lists several reports, to be linked to.
        replace: whether the report of another result may be replaced.

    Returns:
        The first page.

    Raises:
        InputError: there are no slices, one can't be shown, a page's name is that of another file or of the report of
            another result, or a page can't be written.
    """
    if report.count < 1:
        raise InputError(f"{report.title} has no slices to report on.")
    folder = Path(folder)
    names = page_names(report.count)
    for k, name in enumerate(names):
        rows = range(k * SLICES, min((k + 1) * SLICES, report.count))
        above = None if index is None else Path(os.path.relpath(index, folder))
        head, tail = _frame(report, _links(names, k, report.count, above)).split(_MARK)
        with own_file(folder / name, escaped(report.of), replace=replace) as file:
            file.write(head)
            for one in report.slices(rows):
                file.write(f'<script class="slice" type="application/json">{as_json(_data(one))}</script>\n')
            file.write(tail)
    return folder / names[0]


def _data(one: ReportSlice) -> dict[str, Any]:
    """What the script is told of a slice."""
    pixels = {title: grey(image, 1.0) for title, image in one.images.items()}
    pictures = {title: as_png(image) for title, image in pixels.items()}
    errors = {"error": one.error, "deviation": one.deviation}
    pictures |= {name: as_png(grey(image, ERROR_SCALE)) for name, image in errors.items() if image is not None}
    samples = () if one.samples is None else one.samples[:SAMPLES]
    return {
        "number": one.number,
        "images": list(one.images),
        "about": list(one.images).index(one.about),
        "pictures": pictures,
        "samples": [as_png(_from(sample, pixels[one.about])) for sample in samples],
        "scores": [(name, f"{psnr:.2f}", f"{ssim:.4f}", f"{nmse:.5f}") for name, psnr, ssim, nmse in one.scores],
    }


def _from(sample: Magnitudes, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A sample's difference from the image, modulo 256: the same pixels, in a half of the bytes."""
    return grey(sample, 1.0) - image


def _links(names: list[str], current: int, count: int, index: Path | None) -> list[str]:
    """Links to other pages."""
    found = [] if index is None else [f'<a href="{linked(index)}">all reports</a>']
    for k, name in enumerate(names if len(names) > 1 else []):
        said = f"slices {k * SLICES + 1} to {min((k + 1) * SLICES, count)}"
        found.append(f'<span aria-current="page">{said}</span>' if k == current else f'<a href="{name}">{said}</a>')
    return found


def _frame(report: Report, links: list[str]) -> str:
    """A page without its slices."""
    script, style = part("report.js"), part("report.css")
    many = report.samples > SAMPLES
    return filled(
        "report.html",
        title=escaped(report.title),
        of=escaped(report.of),
        subtitle=escaped(report.subtitle),
        links=f"<nav>{' '.join(links)}</nav>" if links else "",
        warnings=_warnings(report),
        pixel=f"{report.pixel[0]:g} {report.pixel[1]:g}",
        scale=f"White is {report.white:.4g} in the file's units; all above it is white, in 256 levels of grey.",
        target=f"against {escaped(report.target)}",
        top=f"{100 * report.top:g}",
        samples_note=f"These are the first {SAMPLES} of {report.samples}." if many else "",
        sampled=_sampled(report),
        audit=_audit(report),
        course=_course(report),
        command=_command(report),
        facts=_facts(report),
        script=script,
        style=style,
        script_hash=allowed(script),
        style_hash=allowed(style),
    )


def _warnings(report: Report) -> str:
    if not report.warnings:
        return ""
    listed = "".join(f"<li>{escaped(line)}</li>" for line in report.warnings)
    return f'<div class="warning" role="note"><h2>Warnings</h2><ul>{listed}</ul></div>'


def _sampled(report: Report) -> str:
    if report.sampled is None:
        return ""
    title, note = escaped(report.sampled.title), escaped(report.sampled.note)
    pixels = as_png(grey(report.sampled.picture, 1.0))
    image = f'<img class="mask" alt="{title}: {note}" src="data:image/png;base64,{pixels}">'
    return f'<section id="sampled"><h2>{title}</h2>{image}<p class="note">{note}</p></section>'


def _audit(report: Report) -> str:
    if not report.verdict and not report.charts:
        return ""
    said = "".join(f"<p>{escaped(line)}</p>" for line in report.verdict)
    charts = "".join(chart.markup for chart in report.charts)
    return f'<section id="audit"><h2>Audit, by samples held back</h2>{said}{charts}</section>'


def _course(report: Report) -> str:
    charts = "".join(chart.markup for chart in report.course)
    if not charts:
        return ""
    return f'<section id="course"><h2>Course of the runs</h2>{charts}<p class="note">{_GOOD_COURSE}</p></section>'


def _command(report: Report) -> str:
    if not report.command:
        return ""
    return (
        f'<section><h2>What was run</h2><pre id="command">{escaped(report.command)}</pre>'
        '<button id="copy" type="button">Copy</button></section>'
    )


def _facts(report: Report) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escaped(name)}</th><td>{escaped(value)}</td></tr>'
        for name, value in report.facts.items()
    )
    return (
        "<section><details><summary>How it was made</summary>"
        f'<table class="facts"><tbody>{rows}</tbody></table></details></section>'
        if rows
        else ""
    )
