"""Names that a shell completes: of methods, parts, operators, priors, masks, formats and settings.

They are read off the source of the tables that hold them, since the tables themselves come with torch.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

import typer

from invdiff.cli.source import Source, heirs, modules_in, stems


def method_names(incomplete: str) -> list[str]:
    """Methods that begin so."""
    return _begin(_methods(), incomplete)


def operator_names(incomplete: str) -> list[str]:
    """Operators that begin so."""
    return _begin(Source("reconstruction.kinds").made("KINDS"), incomplete)


def mask_names(incomplete: str) -> list[str]:
    """Masks that begin so."""
    return _begin([name for name, _ in Source("data.masks").rows("MASKS")], incomplete)


def baseline_names(incomplete: str) -> list[str]:
    """Classical methods that begin so."""
    return _begin(Source("evaluation.contenders").made("CLASSICAL"), incomplete)


def format_names(incomplete: str) -> list[str]:
    """Formats of results that begin so."""
    return _begin(Source("reconstruction.writers.table").made("WRITERS"), incomplete)


def guidance_names(incomplete: str) -> list[str]:
    """Guidance that begins so."""
    return _parts("Guidance", incomplete)


def view_names(incomplete: str) -> list[str]:
    """Views that begin so."""
    return _parts("View", incomplete)


def signal_names(incomplete: str) -> list[str]:
    """Signals that begin so."""
    return _parts("Signal", incomplete)


def config_names(incomplete: str) -> list[str]:
    """Configurations of training that come with the package, and begin so."""
    return _begin(stems("training.configs", ".yaml"), incomplete)


def prior_names(incomplete: str) -> list[str]:
    """Priors that ship, and checkpoints and folders, that begin so."""
    start = Path(incomplete)
    folder = start if incomplete.endswith("/") else start.parent
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    checkpoint = Source("priors.checkpoints.checkpoint")
    files = [str(place) for place in places if place.suffix in checkpoint.literal("SUFFIXES")]
    folders = [f"{place}/" for place in places if place.is_dir()]
    return _begin([*checkpoint.literal("SHIPPED"), *files, *folders], incomplete)


def setting_names(context: typer.Context, incomplete: str) -> list[str]:
    """Parameters of the method that was named before, or of the usual one, with the sign that its value follows."""
    named = context.params.get("method")
    parameters = _methods().get(named if isinstance(named, str) else "estimate", ())
    return _begin([f"{parameter}=" for parameter in parameters], incomplete)


def _methods() -> Mapping[str, Iterable[str]]:
    """The parameters of each method."""
    return {name: parameters for module in modules_in("methods") for name, parameters in module.decorated("method")}


def _parts(kind: str, incomplete: str) -> list[str]:
    """The parts of a kind that begin so."""
    classes = heirs("diffusion", kind)
    rows = Source("methods.named_parts").rows("_TABLE")
    return _begin([name for name, made in rows if _class(made) in classes], incomplete)


def _class(made: ast.expr) -> str:
    """The name of the class that a row of the table of parts makes."""
    while isinstance(made, ast.Call):
        made = made.args[0]
    return made.attr if isinstance(made, ast.Attribute) else ""


def _begin(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
