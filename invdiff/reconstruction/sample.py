"""The scan that ships with the package, as an example of every kind of problem."""

from dataclasses import replace
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from invdiff.data.coils import combine, estimate_maps
from invdiff.data.formats import read_scan
from invdiff.data.fourier import to_image, to_kspace
from invdiff.data.masks import equispaced
from invdiff.data.noise import noise_std
from invdiff.data.non_cartesian_scan import NonCartesianScan
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.data.trajectory import Trajectory, radial

Mask = NDArray[np.bool_]

EVERY, CENTRE_LINES = 4, 20
SPOKES = 34


def sample_scan() -> Scan:
    """A measured brain slice, 16 coils, 128 x 128, fully sampled (MIT; pulseq/MR-Physics-with-Pulseq)."""
    with as_file(files("invdiff.data") / "samples" / "brain_pulseq_16ch.h5") as path:
        scan = read_scan(path)
    return replace(scan, name="the package's brain scan")


def multi_coil_sample(seed: int) -> tuple[Scan, Mask]:
    """The scan, and a mask of 20 central lines and every fourth of the others, offset by the seed."""
    scan = sample_scan()
    return scan, equispaced(scan.image_shape, EVERY, CENTRE_LINES, offset=seed % EVERY)


def single_coil_sample(seed: int) -> tuple[Scan, Mask]:
    """The coils' combination as a single coil, and the same mask."""
    scan, mask = multi_coil_sample(seed)
    return Scan(to_kspace(_image(scan))[:, None], name=scan.name), mask


def radial_sample(seed: int) -> tuple[NonCartesianScan, None]:
    """The scan along 34 spokes by the golden angle, the first of which is turned by as many of these as the seed says,
    with twofold readout oversampling: the orthonormal transform of its coil images at their points, where noise is as
    loud as on the grid."""
    import torch

    from invdiff.operators import NonUniformFourier

    scan = sample_scan()
    spokes = radial(seed + SPOKES, 2 * max(scan.image_shape))
    trajectory = Trajectory(spokes.points[seed:])
    F = NonUniformFourier(torch.from_numpy(trajectory.points.reshape(-1, 2)), scan.image_shape)
    samples = F(torch.from_numpy(to_image(scan.kspace))).numpy()
    kspace = samples.reshape(scan.slices, scan.coils, *trajectory.points.shape[:2])
    level = noise_std(scan.kspace)  # which no image leaves of these samples, since its own is one
    return NonCartesianScan(kspace, trajectory, scan.image_shape, noise_std=level, name=scan.name), None


def holed_sample(seed: int) -> tuple[Picture, None]:
    """The coils' combination, half of whose pixels are known, drawn by the seed."""
    scan = sample_scan()
    image, level = _image(scan), noise_std(scan.kspace)
    known = np.random.default_rng(seed).random(scan.image_shape) < 0.5
    return Picture(np.where(known, image, 0), known, level, image, scan.name), None


def noisy_sample(seed: int) -> tuple[Picture, None]:
    """The coils' combination with as much noise again as a twentieth of its largest magnitude."""
    scan = sample_scan()
    image = _image(scan)
    level = float(np.abs(image).max()) / 20
    parts = np.random.default_rng(seed).standard_normal((2, *image.shape)).astype(np.float32)
    noisy = (image + level * (parts[0] + 1j * parts[1])).astype(np.complex64)
    return Picture(noisy, None, level, image, scan.name), None


def magnitude_sample(seed: int) -> tuple[Picture, None]:
    """The magnitude of the coils' combination: a picture, to be measured by instruments of real images."""
    scan = sample_scan()
    return Picture(np.abs(_image(scan)), name=scan.name), None


def _image(scan: Scan) -> NDArray[np.complex64]:
    return combine(to_image(scan.kspace), estimate_maps(scan))
