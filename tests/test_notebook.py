"""What objects say of themselves, in a terminal and in a notebook."""

import base64
import io
import re
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from invdiff import Problem, load_prior
from invdiff.data import Scan
from invdiff.data.picture import Picture
from invdiff.diffusion import Iteration, Posterior, RunTrace
from invdiff.methods import METHODS, dds
from invdiff.notebook import card, is_notebook
from invdiff.operators import denoising, fourier, inpainting, sense
from invdiff.pictures.progress_bar import shown_in_notebooks
from invdiff.priors import GaussianPrior
from invdiff.reconstruction import Course, Reconstruction, sample_cases
from invdiff.reconstruction.sample import radial_sample, sample_scan

SIDE = 12
HOSTILE = "<script>alert(1)</script>\x1b[2J"


def noise(*shape: int) -> np.ndarray:
    parts = np.random.default_rng(0).standard_normal((2, *shape))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def scan() -> Scan:
    return replace(sample_scan(), name=HOSTILE)


def things() -> dict[str, object]:
    mask, y = np.ones((SIDE, SIDE), bool), noise(SIDE, SIDE)
    zeros = np.zeros((4, 3, SIDE, SIDE), np.complex64)
    made = {
        "scan": scan(),
        "trajectory": replace(radial_sample(0)[0], name=HOSTILE),
        "picture": Picture(noise(2, SIDE, SIDE), name=HOSTILE),
        "scan cases": sample_cases("sense", 0),
        "picture cases": sample_cases("inpainting", 0),
        "problem": Problem(fourier(mask), y.ravel(), 0.1),
        "unmeasured": Problem.unmeasured((SIDE,)),
        "prior": load_prior("builtin"),
        "exact prior": GaussianPrior(torch.zeros(2, SIDE, SIDE), torch.ones(2, SIDE, SIDE)),
        "posterior": Posterior(torch.from_numpy(noise(3, SIDE, SIDE)), 1.0, 9, (1.0, 0.0)),
        "line": Posterior(torch.ones(3, SIDE), 1.0, 9, (1.0, 0.0)),
        "reconstruction": Reconstruction(zeros, zeros[:, 0], zeros[:, 0], {"method": HOSTILE}),
    }
    made["a slice"] = next(iter(made["reconstruction"]))
    operators = (fourier(mask), sense(mask, noise(4, SIDE, SIDE)), inpainting(mask), denoising((SIDE, SIDE)))
    return made | {repr(one): one for one in operators} | {f"{one!r} gram": one.gram for one in operators}


@pytest.fixture(scope="module")
def objects() -> dict[str, object]:
    return things()


PICTURED = {
    "scan",
    "trajectory",
    "scan cases",
    "picture cases",
    "problem",
    "posterior",
    "reconstruction",
    "a slice",
}


def test_what_a_terminal_prints_is_short_and_holds_no_numbers_of_arrays(objects: dict[str, object]) -> None:
    for name, thing in objects.items():
        text = repr(thing)
        assert 0 < len(text) < 400, name
        assert not re.search(r"array\(|tensor\(|0\. , |0j|\.\.\.,", text), name


def test_what_a_notebook_shows_is_escaped_and_has_a_picture(objects: dict[str, object]) -> None:
    for name, thing in objects.items():
        if not hasattr(thing, "_repr_html_"):
            continue
        html = thing._repr_html_()
        assert "<script" not in html, name
        assert "\x1b" not in html, name
        assert len(html) < 400_000, name
        sources = re.findall(r"src='data:image/png;base64,([^']*)'", html)
        assert html.count("src=") == len(sources), name  # nothing is fetched
        assert bool(sources) == (name in PICTURED), name
        for source in sources:
            with Image.open(io.BytesIO(base64.b64decode(source, validate=True))) as picture:
                assert max(picture.size) <= 256
    assert "&lt;script&gt;" in objects["scan"]._repr_html_()


@pytest.mark.parametrize("name", METHODS)
def test_a_sampler_shows_each_of_its_parts(name: str) -> None:
    sampler = METHODS[name].build()
    html = sampler._repr_html_()
    for part in (sampler.sde, *sampler.steps, *sampler.finish):
        assert type(part).__name__ in html


def test_structure_is_named() -> None:
    assert "diagonal" in denoising((3, 3))._repr_html_()
    assert "diagonal" not in fourier(np.eye(3) == 1)._repr_html_()


def tags(title: str, name: str, value: str) -> list[str]:
    """The HTML elements of a card, in order."""
    found = re.findall(r"<[^>]*>", card(title, {name: value}, {name: np.zeros((2, 2))}))
    return [tag.split(" ")[0] for tag in found]


MARKUP = st.text(st.sampled_from("<>&'\"/ab= \x1b")) | st.text()


@given(MARKUP, MARKUP, MARKUP)
def test_no_text_leaves_its_place(title: str, name: str, value: str) -> None:
    assert tags(title, name, value) == tags("a", "b", "c")


def test_text_as_it_is_would_leave_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tags("", "", HOSTILE) == tags("a", "b", "c")
    monkeypatch.setattr("invdiff.notebook.escape", str)
    assert tags("", "", HOSTILE) != tags("a", "b", "c")


def test_a_picture_shows_the_middle_plane_whatever_its_numbers() -> None:
    planes = np.zeros((3, 600, 20))
    planes[1, :300], planes[1, 0, 0] = 2.0, np.nan
    (source,) = re.findall(r"base64,([^']*)'", card("", {}, {"x": planes}))
    with Image.open(io.BytesIO(base64.b64decode(source))) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape == (200, 7)
    assert pixels[1:100].min() == 255
    assert pixels[100:].max() == 0


