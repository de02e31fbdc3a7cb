"""What a way out is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from invdiff.errors import InputError
from invdiff.reconstruction.written_result import WrittenResult

Remarks = Sequence[str]
"""What a user of the files may wonder at, as sentences."""
Write = Callable[[WrittenResult, Path], Remarks]


@dataclass(frozen=True)
class Writer:
    """A format in which results leave for other programs.

    Args:
        name: what users call it, such as ``"nifti"``.
        title: what messages call it.
        suffixes: in lower case, of the path that is given for it; with none it makes a folder.
        usual: a name beside a reconstruction.h5, where no path is given.
        write: makes the file or folder of a path, or files of other names beside it, and nothing else; raises
            ``InputError`` alone.
        write_like: the same after a folder of DICOM, whose patient and study are the result's; None where files of the
            format name neither.
        needs: the library that it takes, as Python imports it, and what pip calls what brings it.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    usual: str
    write: Write
    write_like: Callable[[WrittenResult, Path, Path], Remarks] | None = None
    needs: tuple[str, str] | None = None

    def names(self, path: Path) -> bool:
        """Whether a file's name is that of one of its files."""
        return bool(self.suffixes) and path.name.lower().endswith(self.suffixes)

    def check_installed(self) -> None:
        """Raise ``InputError`` where the library that it takes is missing."""
        if self.needs is not None and find_spec(self.needs[0]) is None:
            module, package = self.needs
            raise InputError(f"{self.title} is written by {module}; install it: pip install '{package}'.")
