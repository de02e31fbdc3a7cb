"""The scan that ships with the package, as an example for every operator."""

from dataclasses import replace
from importlib.resources import as_file, files

import numpy as np

from invdiff.data.coils import combine, estimate_maps
from invdiff.data.formats import read_scan
from invdiff.data.fourier import to_image, to_kspace
from invdiff.data.masks import equispaced
from invdiff.data.noise import noise_std as estimate_noise_std
from invdiff.data.picture import Picture
from invdiff.data.scan import Scan
from invdiff.reconstruction.cases import Cases, picture_cases, scan_cases

EVERY, CENTRE_LINES = 4, 20


def sample_scan() -> Scan:
    """A measured brain slice, 16 coils, 128 x 128, fully sampled (MIT; pulseq/MR-Physics-with-Pulseq)."""
    with as_file(files("invdiff.data") / "samples" / "brain_pulseq_16ch.h5") as path:
        scan = read_scan(path)
    return replace(scan, name="the package's brain scan")


def sample_cases(
    operator: str,
    seed: int,
    *,
    noise_std: float | None = None,
    map_sets: int | None = None,
    crop: float | None = None,
) -> Cases:
    """The sample, made a problem for the operator.

    ``sense``: 20 central lines and every fourth of the others are kept, offset by the seed. ``fourier``: the same of
    the coils' combination as a single coil. ``inpainting``: half of that image's pixels, drawn by the seed.
    ``denoise``: that image with as much noise again as a twentieth of its largest magnitude.

    Args:
        operator: one of these four.
        seed: zero or more.
        noise_std: to be assumed, instead of what is known or estimated.
        map_sets: for ``sense``, as of `scan_cases`.
        crop: the same.
    """
    scan = sample_scan()
    mask = equispaced(scan.image_shape, EVERY, CENTRE_LINES, offset=seed % EVERY)
    if operator == "sense":
        return scan_cases(scan, operator, mask=mask, noise_std=noise_std, map_sets=map_sets, crop=crop)
    image = combine(to_image(scan.kspace), estimate_maps(scan))
    if operator == "fourier":
        return scan_cases(Scan(to_kspace(image)[:, None], name=scan.name), operator, mask=mask, noise_std=noise_std)
    rng = np.random.default_rng(seed)
    if operator == "inpainting":
        known = rng.random(scan.image_shape) < 0.5
        level = estimate_noise_std(scan.kspace)
        holed = Picture(np.where(known, image, 0), known, level, image, scan.name)
        return picture_cases(holed, operator, noise_std=noise_std)
    level = float(np.abs(image).max()) / 20
    parts = rng.standard_normal((2, *image.shape)).astype(np.float32)
    noisy = (image + level * (parts[0] + 1j * parts[1])).astype(np.complex64)
    return picture_cases(Picture(noisy, None, level, image, scan.name), operator, noise_std=noise_std)
