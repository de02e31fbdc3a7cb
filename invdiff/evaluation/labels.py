"""What tables and figures call a contender."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from invdiff.evaluation.score_table import Row


def labelled(rows: Sequence[Row]) -> list[Row]:
    """The rows, in which a method that was run with several priors is called by its name and the prior's: of a path,
    so many of its last parts as tell these priors apart, and of these the first alone where it does."""
    priors: dict[str, dict[str, None]] = {}
    for row in rows:
        priors.setdefault(row["method"], {})[row.get("prior", "")] = None
    short = {method: _short(names) for method, names in priors.items() if len(names) > 1}
    return [
        {**row, "method": f"{row['method']}, {short[row['method']][row['prior']]}"} if row["method"] in short else row
        for row in rows
    ]


def _short(names: Iterable[str]) -> Mapping[str, str]:
    parts = {name: PurePath(name).parts for name in names}
    most = max(map(len, parts.values()))
    for count in range(1, most + 1):
        short = {name: "/".join(found[-count:]) for name, found in parts.items()}
        if len({*short.values()}) == len(short):
            first = {name: found[-count:][0] for name, found in parts.items()}
            return first if len({*first.values()}) == len(first) else short
    return {name: name for name in parts}
