"""Show `<u, v>` in docstrings as it stands: Markdown takes it for a tag of HTML."""

import re
from typing import Any

from griffe import Extension, Object

CODE_OR_TAG = re.compile(r"(?P<code>(`+).+?\2)|<(?=[A-Za-z/!?])", re.DOTALL)


class LiteralDocstrings(Extension):
    """Docstrings hold no HTML, so what looks like it is text."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Escape what would be a tag, but not in code, where nothing is."""
        if obj.docstring is not None:
            obj.docstring.value = CODE_OR_TAG.sub(lambda found: found["code"] or "&lt;", obj.docstring.value)
