"""What was measured, as problems: a file a kind of measurement."""

from invdiff.reconstruction.cases.base import Cases
from invdiff.reconstruction.cases.instruments import InstrumentCases, instrument_cases
from invdiff.reconstruction.cases.pictures import PictureCases, picture_cases
from invdiff.reconstruction.cases.scans import ScanCases, scan_cases

__all__ = ["Cases", "InstrumentCases", "PictureCases", "ScanCases", "instrument_cases", "picture_cases", "scan_cases"]
