"""Names that a shell completes: of methods, operators, priors, masks and settings."""

from collections.abc import Iterable

import typer

from invdiff.errors import InputError


def method_names(incomplete: str) -> list[str]:
    """Methods that begin so."""
    from invdiff.methods import METHODS

    return _begin(METHODS, incomplete)


def operator_names(incomplete: str) -> list[str]:
    """Operators that begin so."""
    from invdiff.reconstruction import KINDS

    return _begin(KINDS, incomplete)


def mask_names(incomplete: str) -> list[str]:
    """Masks that begin so."""
    from invdiff.data.masks import MASKS

    return _begin(MASKS, incomplete)


def baseline_names(incomplete: str) -> list[str]:
    """Classical methods that begin so."""
    from invdiff.evaluation import CLASSICAL

    return _begin(CLASSICAL, incomplete)


def prior_names(incomplete: str) -> list[str]:
    """Priors that ship, and checkpoints and folders, that begin so."""
    from pathlib import Path

    from invdiff.priors.checkpoints.checkpoint import SHIPPED

    start = Path(incomplete)
    folder = start if incomplete.endswith("/") else start.parent
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [str(place) for place in places if place.suffix in (".safetensors", ".pt", ".pth")]
    return _begin([*SHIPPED, *files, *(f"{place}/" for place in places if place.is_dir())], incomplete)


def setting_names(context: typer.Context, incomplete: str) -> list[str]:
    """Parameters of the method that was named before, or of the usual one, with the sign that its value follows."""
    from invdiff.methods import find_method

    named = context.params.get("method")
    try:
        method = find_method(named if isinstance(named, str) else "estimate")
    except InputError:
        return []
    return _begin([f"{parameter}=" for parameter in method.defaults], incomplete)


def _begin(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
