"""Rows of results in a CSV file: what is there already is not made again, so a long run can be stopped and gone on."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path


class Rows:
    """``key -> one number``, both kept as text; the number with four decimals."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[tuple[str, ...], float] = {}
        if path.exists():
            with path.open(newline="") as file:
                self.known = {tuple(row[:-1]): float(row[-1]) for row in csv.reader(file)}

    def get(self, key: tuple[str, ...], make: Callable[[], float]) -> float:
        """The number that belongs to ``key``, made now if it is new."""
        if key not in self.known:
            self._add(key, make())
        return self.known[key]

    def get_all(
        self, key: tuple[str, ...], names: tuple[str, ...], make: Callable[[], Mapping[str, float]]
    ) -> dict[str, float]:
        """The numbers that belong to ``(*key, name)``, made now, all at once, if one is new."""
        if not self.known.keys() >= {(*key, name) for name in names}:
            made = make()
            for name in names:
                if (*key, name) not in self.known:
                    self._add((*key, name), made[name])
        return {name: self.known[*key, name] for name in names}

    def _add(self, key: tuple[str, ...], number: float) -> None:
        self.known[key] = round(number, 4)
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerow([*key, f"{number:.4f}"])
        print(*key, f"{number:.4f}", flush=True)
