"""What projects call the arrays in their files, and in which order their axes are: a row each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from invdiff.data.axes import Axes
from invdiff.data.axis_order import Stored
from invdiff.data.formats.contents import Contents
from invdiff.data.formats.offered import offered_in

ENTRY_POINTS = "invdiff.layouts"
"""Group of entry points, each a ``Layout`` of another package."""
PERHAPS = "perhaps_"
"""How what a name may hold begins, where the numbers alone can tell."""


@dataclass(frozen=True)
class Layout:
    """Names of an array in the files of a project, and its axes.

    Args:
        holds: ``kspace``, ``mask``, ``maps``, ``noise``, ``noise_std``, ``ground_truth``, ``calibration``,
            ``trajectory``, ``perhaps_trajectory`` and its two coordinates, ``matrix`` or ``image``.
        names: of data sets, the best first.
        source: whose they are, and where that is written.
        orders: of axes, each as `Axes.parse` takes it and for arrays of so many axes; of others, as without any, the
            numbers tell.
    """

    holds: str
    names: tuple[str, ...]
    source: str
    orders: tuple[str, ...] = ()

    def axes_of(self, stored: Stored) -> Axes | None:
        """The axes of an array by its number of axes; ``None`` where the row says nothing of it."""
        found = next((axes for axes in map(Axes.parse, self.orders) if len(axes.names) == len(stored.shape)), None)
        return found if found is None or ("part" in str(found)) == (stored.dtype.kind != "c") else None


LAYOUTS = (
    Layout("kspace", ("kspace",), "fastMRI (Zbontar et al., arXiv 1811.08839), and most others"),
    Layout(
        "kspace",
        ("kspace",),
        "fastMRI prostate T2 (Tibrewala et al., arXiv 2304.09254; cai2r/fastMRI_prostate), averages interleaved",
        ("average,slice,coil,y,x",),
    ),
    Layout(
        "kspace",
        ("kspace_full", "kspace_sub04", "kspace_sub08", "kspace_sub10"),
        "CMRxRecon (Wang et al., Scientific Data 11, 2024; CmrxRecon/CMRxRecon), as MATLAB shows it: kx, ky, coil, ...",
        ("y,x,coil,slice,frame", "y,x,coil,slice", "y,x,coil"),
    ),
    Layout(
        "kspace",
        ("kspace_single_full", "kspace_single_sub04", "kspace_single_sub08", "kspace_single_sub10"),
        "CMRxRecon, of one coil",
        ("y,x,slice,frame", "y,x,slice"),
    ),
    Layout(
        "kspace",
        ("kspace_sub", "kspace_train", "ksp", "kdata", "raw_data", "rawdata", "kspace_data"),
        "names in use, whose axes the numbers tell",
    ),
    Layout("mask", ("mask", "sampling_mask"), "fastMRI, and most others"),
    Layout("mask", ("mask04", "mask08", "mask10"), "CMRxRecon"),
    Layout(
        "mask",
        ("trnMask", "tstMask"),
        "MoDL (Aggarwal et al., IEEE Transactions on Medical Imaging 38, 2019; hkaggarwal/modl)",
    ),
    Layout("maps", ("sensitivity_maps",), "this package"),
    Layout("maps", ("sens_maps",), "SSDU (Yaman et al., Magnetic Resonance in Medicine 84, 2020; byaman14/SSDU)"),
    Layout("maps", ("csm", "trnCsm", "tstCsm"), "MoDL"),
    Layout("maps", ("s_maps", "smaps", "maps", "coilmaps", "coil_maps", "coil_sens", "sens"), "names in use"),
    Layout("noise", ("noise",), "this package"),
    Layout("noise", ("noise_scan", "noise_data"), "names in use"),
    Layout("noise_std", ("noise_std",), "this package"),
    Layout("ground_truth", ("ground_truth",), "this package"),
    Layout("calibration", ("calibration",), "this package, of its own H and W", ("slice,coil,y,x",)),
    Layout("trajectory", ("trajectory",), "this package: (readouts, samples, 2) in cycles per pixel, as (H, W)"),
    Layout(
        "trajectory",
        ("traj", "coords", "coord", "ktraj", "kcoord", "kcoords", "k_traj", "kspace_traj", "kspace_trajectory", "trj"),
        "names in use, whose units the numbers tell",
    ),
    Layout("perhaps_trajectory", ("k",), "gpuNUFFT (andyschwarzl/gpuNUFFT), beside k-space, where the numbers tell it"),
    Layout("perhaps_along_first", ("kx", "k_x"), "names in use, of the first coordinate"),
    Layout("perhaps_along_second", ("ky", "k_y"), "names in use, of the second"),
    Layout("matrix", ("matrix",), "this package: (H, W) of the image, beside a trajectory"),
    Layout("image", ("image",), "this package"),
    Layout("image", ("org", "trnOrg", "tstOrg"), "MoDL, whose k-space is made of its images"),
)
"""The package's own."""


@cache
def layouts() -> tuple[Layout, ...]:
    """All rows in the order that a file is asked for their names: those of other packages come first.

    Raises:
        InputError: an entry point of another package gives something other than a layout.
    """
    return (*offered_in(ENTRY_POINTS, Layout), *LAYOUTS)


def find_name(contents: Contents, holds: str) -> str | None:
    """What a file calls something, however it spells capitals; ``None`` where it has no array of a name that is known
    for it."""
    return next((own for row in _rows(holds) for name in row.names for own in contents.names if _same(name, own)), None)


def is_known(name: str) -> bool:
    """Whether a row says for certain what an array of that name holds."""
    certain = (row for row in layouts() if not row.holds.startswith(PERHAPS))
    return any(_same(name, one) for row in certain for one in row.names)


def known_axes(name: str, holds: str, stored: Stored) -> Axes | None:
    """The axes that a row gives an array of that name; ``None``: none does."""
    found = (row.axes_of(stored) for row in _rows(holds) if any(_same(name, one) for one in row.names))
    return next((axes for axes in found if axes is not None), None)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _rows(holds: str) -> Iterator[Layout]:
    return (row for row in layouts() if row.holds == holds)
