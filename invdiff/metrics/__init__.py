"""Metrics, the conventions they follow, and regions of interest."""

from invdiff.metrics.conventions import CONVENTIONS, Agreement, Convention, find_convention
from invdiff.metrics.metrics import Scores, nmse, psnr, ssim
from invdiff.metrics.regions import Annotation, read_annotations
from invdiff.metrics.roughness import z_roughness

__all__ = [
    "CONVENTIONS",
    "Agreement",
    "Annotation",
    "Convention",
    "Scores",
    "find_convention",
    "nmse",
    "psnr",
    "read_annotations",
    "ssim",
    "z_roughness",
]
