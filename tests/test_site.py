"""Every page of the built docs: nothing of Markdown is left in it, every link arrives, and what is wide scrolls."""

import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock

import invdiff

ROOT = Path(__file__).parents[1]
MARKDOWN = re.compile(r"\*\*|\]\(|```|^:::|\\[()\[\]]")
TAGS = set(
    re.findall(
        r"\w+",
        "a article aside b body br button code dd details div dl dt em figcaption figure footer form h1 h2 h3 h4 h5 h6"
        " head header hr html i img input label li link main meta nav ol p path pre script section small span strong"
        " style sub summary sup svg table tbody td th thead title tr u ul",
    )
)
LITERAL = {"code", "pre", "script", "style"}
VOID = {"br", "hr", "img", "input", "link", "meta"}


class ParsedPage(HTMLParser):
    """What a page says, links to and can be linked at."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.prose: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.unknown_tags: set[str] = set()
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.unknown_tags |= {tag} - TAGS
        is_formula = "arithmatex" in (given.get("class") or "")
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.links += [given[name] for name in ("href", "src") if given.get(name)]
        if tag not in VOID:
            self._open.append("code" if is_formula else tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not LITERAL & set(self._open):
            self.prose.append(data)

    def left_of_markdown(self) -> list[str]:
        return [said.strip() for said in self.prose if MARKDOWN.search(said.strip())]


def dead_links(site: Path, pages: dict[Path, ParsedPage]) -> list[str]:
    """Links within a site to what is not there."""
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.path.startswith("/"):  # of the page that is shown where there is none
                target = site / unquote(parts.path).lstrip("/")
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].anchors):
                dead.append(f"{path.relative_to(site)}: {link}")
    return dead


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The docs, built once for all processes."""
    pytest.importorskip("mkdocstrings", reason="needs the extra docs")
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "popen" in shared.name else shared
    built = shared / "site"
    with FileLock(f"{built}.lock"):
        if not (built / "index.html").is_file():
            command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(built)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    return built


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, ParsedPage]:
    return {path: ParsedPage(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def test_no_markdown_is_left(site: Path, pages: dict[Path, ParsedPage]) -> None:
    assert {str(path.relative_to(site)): page.left_of_markdown() for path, page in pages.items()} == {
        str(path.relative_to(site)): [] for path in pages
    }


def test_nothing_is_taken_for_a_tag(pages: dict[Path, ParsedPage]) -> None:
    assert set().union(*(page.unknown_tags for page in pages.values())) == set()


def test_every_link_arrives(site: Path, pages: dict[Path, ParsedPage]) -> None:
    assert dead_links(site, pages) == []


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, ParsedPage]) -> None:
    for path in pages:
        html = path.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img)[^>]*src=\"?https?:|<link[^>]*rel=\"?stylesheet\"?[^>]*https?:", html), (
            path
        )


def public_packages() -> list[ModuleType]:
    exported = [getattr(invdiff, name) for name in invdiff.__all__]
    inner = [import_module("invdiff.reconstruction.audit"), import_module("invdiff.reconstruction.writers")]
    return [one for one in exported if isinstance(one, ModuleType)] + inner


def test_every_public_name_is_on_a_page(site: Path) -> None:
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    documented = {line.split(" ", 1)[0] for line in inventory.splitlines()}
    names = [f"{package.__name__}.{name}" for package in public_packages() for name in package.__all__]
    assert [name for name in names if documented_as(name) not in documented] == []


def documented_as(name: str) -> str:
    """The name itself; of a function that has the name of a module, where it is defined."""
    package, _, last = name.rpartition(".")
    item = getattr(import_module(package), last)
    return f"{item.__module__}.{last}" if isfunction(item) and name in sys.modules else name


def test_llms_txt_lists_every_page_of_the_navigation(site: Path) -> None:
    links = re.findall(r"^- \[[^\]]+\]\(([^)]*)\)", (site / "llms.txt").read_text(encoding="utf-8"), re.MULTILINE)
    listed = re.findall(
        r"^ *- (?:[^:\n]*: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(links) == len(listed)
    assert all((site / link / "index.html").is_file() for link in links)


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>a **b** c</p>", ["a **b** c"]),
        ("<p>see [a](b.md)</p>", ["see [a](b.md)"]),
        ("<p>```python</p>", ["```python"]),
        ("<p>\\(x\\)</p>", ["\\(x\\)"]),
        ('<p><span class="arithmatex">\\(x\\)</span> and <code>a**b</code></p>', []),
    ],
)
def test_markdown_is_seen(html: str, left: list[str]) -> None:
    assert ParsedPage(html).left_of_markdown() == left


def test_dead_links_and_tags_are_seen(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html">b</a><a href="a.html#y">y</a><a id="x" href="#x">x</a><u, v>')
    parsed = {tmp_path / "a.html": ParsedPage((tmp_path / "a.html").read_text())}
    assert dead_links(tmp_path, parsed) == ["a.html: b.html", "a.html: a.html#y"]
    assert parsed[tmp_path / "a.html"].unknown_tags == {"u,"}


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    installed = shutil.which("chromium") or shutil.which("google-chrome")
    with playwright.sync_playwright() as started:
        if installed is None and not Path(started.chromium.executable_path).is_file():
            pytest.skip("needs Chromium")
        opened = started.chromium.launch(executable_path=installed, args=["--no-sandbox"])
        yield opened
        opened.close()


TOO_WIDE = """() => [...document.querySelectorAll(".md-content *")].filter(each => {
  if (each.closest(".katex-mathml, svg *")) return false;  // for those who hear the page; within a picture
  for (let around = each; around; around = around.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(around).overflowX)) return false;
  return each.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
}).map(each => `${each.tagName}: ${each.textContent.trim().slice(0, 60)}`)"""


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_window_and_run_without_an_error(
    site: Path, pages: dict[Path, ParsedPage], address: str, browser: Any, width: int
) -> None:
    said: list[str] = []
    window = browser.new_page(viewport={"width": width, "height": 900})
    window.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    window.on("pageerror", lambda error: said.append(str(error)))
    for path in pages:
        name = path.relative_to(site).as_posix()
        window.goto(f"{address}/{name}")
        said += [f"{name}: {each}" for each in window.evaluate(TOO_WIDE)]
        said += [f"{name}: {each}" for each in window.locator(".katex-error").all_text_contents()]
    window.close()
    assert said == []
