"""Results as pages that a browser shows without a network."""

from invdiff.pictures.report.chart import Chart, Line
from invdiff.pictures.report.content import ERROR_SCALE, Report, ReportSlice, Sampled
from invdiff.pictures.report.course_chart import Band, CourseChart
from invdiff.pictures.report.index import Case, write_index
from invdiff.pictures.report.own_file import check_own
from invdiff.pictures.report.page import page_names, write_report

__all__ = [
    "ERROR_SCALE",
    "Band",
    "Case",
    "Chart",
    "CourseChart",
    "Line",
    "Report",
    "ReportSlice",
    "Sampled",
    "check_own",
    "page_names",
    "write_index",
    "write_report",
]
