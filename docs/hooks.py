"""Write what the library itself knows into the docs: the simplification rules, the table of methods, and refusals."""

import csv
import json
import re
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from inspect import isfunction
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page
from notebook_pages import notebook_page
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
    RunConfig,
    TrainingConfig,
    UnsampledKspaceConfig,
)

INTRODUCTION = """# Simplification rules

What `A @ B`, `A + B` and the normal operator `A.gram` become, as the library itself looks it up. An operator without
structure, `without_structure(A)`, gives the same numbers more slowly: that is what the tests compare.
"""


CODE_OR_BAR = re.compile(r"(?P<code>(`+).+?\2)|\|")


def row(*cells: object) -> str:
    """A row of a table, in whose cells a bar is a bar."""
    escaped = [CODE_OR_BAR.sub(lambda found: found["code"] or "\\|", str(cell)) for cell in cells]
    return f"| {' | '.join(escaped)} |"


def rules_page() -> str:
    """The tables as Markdown."""
    lines = [INTRODUCTION]
    for table in (PRODUCT, SUM, PULLBACK):
        lines += [f"## {table.title}\n", "| written | becomes |", "|---|---|"]
        lines += [row(f"`{left}`", f"`{right}`") for left, right in table.rows()]
        lines.append("")
    return "\n".join(lines)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the rules' page and those of notebooks before mkdocs reads the navigation."""
    files.append(File.generated(config, "rules.md", content=rules_page()))
    for path in sorted((Path(config.docs_dir) / "notebooks").glob("*.ipynb")):
        markdown, pictures = notebook_page(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=markdown))
        for name, picture in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=picture))
    return files


def methods_table() -> str:
    """A row for each method, with a link to its page."""
    lines = ["| method | paper | signal | view | guidance | needs | network calls |", "|---|---|---|---|---|---|---|"]
    for method in METHODS.values():
        sampler = method.build()
        parts = [type(part).__name__ if part else "none" for part in (sampler.signal, sampler.view, sampler.guidance)]
        asked = [sampler.signal, sampler.view, sampler.start, *sampler.steps, *sampler.finish, sampler.guidance]
        needs = set().union(*(part.needs for part in asked if part)) & {"noise_std", "density", "coil maps"}
        cells = [
            f"[{method.name}]({method.name}.md)",
            method.paper.short,
            *parts,
            ", ".join(sorted(needs)),
            sampler.nfe,
        ]
        lines.append(row(*cells))
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
        lines.append(row(f"`{kind.__name__}`", ", ".join(f"`{name}`" for name in names)))
    return "\n".join(lines)


def refusals_table() -> str:
    """The refusals that the tests walk into."""
    lines = ["| part | does not go with | because |", "|---|---|---|"]
    with (Path(__file__).parents[1] / "tests/diffusion/refusals.csv").open(encoding="utf-8", newline="") as file:
        for refusal in csv.DictReader(file):
            meets = refusal["meets"]
            named = meets if " " in meets or meets.islower() else f"`{meets}`"
            lines.append(row(f"`{refusal['part']}`", named, refusal["reason"]))
    return "\n".join(lines)


def layouts_table() -> str:
    """The names that projects use for their arrays."""
    lines = ["| holds | names | axes | whose |", "|---|---|---|---|"]
    for layout in LAYOUTS:
        names, orders = (", ".join(f"`{one}`" for one in many) for many in (layout.names, layout.orders))
        lines.append(row(layout.holds, names, orders, layout.source))
    return "\n".join(lines)


def fields_table(*models: type[BaseModel], beside: type[BaseModel] = BaseModel) -> str:
    """A row for each field of a configuration that another does not have: its name, default, and what it is."""
    lines = ["| field | default | what |", "|---|---|---|"]
    for model in models:
        for name, field in model.model_fields.items():
            if name in beside.model_fields:
                continue
            if name == "kind":
                lines.append(row(f"**`kind: {field.default}`**", "", field.description))
                continue
            default = "required" if field.is_required() else f"`{_as_yaml(field.default)}`"
            lines.append(row(f"`{name}`", default, field.description))
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
        lines.append(row(", ".join(named), says, use.value))
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
    "UNSAMPLED_KSPACE_FIELDS": partial(fields_table, UnsampledKspaceConfig, beside=RunConfig),
    "AUGMENTATION_FIELDS": partial(fields_table, Augmentation),
    "SOURCES_FIELDS": partial(
        fields_table, FastMRIImages, BidsImages, NiftiImages, DicomImages, NpyImages, GroupedImages, PhantomImages
    ),
}


def parameters_table(name: str) -> str:
    """A row for each parameter of a method: its default, what it is, what it may be, and what it usually is."""
    rows = [
        row(f"`{parameter.name}`", f"`{parameter.default}`", parameter.meaning, parameter.values, parameter.usual)
        for parameter in METHODS[name].parameters
    ]
    return "\n".join(["| `--set` | default | what | values | usually |", "|---|---|---|---|---|", *rows])


def namesakes(package: str) -> list[str]:
    """Directives for functions that have the name of a module, which a package's reference takes for the module and
    leaves out."""
    functions = {name: getattr(import_module(package), name) for name in import_module(package).__all__}
    return [
        f"::: {function.__module__}.{name}\n    options:\n      show_root_heading: true\n"
        for name, function in functions.items()
        if isfunction(function) and f"{package}.{name}" in sys.modules
    ]


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put a table where a page asks for it, and that of its parameters on a method's page, before its function; behind
    a package in the reference, its functions that have a module's name."""
    folder, _, name = page.file.src_uri.removesuffix(".md").rpartition("/")
    if folder == "reference":
        for package in re.findall(r"^::: (\S+)$", markdown, re.MULTILINE):
            if hasattr(import_module(package), "__all__"):
                markdown = markdown.replace(f"::: {package}\n", "\n".join([f"::: {package}\n", *namesakes(package)]))
    if folder == "methods" and name in METHODS:
        markdown = markdown.replace("\n::: ", f"\n{parameters_table(name)}\n\n::: ", 1)
    for name, table in TABLES.items():
        markdown = markdown.replace(name, table()) if name in markdown else markdown
    return markdown


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Add llms.txt (llmstxt.org): every page of the navigation, with its first sentence."""
    text = "\n".join([f"# {config.site_name}\n", f"> {config.site_description}\n", *_listed(nav.items), ""])
    files.append(File.generated(config, "llms.txt", content=text))
    return nav


def _listed(items: list[Any]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Section):
            yield f"\n## {item.title}\n"
            yield from _listed(item.children)
        elif isinstance(item, Page):
            sentence = _first_sentence(item.file.content_string)
            yield f"- [{item.title or 'Overview'}]({item.file.url})" + (f": {sentence}" if sentence else "")


def _first_sentence(markdown: str) -> str:
    paragraphs = re.split(r"\n\s*\n", markdown.split("\n", 1)[-1].strip())
    prose = next((one for one in paragraphs if one[:1].isalpha()), "")
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(prose.split()))
    return re.split(r"(?<=\.) |:$", plain)[0]
