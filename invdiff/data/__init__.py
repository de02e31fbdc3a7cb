"""Scans: file formats, masks, coil maps, noise, simulation. NumPy arrays in and out; centred orthonormal Fourier
transforms.
"""

from invdiff.data.calibration import Calibration, calibrate, check_maps
from invdiff.data.coils import birdcage_maps, combine, combine_slices, espirit_maps, estimate_maps, one_image, separate
from invdiff.data.espirit import Eigenmaps, eigenmaps
from invdiff.data.formats import SCAN_SUFFIXES, read_scan, write_scan
from invdiff.data.fourier import to_image, to_kspace
from invdiff.data.masks import MASKS, achieved_acceleration, calibration_region
from invdiff.data.noise import (
    Noise,
    noise_at_edges,
    noise_covariance,
    noise_of_scan,
    noise_std,
    noise_std_per_coil,
    prewhiten,
)
from invdiff.data.phantom import shepp_logan, smooth_phase
from invdiff.data.scan import Scan
from invdiff.data.simulate import read_image, simulate

__all__ = [
    "MASKS",
    "SCAN_SUFFIXES",
    "Calibration",
    "Eigenmaps",
    "Noise",
    "Scan",
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
    "noise_at_edges",
    "noise_covariance",
    "noise_of_scan",
    "noise_std",
    "noise_std_per_coil",
    "one_image",
    "prewhiten",
    "read_image",
    "read_scan",
    "separate",
    "shepp_logan",
    "simulate",
    "smooth_phase",
    "to_image",
    "to_kspace",
    "write_scan",
]
