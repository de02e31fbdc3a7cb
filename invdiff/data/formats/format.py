"""What a format is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from invdiff.data.axes import Axes
from invdiff.data.formats.contents import Contents
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.data.scan_file import ScanFile


@dataclass(frozen=True)
class Format:
    """A kind of file, and how what it holds is read; readers raise ``InputError`` and nothing else.

    Args:
        name: what messages call it.
        suffixes: in lower case; a folder's files of these names are taken for its own, each measurement once.
        signatures: bytes and where they stand within the first 4 KiB, of which a file has one; with none at all, the
            suffix alone tells the format.
        recognises: looks further, among formats of one signature.
        companions: suffixes of files that go with one of ``suffixes`` and may be given in its place.
        scan: reads a scan whole.
        contents: opens what its files hold by name; scans are read of it where ``scan`` is not given, and coil maps,
            masks and noise of other files.
        open: reads a scan by the axes of its k-space, where a user says them, a long one slice by slice; where not
            given, it is read whole.
        image: reads real or complex numbers, ``(slices, H, W)`` or ``(H, W)``, and nothing else.
        picture: reads an image and what is known of it; where not given, it is the ``image`` alone.
    """

    name: str
    suffixes: tuple[str, ...]
    signatures: tuple[tuple[int, bytes], ...] = ()
    recognises: Callable[[Path], bool] = lambda path: True
    companions: tuple[str, ...] = ()
    scan: Callable[[Path], Scan] | None = None
    contents: Callable[[Path], AbstractContextManager[Contents]] | None = None
    open: Callable[[Path, Axes | None], Scan | ScanFile] | None = None
    image: Callable[[Path], NDArray[Any]] | None = None
    picture: Callable[[Path], Picture] | None = None

    def names(self, path: Path) -> bool:
        """Whether a file's name is that of one of its files."""
        return path.name.lower().endswith((*self.suffixes, *self.companions))

    def signs(self, path: Path, beginning: bytes) -> bool:
        """Whether a file's content is of this format."""
        signed = any(beginning[place:].startswith(signature) for place, signature in self.signatures)
        return signed and self.recognises(path)

    @property
    def has_scan(self) -> bool:
        """Whether its files hold scans."""
        return self.scan is not None or self.contents is not None

    @property
    def has_image(self) -> bool:
        """Whether its files hold an image and nothing else."""
        return self.image is not None

    @property
    def has_picture(self) -> bool:
        """Whether its files hold images, and perhaps what is known of them."""
        return self.image is not None or self.picture is not None
