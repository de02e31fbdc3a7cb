"""What was measured, as problems: a file a kind of measurement."""

from invdiff.reconstruction.cases.base import Cases
from invdiff.reconstruction.cases.pictures import PictureCases, picture_cases
from invdiff.reconstruction.cases.scans import ScanCases, scan_cases

__all__ = ["Cases", "PictureCases", "ScanCases", "picture_cases", "scan_cases"]
