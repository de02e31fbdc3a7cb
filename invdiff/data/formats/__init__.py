"""Scans and images in files: a file a format, and one table of them."""

from invdiff.data.formats.companions import NOTHING_GIVEN, Given
from invdiff.data.formats.format import Format
from invdiff.data.formats.hdf5 import write_scan
from invdiff.data.formats.layouts import LAYOUTS, Layout, layouts
from invdiff.data.formats.reading import (
    given_of,
    list_series,
    open_scan,
    read_geometry,
    read_image,
    read_picture,
    read_scan,
)
from invdiff.data.formats.recording import read_recording
from invdiff.data.formats.table import FORMATS, formats, image_suffixes, picture_suffixes, scan_suffixes

__all__ = [
    "FORMATS",
    "LAYOUTS",
    "NOTHING_GIVEN",
    "Format",
    "Given",
    "Layout",
    "formats",
    "given_of",
    "image_suffixes",
    "layouts",
    "list_series",
    "open_scan",
    "picture_suffixes",
    "read_geometry",
    "read_image",
    "read_picture",
    "read_recording",
    "read_scan",
    "scan_suffixes",
    "write_scan",
]
