"""What a format is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from invdiff.data.formats.contents import Contents
from invdiff.data.geometry import Geometry
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.data.scan_file import ScanFile
from invdiff.data.series import SINGLE, Series

T = TypeVar("T")


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
        open: reads a scan, a long one slice by slice; where not given, it is read whole. Where there are ``contents``,
            its further arguments are the axes of k-space, where a user says them, and what completes a scan.
        series: lists the measurements in a file, where it can hold several; ``scan`` and ``open`` then take one of them
            as a second argument.
        image: reads real or complex numbers, ``(slices, H, W)`` or ``(H, W)``, and nothing else.
        geometry: where the pixels of the ``image`` lie, as far as a file tells.
        picture: reads an image and what is known of it; where not given, it is the ``image`` alone.
    """

    name: str
    suffixes: tuple[str, ...]
    signatures: tuple[tuple[int, bytes], ...] = ()
    recognises: Callable[[Path], bool] = lambda path: True
    companions: tuple[str, ...] = ()
    scan: Callable[..., Scan | NonCartesianScan] | None = None
    contents: Callable[[Path], AbstractContextManager[Contents]] | None = None
    open: Callable[..., Scan | ScanFile | NonCartesianScan] | None = None
    series: Callable[[Path], tuple[Series, ...]] | None = None
    image: Callable[[Path], NDArray[Any]] | None = None
    geometry: Callable[[Path], Geometry | None] = lambda path: None
    picture: Callable[[Path], Picture] | None = None

    def names(self, path: Path) -> bool:
        """Whether a file's name is that of one of its files."""
        return path.name.lower().endswith((*self.suffixes, *self.companions))

    def signs(self, path: Path, beginning: bytes) -> bool:
        """Whether a file's content is of this format."""
        signed = any(beginning[place:].startswith(signature) for place, signature in self.signatures)
        return signed and self.recognises(path)

    def series_in(self, path: Path) -> tuple[Series, ...]:
        """The measurements in a file.

        Raises:
            InputError: as its reader.
        """
        return (SINGLE,) if self.series is None else self.series(path)

    def read(self, reader: Callable[..., T], path: Path, series: Series, *more: object) -> T:
        """What one of its readers finds of a measurement.

        Args:
            reader: ``scan`` or ``open``.
            path: of the file.
            series: which measurement.
            more: that the reader takes.

        Raises:
            InputError: as the reader, or there is no such measurement.
        """
        if self.series is not None:
            return reader(path, series, *more)
        series.one_of((SINGLE,), str(path))
        return reader(path, *more)

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
