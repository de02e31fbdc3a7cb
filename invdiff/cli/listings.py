"""``invdiff methods`` and ``invdiff operators``: what there is."""

from typing import TYPE_CHECKING, Annotated

import typer

from invdiff.cli.completion import method_names
from invdiff.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table


def methods(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            autocompletion=method_names,
            help="A method, whose parameters are told.",
            show_default="all, in a table",
        ),
    ] = None,
    bibtex: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=method_names,
            help="Print the references of a method, those of exactly its parts, as BibTeX.",
        ),
    ] = None,
) -> None:
    """List the methods, with the parts they are made of and their parameters; or tell what those of one method are."""
    from invdiff.methods import METHODS, find_method
    from invdiff.methods.named_parts import name_of_value

    if bibtex is not None and name is not None:
        raise InputError("A method is described (NAME) or cited (--bibtex NAME); give one of them.")
    if bibtex is not None:
        print("\n\n".join(cited.bibtex for cited in find_method(bibtex).build().citations()))
        return

    from rich.console import Console

    if name is not None:
        found, told = find_method(name), _table("parameter", "default", "what", "values", "usually")
        for parameter in found.parameters:
            told.add_row(*parameter)
        console = Console()
        console.print(f"{found.name}, {found.paper.short}: each is changed by --set NAME=VALUE")
        console.print(told)
        return

    made, parameters = _table("method", "paper", "signal, view, guidance", "calls"), _table("method", "defaults")
    made.caption = "calls: network calls for each sample"
    for method in METHODS.values():
        sampler = method.build()
        parts = [type(part).__name__ if part else "none" for part in (sampler.signal, sampler.view, sampler.guidance)]
        made.add_row(method.name, method.paper.short, ", ".join(parts), str(sampler.nfe))
        defaults = [f"{name}={name_of_value(value)}" for name, value in method.defaults.items()]
        parameters.add_row(method.name, " ".join(defaults))
    console = Console()
    console.print(made)
    console.print("Parameters, each to be changed by --set NAME=VALUE:")
    console.print(parameters)


def operators() -> None:
    """List the operators, with what they mean and read."""
    from rich.console import Console

    from invdiff.reconstruction import KINDS

    table = _table("operator", "mathematics", "input")
    for kind in KINDS.values():
        table.add_row(kind.name, kind.mathematics, kind.reads)
    Console(soft_wrap=False).print(table)


def _table(*headings: str) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(*headings, box=SIMPLE, caption_justify="left", pad_edge=False)
    table.columns[0].no_wrap = True
    return table