# Progress


def test_a_bar_is_shown_in_notebooks_alone_and_goes_when_all_is_done(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shown: list[dict[str, str]] = []

    def display(data: dict[str, str], **_: object) -> SimpleNamespace:
        shown.append(data)
        return SimpleNamespace(update=display)

    def run() -> bool:
        shown.clear()
        with shown_in_notebooks(None, HOSTILE) as report:
            if report is not None:
                report(1, 2)
        return report is not None

    assert not is_notebook()
    assert not run()
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    shells = {"terminal": SimpleNamespace(), "kernel": SimpleNamespace(kernel=object()), "nobody": None}
    for kind, shell in shells.items():
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert is_notebook() == (kind == "kernel")
        assert run() == (kind == "kernel")
        assert len(shown) == (3 if kind == "kernel" else 0)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shells["kernel"]))
    run()
    first, during, last = shown
    assert set(first.values()) == set(last.values()) == {""}
    assert "1 of 2, 0:00:00 left" in during["text/plain"]
    assert during["text/html"].startswith("<progress max='2' value='1'></progress> &lt;script&gt;")
    assert "\x1b" not in "".join(during.values())
    told: list[tuple[int, int]] = []
    with shown_in_notebooks(lambda done, total: told.append((done, total)), "") as report:
        assert report is not None
        report(3, 4)
    assert told == [(3, 4)]
    assert capfd.readouterr() == ("", "")


# Figures


def titles(figure: object) -> list[str]:
    return [text.get_text().splitlines()[0] for text in figure.texts]


def test_figures_show_what_is_there() -> None:
    samples = torch.from_numpy(noise(3, SIDE, SIDE))
    truth = noise(SIDE, SIDE)
    posterior = Posterior(samples, 1.0, 9, (1.0, 0.0))
    assert titles(posterior.plot()) == ["sample 0", "sample 1", "mean", "standard deviation"]
    assert titles(posterior.plot(truth=truth)) == [
        "sample 0", "sample 1", "mean", "truth", "error", "standard deviation",
    ]  # fmt: skip
    assert titles(replace(posterior, samples=samples[:1]).plot()) == ["sample 0"]
    assert titles(sample_scan().plot()) == ["root sum of squares", "k-space", "sampled"]
    volumes = samples[None].numpy()
    made = Reconstruction(volumes, volumes[:, 0], None, {})
    assert titles(made.plot()) == ["zero-filled", "reconstruction", "standard deviation"]
    known = replace(made, ground_truth=volumes[:, 0], samples=volumes[:, :1])
    assert titles(known.plot()) == ["zero-filled", "reconstruction", "truth", "error"]
    assert titles(replace(made, samples=volumes.repeat(2, 1)).plot(samples=True)) == [
        "zero-filled", "sample 0", "sample 1", "sample 2", "sample 3", "reconstruction", "standard deviation",
    ]  # fmt: skip


def test_the_figure_of_a_result_has_the_course_of_its_runs() -> None:
    volumes = noise(1, 3, SIDE, SIDE)
    courses = {
        of: Course(np.geomspace(1, 0.01, steps, dtype="f4")[None], *np.ones((2, 1, samples, steps), "f4"))
        for of, samples, steps in (("estimate", 1, 4), ("samples", 3, 6))
    }
    drawn = Reconstruction(volumes, volumes[:, 0], None, {}, volumes[:, 0], courses=courses).plot()
    sigma, change, residual = (axes for axes in drawn.axes if axes.lines)
    assert [axes.get_title() for axes in (sigma, change, residual)] == [
        "noise level", "change of the estimate", "residual / noise",
    ]  # fmt: skip
    assert [len(axes.lines) for axes in (sigma, change, residual)] == [2, 4, 4]
    assert [text.get_text() for text in residual.get_legend().get_texts()] == ["estimate", "samples"]
    np.testing.assert_array_equal(sigma.lines[1].get_ydata(), courses["samples"].sigma[0])
    assert {line.get_color() for line in residual.lines} == {"C0", "C1"}
    with_one = Reconstruction(volumes, volumes[:, 0], None, {}, courses={"samples": courses["samples"]}).plot()
    assert len({line.get_color() for line in with_one.axes[-1].lines}) == 3


def test_a_notebook_shows_figures_without_pyplot() -> None:
    for figure in (sample_scan().plot(), RunTrace([], [Iteration(0, 1.0), Iteration(0, 0.5, 0.1, 1.2)]).plot()):
        with Image.open(io.BytesIO(figure._repr_png_())) as picture:
            assert np.ptp(np.asarray(picture.convert("L"))) > 100


def test_the_figure_of_a_run_has_a_line_for_each_sample() -> None:
    mask, prior = np.ones((8, 8), bool), GaussianPrior(torch.zeros(2, 8, 8), torch.ones(2, 8, 8))
    trace = dds(steps=5)(Problem(fourier(mask), noise(64), 0.1), prior, samples=3).trace
    sigma, change = trace.plot().axes
    assert [len(axes.lines) for axes in (sigma, change)] == [1, 3]
    np.testing.assert_array_equal(change.lines[2].get_ydata()[1:], [one.change for one in trace.of_sample(2)[1:]])
    course = [Iteration(0, 1.0), Iteration(0, 0.5, 0.1, 1.2)]
    assert len(RunTrace([], course).plot().axes) == 3
    with pytest.raises(ValueError, match="holds no iterations"):
        RunTrace().plot()
