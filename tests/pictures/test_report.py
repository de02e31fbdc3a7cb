"""Reports as files: what is in them, how large they are, and that text of strangers is text."""

import base64
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from invdiff.errors import InputError
from invdiff.pictures.report import Case, Chart, Line, ReportSlice, Sampled, page_names, write_index, write_report
from tests.pictures.reports import HOSTILE, report, slices

VOID = {"meta", "link", "img", "input", "br", "hr"}
SVG = {"path", "polygon", "polyline", "circle", "text", "svg"}


class Reader(HTMLParser):
    """Elements with their attributes and text; refuses what is not nested."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names))
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in SVG
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    return reader


def told(page: Path) -> Iterator[dict[str, Any]]:
    for block in re.findall(r'<script class="slice" type="application/json">(.*?)</script>', page.read_text("utf-8")):
        yield json.loads(block)


def pixels(png: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_a_page_is_well_formed_and_needs_nothing_else(tmp_path: Path) -> None:
    index = tmp_path / "index.html"
    page = write_report(tmp_path, report(count=2), index)
    reader = read(page)
    names = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(names) == len(set(names))
    named = {attributes["for"] for attributes in reader.of("label")}
    assert {*named} <= set(names)
    policy = next(meta["content"] for meta in reader.of("meta") if "http-equiv" in meta)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; script-src 'sha256-")
    assert "unsafe" not in policy
    for tag, attributes in reader.elements:
        assert not {name for name in attributes if name.startswith("on") or name == "style"}, tag
        assert (attributes.get("src") or "data:").startswith("data:")
        assert attributes.get("href", "index.html") == "index.html"
    assert len(page.read_text("utf-8").split("<script>")[1]) < 100_000


def test_ids_that_the_script_asks_for_are_there(tmp_path: Path) -> None:
    page = write_report(tmp_path, report())
    ids = {attributes["id"] for _, attributes in read(page).elements if "id" in attributes}
    asked = set(re.findall(r'byId\("([\w-]+)"\)', page.read_text("utf-8")))
    assert asked
    assert asked <= ids


@pytest.mark.parametrize("field", ["title", "subtitle", "warnings", "verdict", "target", "command", "facts", "sampled"])
def test_text_of_strangers_is_text(tmp_path: Path, field: str) -> None:
    made: dict[str, Any] = {
        "warnings": [HOSTILE],
        "verdict": [HOSTILE],
        "facts": {HOSTILE: HOSTILE},
        "sampled": Sampled(np.ones((4, 4)), HOSTILE, HOSTILE),
    }
    plain = read(write_report(tmp_path, report(title="brain.h5")))
    found = read(write_report(tmp_path, report(**{"title": "brain.h5", field: made.get(field, HOSTILE)})))
    assert len(found.of("script")) == len(plain.of("script"))
    assert not [attributes for _, attributes in found.elements if "onerror" in attributes]
    shown = "".join(text for _, text in found.texts)
    assert "<script>alert(1)</script>" in shown
    assert "\x1b" not in shown


def test_names_of_images_end_no_script(tmp_path: Path) -> None:
    one = ReportSlice(0, {HOSTILE: np.ones((4, 4))}, HOSTILE)
    page = write_report(tmp_path, report(slices=lambda rows: iter([one])))
    assert len(read(page).of("script")) == 2
    assert next(told(page))["images"] == [HOSTILE]


def test_pixels_are_the_magnitudes(tmp_path: Path) -> None:
    one = next(slices()(range(1)))
    found = next(told(write_report(tmp_path, report())))
    image = np.minimum(one.images["estimate"], 1)
    shown = pixels(found["pictures"]["estimate"])
    np.testing.assert_allclose(shown / 255, image, atol=0.51 / 255)
    assert found["images"][found["about"]] == "estimate"
    assert one.error is not None
    np.testing.assert_allclose(pixels(found["pictures"]["error"]) / 255 * 0.2, np.minimum(one.error, 0.2), atol=4e-4)
    assert one.samples is not None
    for drawn, png in zip(one.samples, found["samples"], strict=True):
        again = pixels(png) + shown  # modulo 256, as the script adds them
        np.testing.assert_allclose(again / 255, np.minimum(drawn, 1), atol=0.51 / 255)


def test_twenty_slices_with_eight_samples_are_at_most_15_MB(tmp_path: Path) -> None:
    page = write_report(tmp_path, report(side=256, count=20, samples=8))
    assert 1e6 < page.stat().st_size < 15e6
    assert [len(one["samples"]) for one in told(page)] == [8] * 20


def test_many_slices_are_paged(tmp_path: Path) -> None:
    assert page_names(200) == ["report.html"]
    first = write_report(tmp_path, report(count=401, side=4, samples=0))
    assert first == tmp_path / "report-1.html"
    assert (
        sorted(path.name for path in tmp_path.iterdir()) == page_names(401) == [f"report-{k}.html" for k in (1, 2, 3)]
    )
    numbers = [one["number"] for name in page_names(401) for one in told(tmp_path / name)]
    assert numbers == list(range(401))
    links = [link["href"] for link in read(tmp_path / "report-2.html").of("a")]
    assert links == ["report-1.html", "report-3.html"]
    assert "slices 401 to 401" in first.read_text("utf-8")


def test_more_samples_than_are_shown_are_told(tmp_path: Path) -> None:
    page = write_report(tmp_path, report(side=4, samples=17))
    assert len(next(told(page))["samples"]) == 16
    assert "the first 16 of 17" in page.read_text("utf-8")


def test_an_index_links_to_every_report_and_back(tmp_path: Path) -> None:
    index = tmp_path / "index.html"
    cases = []
    for name in ("a", 'b # 1%20"<i>'):
        (tmp_path / name).mkdir()
        page = write_report(tmp_path / name, report(title=HOSTILE), index)
        cases.append(Case(HOSTILE, page, np.ones((300, 20)), [HOSTILE], warnings=2))
        assert read(page).of("a")[0]["href"] == "../index.html"
    write_index(index, cases)
    reader = read(index)
    assert [link["href"] for link in reader.of("a")] == ["a/report.html", "b%20%23%201%2520%22%3Ci%3E/report.html"]
    assert reader.of("script") == []
    assert "2 warning(s)" in [text for _, text in reader.texts]


def test_other_files_are_not_replaced(tmp_path: Path) -> None:
    write_report(tmp_path, report())
    write_report(tmp_path, report(title="another"))  # a report takes the place of a report
    (tmp_path / "report.html").write_text("<html>mine</html>")
    with pytest.raises(InputError, match="no report of invdiff"):
        write_report(tmp_path, report())
    (tmp_path / "index.html").mkdir()
    with pytest.raises(InputError, match="no report of invdiff"):
        write_index(tmp_path / "index.html", [Case("a", tmp_path / "report.html", np.ones((4, 4)))])
    assert (tmp_path / "report.html").read_text() == "<html>mine</html>"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: ReportSlice(0, {"a": np.ones((4, 4))}, "b"), "called 'b'"),
        (lambda: ReportSlice(0, {"a": np.ones((4, 4))}, "a", error=np.ones((4, 5))), r"shape \(4, 5\)"),
        (lambda: ReportSlice(7, {"a": np.full((4, 4), np.nan)}, "a"), "Slice 7: .* no magnitudes"),
        (lambda: ReportSlice(0, {"a": -np.ones((4, 4))}, "a"), "no magnitudes"),
        (lambda: Line([], []), "0, 0 and 0 numbers"),
        (lambda: Line([1.0], [np.inf]), "NaN or infinity"),
        (lambda: write_report("/dev/null/folder", report()), "can't be written"),
        (lambda: write_report("nowhere", report(count=0)), "no slices"),
        (lambda: write_index("index.html", []), "there are none"),
    ],
)
def test_refusals(made: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        made()


def test_a_chart_holds_its_numbers_within_its_box() -> None:
    for y in ([0.0, 0.0], [-3.0, 5.0], [1e300, 1.0]):
        drawn = Chart("t", "x", Line([0.1, 0.4], y, [1.0, 0.0]), 1.0).markup
        heights = [float(found) for found in re.findall(r'cy="([-\d.]+)"', drawn)]
        assert len(heights) == 2
        assert all(0 <= height <= 220 for height in heights)
