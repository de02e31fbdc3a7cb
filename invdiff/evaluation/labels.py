"""What tables and figures call a contender."""

from collections.abc import Sequence

from invdiff.evaluation.score_table import Row


def labelled(rows: Sequence[Row]) -> list[Row]:
    """The rows, in which a method that was run with several priors is called by its name and the prior's."""
    priors: dict[str, set[str]] = {}
    for row in rows:
        priors.setdefault(row["method"], set()).add(row.get("prior", ""))
    return [
        {**row, "method": f"{row['method']}, {row['prior']}"} if len(priors[row["method"]]) > 1 else row for row in rows
    ]
