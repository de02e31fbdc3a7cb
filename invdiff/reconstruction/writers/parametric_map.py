"""The standard deviation of the magnitude as a parametric map of DICOM (PS3.3, A.75)."""

import warnings
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from invdiff.errors import InputError
from invdiff.pictures import white_of
from invdiff.reconstruction.writers.description import software, title
from invdiff.reconstruction.writers.dicom import identifier, slices_of
from invdiff.reconstruction.written_result import WrittenResult


def write(result: WrittenResult, path: Path, template: Path | None = None) -> tuple[str, ...]:
    """Write one file of a frame a slice, in single precision and in the units of the result. It is of the same study
    and frame of reference as the images that `invdiff.reconstruction.writers.dicom` writes.

    Args:
        result: to be written.
        path: of the file.
        template: as for the images.

    Raises:
        InputError: as for the images, or fewer than two samples were drawn.
    """
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap, RealWorldValueMapping
    from highdicom.sr.coding import CodedConcept
    from pydicom.valuerep import DA, TM

    std = result.magnitude_std
    if std is None:
        raise InputError(f"{result.path} has no two samples of a slice, so nothing tells its uncertainty.")
    images = slices_of(result, template)
    white = white_of(std)
    values = RealWorldValueMapping(
        lut_label="std",
        lut_explanation="Standard deviation of magnitude",
        unit=CodedConcept("[arb'U]", "UCUM", "arbitrary unit"),
        value_range=(0.0, float(std.max()) or 1.0),
        slope=1.0,
        intercept=0.0,
    )
    series = identifier("std", images[0].SeriesInstanceUID, std)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = ParametricMap(
            images,
            np.asarray(std, np.float32),
            series_instance_uid=series,
            series_number=2,
            sop_instance_uid=identifier(series),
            instance_number=1,
            manufacturer="invdiff",
            manufacturer_model_name="invdiff",
            software_versions=software(result),
            device_serial_number="none",
            contains_recognizable_visual_features=True,
            real_world_value_mappings=[values],
            voi_lut_transformations=[VOILUTTransformation(white / 2, white, voi_lut_function="LINEAR_EXACT")],
            content_label="STD",
            series_description=title(result, "std"),
        )
    written = datetime.fromtimestamp(result.path.stat().st_mtime)
    made.ContentDate = made.InstanceCreationDate = DA(written.date())
    made.ContentTime = made.InstanceCreationTime = TM(written.time())
    made.walk(partial(_settle, series, written))
    made.save_as(path)
    return ()


def _settle(series: str, written: datetime, _: Any, element: Any) -> None:
    """Put what is of the result in the place of a time and an identifier that are drawn anew for each file, so that the
    same result gives the same file."""
    if element.VR == "DT":
        element.value = written.strftime("%Y%m%d%H%M%S")
    elif element.keyword == "DimensionOrganizationUID":
        element.value = identifier("dimensions", series)
