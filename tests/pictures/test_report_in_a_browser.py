"""Reports in Chromium, as a reader uses them; skipped where there is none."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invdiff.pictures.report import Case, write_index, write_report
from tests.pictures.reports import HOSTILE, report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        names = ("chromium", "chromium-browser", "google-chrome", "chrome")
        found = own if Path(own).exists() else next(filter(None, map(shutil.which, names)), None)
        if found is None:
            pytest.skip("no Chromium is found: playwright install chromium")
        launched = playwright.chromium.launch(executable_path=found)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    (folder / "case # 1").mkdir()
    index = folder / "index.html"
    page = write_report(folder / "case # 1", report(count=3, title=HOSTILE, warnings=[HOSTILE]), index)
    write_index(index, [Case(HOSTILE, page, np.ones((4, 4)))])
    return folder


@pytest.fixture
def opened(browser: Any, folder: Path) -> Iterator[Open]:
    """A report that is ready; at the end nothing was said on the console, and nothing fetched but the pages."""
    said: list[str] = []
    fetched: list[str] = []
    contexts = []

    def open_page(motion: str = "reduce", width: int = 1280) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion=motion)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto((folder / "case # 1" / "report.html").as_uri())
        page.wait_for_selector("body[data-ready=yes]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert {url.partition(":")[0] for url in fetched} <= {"file", "data"}


def drawn(page: Any, name: str) -> list[int]:
    """The red of a canvas's pixels."""
    return page.evaluate(
        "id => { const c = document.getElementById(id);"
        " return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, k) => k % 4 === 0); }",
        name,
    )


def slide(page: Any, name: str, value: float) -> None:
    page.locator(f"#{name}").fill(str(value))


def test_the_slider_goes_from_zero_filled_to_the_difference(opened: Open) -> None:
    page = opened()
    seen = {}
    for place, name in enumerate(("zero-filled", "estimate", "truth", "difference")):
        slide(page, "place", place)
        assert page.locator("#place-name").text_content() == name
        assert page.locator("#places button[aria-pressed=true]").text_content() == name
        seen[name] = drawn(page, "image")
    assert len({tuple(image) for image in seen.values()}) == 4
    slide(page, "place", 0.5)  # the left half is of the next image, the right half of this one
    both = np.array(drawn(page, "image")).reshape(24, 24)
    first, second = (np.array(seen[name]).reshape(24, 24) for name in ("zero-filled", "estimate"))
    np.testing.assert_array_equal(both[:, :12], second[:, :12])
    np.testing.assert_array_equal(both[:, 13:], first[:, 13:])
    page.get_by_role("button", name="truth").click()
    assert drawn(page, "image") == seen["truth"]


def test_the_window_by_sliders_by_dragging_and_by_keys(opened: Open) -> None:
    page = opened()
    before = np.array(drawn(page, "image"))
    slide(page, "width", 50)
    slide(page, "level", 25)
    expected = np.clip(before.astype(float) * 2, 0, 255)
    np.testing.assert_allclose(drawn(page, "image"), expected, atol=1)
    assert drawn(page, "sample") != before.tolist()
    page.locator("#image").scroll_into_view_if_needed()
    box = page.locator("#image").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + box["width"] / 5, box["y"] + box["height"] * 0.4)
    page.mouse.up()
    assert page.locator("#width-value").text_content() == "70 %"
    assert page.locator("#level-value").text_content() == "35 %"
    page.locator("#level").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#level-value").text_content() == "36 %"


def test_slices_and_the_scale_of_errors(opened: Open) -> None:
    page = opened()
    first, error = drawn(page, "image"), drawn(page, "error")
    page.locator("#slice").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("body[data-shown='1']")
    assert page.locator("#slice-name").text_content() == "1 (2 of 3)"
    assert drawn(page, "image") != first
    slide(page, "slice", 0)
    page.wait_for_selector("body[data-shown='0']")
    assert drawn(page, "image") == first
    slide(page, "top", 1)
    assert sum(drawn(page, "error")) > sum(error)


def test_samples_play_and_pause(opened: Open) -> None:
    page = opened("no-preference")
    number = page.locator("#sample-name")
    page.get_by_text("3 of 3", exact=True).wait_for()
    page.get_by_role("button", name="Pause").click()
    paused = number.text_content()
    page.wait_for_timeout(900)  # two samples' time
    assert number.text_content() == paused
    slide(page, "sample-number", 1)
    second = drawn(page, "sample")
    slide(page, "sample-number", 0)
    assert drawn(page, "sample") != second


def test_nothing_moves_by_itself_where_motion_is_reduced(opened: Open) -> None:
    page = opened("reduce")
    page.wait_for_timeout(900)
    assert page.locator("#sample-name").text_content() == "1 of 3"
    page.get_by_role("button", name="Play").click()
    page.get_by_text("2 of 3", exact=True).wait_for()


def test_nothing_is_wider_than_a_phone(opened: Open) -> None:
    page = opened(width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_index_leads_there_and_back(opened: Open) -> None:
    page = opened()
    page.get_by_role("link", name="all reports").click()
    page.wait_for_url("**/index.html")
    page.get_by_role("link").click()
    page.wait_for_selector("body[data-ready=yes]")


def test_the_command_is_copied(opened: Open) -> None:
    page = opened()
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("getSelection().toString()") == "invdiff solve brain.h5 --samples 3"
