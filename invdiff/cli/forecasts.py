"""What a dry run tells: work, time and memory of every file, and of all."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from invdiff.cli.output import Output

if TYPE_CHECKING:
    from invdiff.reconstruction import Forecast

_SUMMED = ("slices", "units", "network_calls", "seconds")


def tell_forecasts(
    output: Output, found: "Sequence[tuple[str, Forecast, str]]", memory_limit: int | None = None
) -> None:
    """Tell what each of several files will take.

    Args:
        output: to whom.
        found: name and forecast of each file, and why there is none; empty where there is one.
        memory_limit: of each process, in bytes.
    """
    from rich.box import SIMPLE
    from rich.table import Table

    from invdiff.reconstruction.peak_memory import size

    rows = [{"file": name, **_numbers(one), "reason": reason} for name, one, reason in found]
    total: dict[str, Any] = {name: sum(row[name] for row in rows) for name in _SUMMED}
    total["peak_bytes"] = max(row["peak_bytes"] for row in rows)
    limit = "" if memory_limit is None else f" (limit {size(memory_limit)})"
    shown = Table(box=SIMPLE)
    for heading in ("file", "slices to do", "units", "network calls", "time", f"peak memory{limit}"):
        shown.add_column(heading, justify="left" if heading == "file" else "right", overflow="fold")
    for row in (*rows, *([{"file": f"{len(rows)} files", **total}] if len(rows) > 1 else [])):
        time = str(timedelta(seconds=round(row["seconds"])))
        peak = size(row["peak_bytes"]) if row["peak_bytes"] else "-"
        shown.add_row(row["file"], *(f"{row[name]:,}" for name in _SUMMED[:3]), time, peak)
    output.show(shown)
    output.finish({"command": "solve", "dry_run": True, "memory_limit": memory_limit, "files": rows, "total": total})


def _numbers(one: "Forecast") -> dict[str, Any]:
    return {
        "slices": len(one.cases),
        "units": one.units,
        "network_calls": one.network_calls,
        "seconds": one.seconds,
        "peak_bytes": one.peak_bytes,
    }
