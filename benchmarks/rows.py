"""Rows of results in a CSV file: what is there already is not made again, so a long run can be stopped and gone on."""

import csv
from collections.abc import Callable
from pathlib import Path


class Rows:
    """``key -> one number``, both kept as text; the number with two decimals."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[tuple[str, ...], float] = {}
        if path.exists():
            with path.open(newline="") as file:
                self.known = {tuple(row[:-1]): float(row[-1]) for row in csv.reader(file)}

    def get(self, key: tuple[str, ...], make: Callable[[], float]) -> float:
        """The number that belongs to ``key``, made now if it is new."""
        if key not in self.known:
            self.known[key] = round(make(), 2)
            with self._path.open("a", newline="") as file:
                csv.writer(file).writerow([*key, f"{self.known[key]:.2f}"])
            print(*key, f"{self.known[key]:.2f}", flush=True)
        return self.known[key]
