"""Objects as a notebook shows them."""

import base64
import sys
from collections.abc import Mapping
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from invdiff.printable import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 256  # pixels of a picture, at most


def card(title: str, rows: Mapping[str, object], pictures: "Mapping[str, NDArray[Any]] | None" = None) -> str:
    """HTML of a title, a table and pictures side by side. All text is escaped, and nothing is fetched.

    Args:
        title: what it is.
        rows: texts by their names.
        pictures: by their captions, arrays ``(..., H, W)``, real or complex, of which the middle image's magnitude is
            shown, up to its 99.9th percentile, and of large ones every so-many-th pixel.
    """
    table = "".join(f"<tr><th style='text-align:left'>{_text(k)}</th><td>{_text(v)}</td></tr>" for k, v in rows.items())
    shown = "".join(
        f"<figure style='display:inline-block;margin:4px'><img alt='{_text(caption)}' src='{_source(array)}'>"
        f"<figcaption>{_text(caption)}</figcaption></figure>"
        for caption, array in (pictures or {}).items()
    )
    return f"<div><strong>{_text(title)}</strong><table>{table}</table>{shown}</div>"


def is_notebook() -> bool:
    """Whether this process computes for a notebook: the kernel of one, not a terminal's shell."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _text(value: object) -> str:
    return escape(printable(str(value)))


def _source(array: "NDArray[Any]") -> str:
    import numpy as np
    from matplotlib.image import imsave

    images = array.reshape(-1, *array.shape[-2:])
    step = -(-max(images.shape[1:]) // _SIDE)
    magnitude = np.nan_to_num(np.abs(images[len(images) // 2][::step, ::step]).astype(np.float64))
    white = float(np.percentile(magnitude, 99.9)) or 1.0
    png = BytesIO()
    imsave(png, magnitude, vmin=0, vmax=white, cmap="gray", format="png")
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
