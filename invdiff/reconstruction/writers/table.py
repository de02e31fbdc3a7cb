"""The ways out that there are."""

from functools import cache

from invdiff.data.formats.offered import offered_in
from invdiff.reconstruction.writers import bart, dicom, fastmri, mrd_stream, nifti, npy, parametric_map, png, zarr_group
from invdiff.reconstruction.writers.writer import Writer

ENTRY_POINTS = "invdiff.writers"
"""Group of entry points, each a ``Writer`` of another package."""

WRITERS = (
    Writer(
        "nifti",
        "NIfTI",
        (".nii.gz", ".nii"),
        "reconstruction.nii.gz",
        nifti.write,
        needs=("nibabel", "invdiff[formats]"),
    ),
    Writer(
        "dicom",
        "DICOM",
        (),
        "dicom",
        dicom.write,
        write_like=dicom.write,
        needs=("pydicom", "invdiff[formats]"),
    ),
    Writer(
        "parametric-map",
        "A parametric map of DICOM",
        (".dcm",),
        "std.dcm",
        parametric_map.write,
        write_like=parametric_map.write,
        needs=("highdicom", "invdiff[export]"),
    ),
    Writer(
        "mrd",
        "A stream of MRD 2",
        (".mrd2",),
        "reconstruction.mrd2",
        mrd_stream.write,
        needs=("mrd", "invdiff[formats]"),
    ),
    Writer("fastmri", "A submission to fastMRI", (".h5", ".hdf5"), "fastmri.h5", fastmri.write),
    Writer("bart", "BART", (".cfl",), "reconstruction.cfl", bart.write),
    Writer("npy", "NumPy", (".npy",), "reconstruction.npy", npy.write),
    Writer("png", "A stack of PNG", (".png",), "reconstruction.png", png.write),
    Writer("zarr", "Zarr", (".zarr",), "reconstruction.zarr", zarr_group.write, needs=("zarr", "invdiff[export]")),
)
"""The package's own."""


@cache
def writers() -> tuple[Writer, ...]:
    """All ways out; those of other packages come first.

    Raises:
        InputError: an entry point of another package gives something other than a writer.
    """
    return (*offered_in(ENTRY_POINTS, Writer), *WRITERS)
