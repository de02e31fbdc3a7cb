"""Notebooks as pages: Markdown with what their cells showed, and the pictures."""

import re
from collections.abc import Mapping
from pathlib import Path

from nbconvert import MarkdownExporter

TEMPLATE = """{% extends 'markdown/index.md.j2' %}
{% block input %}
{{ cell.source | as_code }}
{% endblock input %}
{% block stream %}
{{ output.text | strip_ansi | as_text }}
{% endblock stream %}
{% block data_text scoped %}
{{ output.data['text/plain'] | strip_ansi | as_text }}
{% endblock data_text %}
{% block data_png %}
![{{ cell.metadata.alt }}]({{ output.metadata.filenames['image/png'] | path2url }})
{% endblock data_png %}
"""


def as_code(source: str) -> str:
    """A fenced block: of the shell, ready to be copied there, where each command is one of the shell's."""
    commands = re.split(r"(?<!\\)\n", source)
    if all(command.startswith("!") for command in commands):
        return "\n".join(["```sh", *(command[1:] for command in commands), "```"])
    return f"```{{.python .no-run}}\n{source}\n```"


def as_text(output: str) -> str:
    """A fenced block of what was printed."""
    return "\n".join(["```text", *(line.rstrip() for line in output.strip("\n").splitlines()), "```"])


class PageExporter(MarkdownExporter):
    """Markdown as this site has it; of a cell that shows a picture, ``metadata.alt`` says what is in it."""

    def default_filters(self):
        yield from super().default_filters()
        yield from {"as_code": as_code, "as_text": as_text}.items()


def notebook_page(path: Path) -> tuple[str, Mapping[str, bytes]]:
    """The Markdown of a notebook, and its pictures by their names beside it."""
    exporter = PageExporter(raw_template=TEMPLATE)
    resources = {"unique_key": path.stem, "output_files_dir": path.stem}
    markdown, made = exporter.from_filename(str(path), resources)
    title, _, rest = markdown.lstrip().partition("\n")
    return f"{title}\n\n[This page as a notebook]({path.name})\n{rest}", made["outputs"]
