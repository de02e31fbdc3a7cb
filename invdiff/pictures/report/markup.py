"""Text of strangers, fit for a page, and the parts that the package brings."""

import base64
import hashlib
import html
import io
import json
import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from invdiff.printable import printable


def escaped(text: str) -> str:
    """The text as HTML, within an element or an attribute's quotes: it shows as it is, and is nothing else."""
    return html.escape(printable(text))


def linked(place: Path) -> str:
    """A path from the page as an attribute that links to it."""
    return escaped(quote(os.fsencode(place.as_posix())))


def as_json(value: Any) -> str:
    """JSON that can stand within a script element: nothing in it ends the element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def as_png(grey: NDArray[np.uint8]) -> str:
    """A PNG of eight bits a pixel in base64."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@cache
def part(name: str) -> str:
    """A file that stands beside this one."""
    return files("invdiff.pictures.report").joinpath(name).read_text(encoding="utf-8")


def filled(name: str, **given: str) -> str:
    """A file of HTML beside this one, in which ``$name`` are replaced by HTML."""
    return Template(part(name)).substitute(given)


def allowed(content: str) -> str:
    """The source by which a content security policy allows this script or style, and no other."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
