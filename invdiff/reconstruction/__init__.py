"""From what was measured to a reconstruction on disk: inputs, cases, units of work, where they are computed and kept,
and what is written of them; and samples of a prior alone."""

from invdiff.reconstruction.cases import Cases, PictureCases, ScanCases, picture_cases, scan_cases
from invdiff.reconstruction.choice import Choice
from invdiff.reconstruction.course import Course
from invdiff.reconstruction.course_remarks import course_remarks
from invdiff.reconstruction.draw import Shard, draw
from invdiff.reconstruction.executors import Dask, Executor, Here, Processes
from invdiff.reconstruction.forecast import Forecast, MeasuredOnce, forecast
from invdiff.reconstruction.generate import Generated, Generation
from invdiff.reconstruction.inputs import Input, Measurement, find_inputs, find_series, sample_cases
from invdiff.reconstruction.kinds import KINDS, Assumptions, Kind, find_kind, kind_of_coils
from invdiff.reconstruction.known_maps import known_maps
from invdiff.reconstruction.known_noise import known_noise
from invdiff.reconstruction.memory_limit import within
from invdiff.reconstruction.reconstruct import gather, reconstruct
from invdiff.reconstruction.report import report_result
from invdiff.reconstruction.residual_noise import residual_noise, with_residual_noise
from invdiff.reconstruction.result import (
    Reconstruction,
    SliceResult,
    read_reconstructed,
    spread_slices,
    write_contact_sheet,
    write_slices,
)
from invdiff.reconstruction.sample import sample_scan
from invdiff.reconstruction.slabs import Slabs
from invdiff.reconstruction.stacked_slices import StackedSlices
from invdiff.reconstruction.stage import Stage, stage_of
from invdiff.reconstruction.store import FolderStore, MemoryStore, Store
from invdiff.reconstruction.study import Outcome, Recipe, Study, Watcher
from invdiff.reconstruction.uncertainty import (
    Conformal,
    Coverage,
    Label,
    Magnitude,
    Rectangle,
    Region,
    Student,
    WrittenSamples,
    conformal_for,
    conformal_table,
    named_regions,
    read_labels,
)
from invdiff.reconstruction.units import Drawing, Drawn, Unit
from invdiff.reconstruction.written_result import WrittenResult, written_result

__all__ = [
    "KINDS",
    "Assumptions",
    "Cases",
    "Choice",
    "Conformal",
    "Course",
    "Coverage",
    "Dask",
    "Drawing",
    "Drawn",
    "Executor",
    "FolderStore",
    "Forecast",
    "Generated",
    "Generation",
    "Here",
    "Input",
    "Kind",
    "Label",
    "Magnitude",
    "MeasuredOnce",
    "Measurement",
    "MemoryStore",
    "Outcome",
    "PictureCases",
    "Processes",
    "Recipe",
    "Reconstruction",
    "Rectangle",
    "Region",
    "ScanCases",
    "Shard",
    "Slabs",
    "SliceResult",
    "StackedSlices",
    "Stage",
    "Store",
    "Student",
    "Study",
    "Unit",
    "Watcher",
    "WrittenResult",
    "WrittenSamples",
    "conformal_for",
    "conformal_table",
    "course_remarks",
    "draw",
    "find_inputs",
    "find_kind",
    "find_series",
    "forecast",
    "gather",
    "kind_of_coils",
    "known_maps",
    "known_noise",
    "named_regions",
    "picture_cases",
    "read_labels",
    "read_reconstructed",
    "reconstruct",
    "report_result",
    "residual_noise",
    "sample_cases",
    "sample_scan",
    "scan_cases",
    "spread_slices",
    "stage_of",
    "with_residual_noise",
    "within",
    "write_contact_sheet",
    "write_slices",
    "written_result",
]
