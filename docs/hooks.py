"""Write what the library itself knows into the docs: the simplification rules, the table of methods, and refusals."""

import csv
import json
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pydantic import BaseModel, TypeAdapter

from invdiff.cli import app
from invdiff.cli.run_file import OF_A_CALL
from invdiff.data.formats import LAYOUTS
from invdiff.data.formats.acquisition_flags import FLAGS
from invdiff.diffusion import (
    SDE,
    CleanDraw,
    DataCovariance,
    Grid,
    Guidance,
    InnerSolve,
    Predictor,
    Signal,
    Start,
    Step,
    View,
    Weight,
)
from invdiff.methods import METHODS
from invdiff.methods.named_parts import named_parts
from invdiff.operators.rules import PRODUCT, PULLBACK, SUM
from invdiff.training import (
    Augmentation,
    BidsImages,
    DicomImages,
    FastMRIImages,
    GroupedImages,
    NiftiImages,
    NpyImages,
    PhantomImages,
    TrainingConfig,
)

INTRODUCTION = """# Simplification rules

What `A @ B`, `A + B` and the normal operator `A.gram` become, as the library itself looks it up. An operator without
structure, `without_structure(A)`, gives the same numbers more slowly: that is what the tests compare.
"""


def rules_page() -> str:
    """The tables as Markdown."""
    lines = [INTRODUCTION]
    for table in (PRODUCT, SUM, PULLBACK):
        lines += [f"## {table.title}\n", "| written | becomes |", "|---|---|"]
        lines += [f"| `{left}` | `{right}` |" for left, right in table.rows()]
        lines.append("")
    return "\n".join(lines)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page before mkdocs reads the navigation."""
    files.append(File.generated(config, "rules.md", content=rules_page()))
    return files


def methods_table() -> str:
    """A row for each method, with a link to its page."""
    lines = ["| method | paper | signal | view | guidance | network calls |", "|---|---|---|---|---|---|"]
    for method in METHODS.values():
        sampler = method.build()
        parts = [type(part).__name__ if part else "none" for part in (sampler.signal, sampler.view, sampler.guidance)]
        cells = [f"[{method.name}]({method.name}.md)", method.paper.short, *parts, str(sampler.nfe)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def parts_table() -> str:
    """A row for each kind of part, with the names that its parts have in settings."""
    lines = ["| kind | parts |", "|---|---|"]
    for kind in (
        SDE,
        Grid,
        Signal,
        View,
        Guidance,
        Predictor,
        Step,
        Start,
        Weight,
        InnerSolve,
        CleanDraw,
        DataCovariance,
    ):
        names = [name for name in named_parts(kind) if kind is not Step or name not in named_parts(Predictor)]
        lines.append(f"| `{kind.__name__}` | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(lines)


def refusals_table() -> str:
    """The refusals that the tests walk into."""
    lines = ["| part | does not go with | because |", "|---|---|---|"]
    with (Path(__file__).parents[1] / "tests/diffusion/refusals.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            meets = row["meets"] if " " in row["meets"] or row["meets"].islower() else f"`{row['meets']}`"
            lines.append(f"| `{row['part']}` | {meets} | {row['reason']} |")
    return "\n".join(lines)


def layouts_table() -> str:
    """The names that projects use for their arrays."""
    lines = ["| holds | names | axes | whose |", "|---|---|---|---|"]
    for row in LAYOUTS:
        names, orders = (", ".join(f"`{one}`" for one in many) for many in (row.names, row.orders))
        lines.append(f"| {row.holds} | {names} | {orders} | {row.source} |")
    return "\n".join(lines)


def fields_table(*models: type[BaseModel]) -> str:
    """A row for each field of a configuration: its name, default, and what it is."""
    lines = ["| field | default | what |", "|---|---|---|"]
    for model in models:
        for name, field in model.model_fields.items():
            if name == "kind":
                lines.append(f"| **`kind: {field.default}`** | | {field.description} |")
                continue
            default = "required" if field.is_required() else f"`{_as_yaml(field.default)}`"
            lines.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join(lines)


def _as_yaml(value: Any) -> str:
    """A default as it would stand in a file; of a choice of several, its kind."""
    for key in ("kind", "architecture"):
        if hasattr(value, key):
            return f"{{{key}: {getattr(value, key)}}}"
    if isinstance(value, BaseModel):
        return "see below"
    return json.dumps(TypeAdapter(Any).dump_python(value, mode="json")).replace('"', "")


def flags_table() -> str:
    """A row for each flag of an acquisition; neighbours that say the same share one."""
    lines = []
    for (says, use), found in groupby(FLAGS, key=lambda flag: (flag.says, flag.use)):
        named = [f"`{flag.name}` ({flag.number})" for flag in found]
        lines.append(f"| {', '.join(named)} | {says} | {use.value} |")
    return "\n".join(lines)


def run_rows() -> str:
    """A row for each field of a run as a file, which are the parameters of ``solve``."""
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    lines = []
    for parameter in command.commands["solve"].params:
        if parameter.name in OF_A_CALL:
            continue
        shown = getattr(parameter, "show_default", None)
        default = shown if isinstance(shown, str) else "" if parameter.default is None else f"`{parameter.default}`"
        lines.append(f"| `{parameter.name}` | {default} | {(parameter.help or '').replace('|', '&#124;')} |")
    return "\n".join(lines)


TABLES = {
    "RUN_FIELDS": run_rows,
    "ISMRMRD_FLAGS": flags_table,
    "METHODS_TABLE": methods_table,
    "PARTS_TABLE": parts_table,
    "REFUSALS_TABLE": refusals_table,
    "LAYOUTS_TABLE": layouts_table,
    "TRAINING_FIELDS": partial(fields_table, TrainingConfig),
    "AUGMENTATION_FIELDS": partial(fields_table, Augmentation),
    "SOURCES_FIELDS": partial(
        fields_table, FastMRIImages, BidsImages, NiftiImages, DicomImages, NpyImages, GroupedImages, PhantomImages
    ),
}


def parameters_table(name: str) -> str:
    """A row for each parameter of a method: its default, what it is, and what it may be."""
    lines = ["| `--set` | default | what | values |", "|---|---|---|---|"]
    for parameter in METHODS[name].parameters:
        values = parameter.values.replace("|", "\\|")
        lines.append(f"| `{parameter.name}` | `{parameter.default}` | {parameter.meaning} | {values} |")
    return "\n".join(lines)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put a table where a page asks for it, and that of its parameters on a method's page, before its function."""
    folder, _, name = page.file.src_uri.removesuffix(".md").rpartition("/")
    if folder == "methods" and name in METHODS:
        markdown = markdown.replace("\n::: ", f"\n{parameters_table(name)}\n\n::: ", 1)
    for name, table in TABLES.items():
        markdown = markdown.replace(name, table()) if name in markdown else markdown
    return markdown
