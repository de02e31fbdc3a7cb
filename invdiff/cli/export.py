"""``invdiff export``: a result in the formats of other programs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from invdiff.cli.completion import format_names
from invdiff.cli.options import AsJson, Force, Quiet, Template
from invdiff.cli.output import Output

if TYPE_CHECKING:
    from invdiff.reconstruction.writers import Exported

_TOLD = 6


def export(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="A reconstruction.h5.")],
    ways: Annotated[
        list[str],
        typer.Argument(
            metavar="WAY",
            autocompletion=format_names,
            help="Where to, and as what: out.nii.gz, out.npy, out.cfl, out.mrd2, out.h5 (a submission to fastMRI), "
            "out.png (a picture a slice), out.zarr, out.dcm (a parametric map), a folder for DICOM, FORMAT=PATH, or "
            "FORMAT alone, beside RESULT: nifti, dicom, parametric-map, mrd, fastmri, bart, npy, png, zarr. May be "
            "repeated.",
        ),
    ],
    template: Template = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a result in the formats of other programs: its image, and what is known of it.

    Exit status: 0; 2 for what can't be done, in a sentence.
    """
    from invdiff.reconstruction.writers import ways_out

    output = Output(as_json, quiet)
    made: list[str] = []
    for way in ways_out(ways, template, replaces=force):
        exported = way.export(result)
        tell_exported(output, exported)
        made += map(str, exported.files)
    output.finish({"command": "export", "exit_status": 0, "files": made})


def tell_exported(output: Output, exported: "Exported") -> None:
    """Say which files there are, and what their users may wonder at."""
    for remark in exported.remarks:
        output.warn(remark)
    files = exported.files
    folder = os.path.commonpath([path.parent for path in files])
    output.wrote(
        f"wrote {', '.join(map(str, files))}" if len(files) <= _TOLD else f"wrote {len(files)} files in {folder}"
    )
