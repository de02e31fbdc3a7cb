"""Scans and pictures in NumPy archives, with the keys of the HDF5 layout."""

from pathlib import Path

from invdiff.data.formats.layout import PICTURE_KEYS, SCAN_KEYS, picture_of, scan_of
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.files.archive import names_in, read_archive


def read(path: Path) -> Scan:
    """The scan in an archive.

    Raises:
        InputError: it is broken, or does not hold a scan.
    """
    return scan_of(path, read_archive(path, SCAN_KEYS), {}, names_in(path))


def read_picture(path: Path) -> Picture:
    """The picture in an archive.

    Raises:
        InputError: it is broken, or does not hold a picture.
    """
    return picture_of(path, read_archive(path, PICTURE_KEYS))
