"""Scans: file formats, masks, coil maps, noise, simulation. NumPy arrays in and out; centred orthonormal Fourier
transforms.
"""

from invdiff.data.axes import Axes
from invdiff.data.calibration import Calibration, calibrate, check_maps
from invdiff.data.coils import birdcage_maps, combine, combine_slices, espirit_maps, estimate_maps, one_image, separate
from invdiff.data.condition import Condition
from invdiff.data.covariance import shrunk_covariance
from invdiff.data.espirit import Eigenmaps, eigenmaps
from invdiff.data.formats import (
    Format,
    Layout,
    image_suffixes,
    list_series,
    open_scan,
    picture_suffixes,
    read_geometry,
    read_image,
    read_picture,
    read_scan,
    scan_suffixes,
    write_scan,
)
from invdiff.data.fourier import to_image, to_kspace
from invdiff.data.geometry import Geometry, Plane
from invdiff.data.masks import MASKS, achieved_acceleration, calibration_region
from invdiff.data.noise import Noise, estimate_noise, noise_of_scan, noise_std
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.phantom import shepp_logan, smooth_phase
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan, ScanSlices
from invdiff.data.scan_file import ScanFile
from invdiff.data.series import Series
from invdiff.data.simulate import simulate, simulate_along
from invdiff.data.trajectory import Trajectory, radial, spiral
from invdiff.data.whitening import normalised_before_whitening, prewhiten, whitening

__all__ = [
    "MASKS",
    "Axes",
    "Calibration",
    "Condition",
    "Eigenmaps",
    "Format",
    "Geometry",
    "Layout",
    "Noise",
    "NonCartesianScan",
    "Picture",
    "Plane",
    "Scan",
    "ScanFile",
    "ScanSlices",
    "Series",
    "Trajectory",
    "achieved_acceleration",
    "birdcage_maps",
    "calibrate",
    "calibration_region",
    "check_maps",
    "combine",
    "combine_slices",
    "eigenmaps",
    "espirit_maps",
    "estimate_maps",
    "estimate_noise",
    "image_suffixes",
    "list_series",
    "noise_of_scan",
    "noise_std",
    "normalised_before_whitening",
    "one_image",
    "open_scan",
    "picture_suffixes",
    "prewhiten",
    "radial",
    "read_geometry",
    "read_image",
    "read_picture",
    "read_scan",
    "scan_suffixes",
    "separate",
    "shepp_logan",
    "shrunk_covariance",
    "simulate",
    "simulate_along",
    "smooth_phase",
    "spiral",
    "to_image",
    "to_kspace",
    "whitening",
    "write_scan",
]
