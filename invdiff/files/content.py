"""What a file holds, told from what it held before."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Content:
    """What a file held at a time.

    Attributes:
        path: of the file.
        date: when it was changed, in nanoseconds.
        size: in bytes.
    """

    path: Path
    date: int
    size: int

    @classmethod
    def now(cls, path: Path) -> "Content":
        """What a file holds now."""
        status = path.stat()
        return cls(path, status.st_mtime_ns, status.st_size)
