"""Images in ``.npy`` files."""

from invdiff.files.npy import read_npy as read

__all__ = ["read"]
