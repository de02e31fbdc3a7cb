"""From a file to a reconstruction: cases, samples of each, and what is written of them;
and samples of a prior alone."""

from invdiff.reconstruction.cases import Cases, picture_cases, scan_cases
from invdiff.reconstruction.generate import Generated, generate
from invdiff.reconstruction.known_noise import known_noise
from invdiff.reconstruction.reconstruct import reconstruct
from invdiff.reconstruction.residual_noise import residual_noise, with_residual_noise
from invdiff.reconstruction.result import Reconstruction, read_reconstructed
from invdiff.reconstruction.sample import sample_cases, sample_scan

__all__ = [
    "Cases",
    "Generated",
    "Reconstruction",
    "generate",
    "known_noise",
    "picture_cases",
    "read_reconstructed",
    "reconstruct",
    "residual_noise",
    "sample_cases",
    "sample_scan",
    "scan_cases",
    "with_residual_noise",
]
