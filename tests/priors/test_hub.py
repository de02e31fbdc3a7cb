"""A tiny hub on this computer; nothing here reaches the network."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from invdiff.errors import InputError
from invdiff.priors import EDM, ScorePrior, UNet, load_prior, save_prior

COMMIT = "a" * 40


def tiny_prior() -> ScorePrior:
    torch.manual_seed(0)
    network = UNet(2, widths=(8, 16), blocks=1, embedding=16)
    torch.nn.init.normal_(network.conv_out.weight, std=0.1)
    return ScorePrior(network, EDM(0.2), channels=(1, 2), sigma_range=(0.002, 400.0))


class Hub(BaseHTTPRequestHandler):
    """Repository lab/brain with revisions main and v1 and, for members, lab/secret."""

    files: ClassVar[dict[tuple[str, str], bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        if "/resolve/" in self.path:
            self.asked.append(self.path)
        if (body := self.answer()) is not None:
            self.wfile.write(body)

    def answer(self) -> bytes | None:
        repository, _, rest = self.path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        if repository == "lab/secret":
            return self.refuse(403, "GatedRepo")
        if repository != "lab/brain":
            return self.refuse(401, "RepoNotFound")
        if revision == "broken":
            return self.refuse(500, "")
        if revision not in ("main", "v1", "refs%2Fpr%2F1", COMMIT):
            return self.refuse(404, "RevisionNotFound")
        body = self.files.get((revision if revision == "v1" else "main", name))
        if body is None:
            return self.refuse(404, "EntryNotFound")
        self.send_response(200)
        self.send_header("ETag", f'"{hash(body)}"')
        self.send_header("X-Repo-Commit", COMMIT if revision != "v1" else "b" * 40)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    from huggingface_hub import constants

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("time.sleep", lambda _: None)  # it tries five times, ever more patiently
    save_prior(tiny_prior(), tmp_path / "prior.safetensors")
    body = (tmp_path / "prior.safetensors").read_bytes()
    Hub.files = {
        ("main", "prior.safetensors"): body,
        ("v1", "prior.safetensors"): body,
        ("main", "deep/other.pt"): b"a shopping list",
    }
    Hub.asked = []
    yield Hub
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("hf://lab/brain", "/lab/brain/resolve/main/prior.safetensors"),
        ("hf://lab/brain@v1", "/lab/brain/resolve/v1/prior.safetensors"),
        ("hf://lab/brain@refs%2Fpr%2F1", "/lab/brain/resolve/refs%2Fpr%2F1/prior.safetensors"),
        ("hf://lab/brain/prior.safetensors", "/lab/brain/resolve/main/prior.safetensors"),
        ("hf://lab/brain@v1/prior.safetensors", "/lab/brain/resolve/v1/prior.safetensors"),
    ],
)
def test_a_prior_on_the_hub(hub, address, asked) -> None:
    prior = load_prior(address)
    x = torch.ones(1, 2, 8, 8)
    assert torch.equal(prior.denoise(x, 0.3), tiny_prior().denoise(x, 0.3))
    assert hub.asked == [asked]
    load_prior(address)
    assert hub.asked == [asked]  # the copy is used


def test_a_copy_serves_without_the_hub(hub, monkeypatch) -> None:
    from huggingface_hub import constants

    load_prior("hf://lab/brain")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_prior("hf://lab/brain").channels == (1, 2)
    with pytest.raises(InputError, match=r"hf://lab/brain@v1 isn't on this computer, and the hub doesn't answer"):
        load_prior("hf://lab/brain@v1")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("hf://lab/spine", "There is no lab/spine on the hub, or it is private"),
        ("hf://lab/secret", "hf://lab/secret is for people who accept its terms"),
        ("hf://lab/brain@v9", "lab/brain on the hub has no revision v9"),
        ("hf://lab/brain/model.pt", r"lab/brain on the hub has no file model\.pt; name one: hf://lab/brain/FILE"),
        ("hf://lab/brain@broken", "hf://lab/brain@broken isn't on this computer, and the hub doesn't answer"),
        ("hf://lab/brain/deep/other.pt", r"hf://lab/brain/deep/other\.pt can't be loaded: it is damaged"),
        ("hf://lab", "hf://lab is no address on the hub; write hf://owner/name"),
        ("hf://lab/brain@", "is no address on the hub"),
        ("hf://lab/brain/../../x", "is no address on the hub"),
        ("hf://lab/br ain", "is no address on the hub: "),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(hub, address, says) -> None:
    with pytest.raises(InputError, match=says) as refusal:
        load_prior(address)
    assert "\n" not in str(refusal.value)


def test_a_failed_download_is_refused_in_a_sentence(monkeypatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError("No space left\non device")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    with pytest.raises(InputError, match="hf://lab/brain can't be downloaded: No space left on device"):
        load_prior("hf://lab/brain")


def test_without_the_library_the_line_that_installs_it_is_given(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"hf://lab/brain needs huggingface_hub: pip install 'invdiff\[hub\]'"):
        load_prior("hf://lab/brain")


def test_an_unreachable_hub_is_refused_in_a_sentence(hub, monkeypatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    )
    with pytest.raises(InputError, match="isn't on this computer, and the hub doesn't answer"):
        load_prior("hf://lab/brain")
