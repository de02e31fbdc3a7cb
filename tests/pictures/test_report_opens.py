"""A report shows its first image before it decodes any other, and every slice after that one by one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from invdiff.pictures.report import write_report
from tests.pictures.reports import report
from tests.pictures.test_report_in_a_browser import browser, drawn

__all__ = ["browser"]

WATCH = """
window.decodes = 0;
window.painted = [];
const decode = HTMLImageElement.prototype.decode;
HTMLImageElement.prototype.decode = function () { window.decodes += 1; return decode.call(this); };
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...given) {
  window.painted.push([this.canvas.id, window.decodes]);
  return put.apply(this, given);
};
"""
COUNT, SAMPLES = 3, 4
OF_A_SLICE = 3 + 2 + SAMPLES  # images, the deviation and the error, and samples


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(write_report(tmp_path, report(count=COUNT, samples=SAMPLES)).as_uri())
    page.wait_for_selector("body[data-ready=yes]")
    yield page
    context.close()


def first_of(page: Any, name: str) -> int:
    """How many images were decoded when a canvas was drawn first."""
    return next(decodes for painted, decodes in page.evaluate("window.painted") if painted == name)


def test_one_image_is_decoded_before_the_first_is_shown(page: Any) -> None:
    assert first_of(page, "image") == 1
    assert first_of(page, "deviation") == first_of(page, "error") == OF_A_SLICE - SAMPLES
    assert first_of(page, "sample") == OF_A_SLICE
    assert page.evaluate("window.decodes") == OF_A_SLICE  # none of another slice


def test_a_slice_is_decoded_when_it_is_asked_for_and_once(page: Any) -> None:
    page.evaluate("window.decodes = 0, window.painted = []")
    page.locator("#slice").fill("1")
    page.wait_for_selector("body[data-shown='1']")
    assert first_of(page, "image") == 1
    assert page.evaluate("window.decodes") == OF_A_SLICE
    shown = drawn(page, "image")
    page.locator("#slice").fill("0")
    page.wait_for_selector("body[data-shown='0']")
    assert drawn(page, "image") != shown
    assert page.evaluate("window.decodes") == OF_A_SLICE


def test_of_slices_that_are_passed_over_the_last_is_shown(page: Any) -> None:
    page.evaluate(
        "for (const row of [1, 2, 1, 2]) {"
        " const slider = document.getElementById('slice'); slider.value = row;"
        " slider.dispatchEvent(new Event('input')); }"
    )
    page.wait_for_selector("body[data-shown='2']")
    page.wait_for_timeout(200)
    assert page.locator("#slice-name").text_content() == "2 (3 of 3)"
    assert page.evaluate("document.body.dataset.shown") == "2"
